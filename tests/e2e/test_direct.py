"""Requests sent by hand in a stack that is in progress: what CloudFormation does on AWS and the local cloud's does not."""

import json
import unittest

import by_hand
import world
from by_hand import Held, Resource
from local import deploy
from local.cloud import ACCOUNT, REGION
from response_url import ResponseUrl


class Direct(world.Case):
    def resource(self, *args, **properties):
        if not hasattr(self, "held"):
            self.held = Held("by-hand")
            self.addCleanup(self.held.delete)
        resource = Resource(self.held, *args, **properties)
        # Whatever the test does, everything is removed by an id that
        # CloudFormation could have invented, and the properties of the Create.
        written = {"ServiceToken": resource.token, **resource.properties}
        self.addCleanup(resource.send, "Delete", PhysicalResourceId="never-answered", ResourceProperties=written)
        return resource

    def test_the_answer_is_as_cloudformation_wants_it(self):
        resource = self.resource()
        with ResponseUrl() as response:
            event = resource.event("Create", response.url)
            by_hand.invoke(event)
            (put,) = response.wait_for(1)
        self.assertTrue(response.url.endswith(put["path"]))
        self.assertEqual(put["headers"]["content-length"], str(put["length"]))
        self.assertNotIn("content-type", put["headers"])
        self.assertNotIn("transfer-encoding", put["headers"])
        self.assertLessEqual(put["length"], 4096)
        body = put["body"]
        data = body.pop("Data")
        self.assertEqual(
            body,
            {
                "Status": "SUCCESS",
                "PhysicalResourceId": resource.id_of("direct"),
                "StackId": event["StackId"],
                "RequestId": event["RequestId"],
                "LogicalResourceId": "Direct",
            },
        )
        newest, _ = world.definition(world.active("direct")[0])
        role = world.role(newest["taskRoleArn"])
        self.assertEqual(
            data,
            {
                "TaskDefinitionArn": newest["taskDefinitionArn"],
                "Revision": str(newest["revision"]),
                "TaskFamily": "direct",
                "TaskRoleArn": role["Arn"],
                "TaskRoleName": role["RoleName"],
                "TaskRoleId": role["RoleId"],
                "ExecutionRoleArn": newest["executionRoleArn"],
                "LogGroupName": "/aws/ecs/direct",
            },
        )

    def test_an_update_answers_every_attribute_that_the_create_answered(self):
        resource = self.resource()
        created = resource.send("Create")
        old = dict(resource.properties)
        resource.properties["Image"] = "ruby:3.4"
        updated = resource.send("Update", PhysicalResourceId=created["PhysicalResourceId"], OldResourceProperties=old)
        self.assertEqual(updated["PhysicalResourceId"], created["PhysicalResourceId"])
        self.assertEqual(updated["Data"].keys(), created["Data"].keys())
        moved = {name for name in created["Data"] if created["Data"][name] != updated["Data"][name]}
        self.assertEqual(moved, {"TaskDefinitionArn", "Revision"})

    def test_a_create_that_never_answered_is_deleted_by_an_invented_id(self):
        resource = self.resource(TaskFamily="unanswered")
        with ResponseUrl(403) as response:
            event = resource.event("Create", response.url)
            by_hand.invoke(event)
            response.wait_for(1)
            by_hand.finished(event)
            response.wait_for(1)  # 403 is final
        self.assertEqual(len(world.active("unanswered")), 1)
        invented = "by-hand-Direct-1ABCDEFGHIJK"
        answer = resource.send("Delete", PhysicalResourceId=invented)
        self.assertEqual((answer["Status"], answer["PhysicalResourceId"]), ("SUCCESS", invented))
        self.assertEqual(world.active("unanswered"), [])
        self.assertNotIn("/aws/ecs/unanswered", world.log_groups())

    def test_an_answer_that_was_not_taken_is_sent_again(self):
        resource = self.resource()
        with ResponseUrl(503, 500) as response:
            by_hand.invoke(resource.event("Create", response.url))
            received = response.wait_for(3)
        self.assertEqual([one["status"] for one in received], [503, 500, 200])
        first, *others = (one["body"] for one in received)
        self.assertEqual(others, [first, first])
        self.assertEqual(len(world.active("direct")), 1)

    def test_what_a_create_refuses_its_delete_takes(self):
        for properties in (
            {"Image": ""},
            {"Image": {"not": "a string"}},
            {"Image": "ruby", "TaskFamily": "no family!"},
            {"Image": "ruby", "Environment": "not a list"},
            {"Image": "ruby", "TaskCpu": "lots", "TaskMemory": []},
            {"Image": "ruby", "Unknown": "x" * 5000},
        ):
            with self.subTest(properties=str(properties)[:60]):
                before = world.everything()
                resource = self.resource()
                resource.properties = properties
                refused = resource.send("Create")
                self.assertEqual(refused["Status"], "FAILED")
                self.assertTrue(any(f"`{name}" in refused["Reason"] for name in properties), refused["Reason"])
                self.assertNotIn("Data", refused)
                self.assertEqual(world.everything(), before)
                deleted = resource.send("Delete", PhysicalResourceId=refused["PhysicalResourceId"])
                self.assertEqual(deleted["Status"], "SUCCESS")

    def test_a_failed_update_keeps_the_id_of_the_event(self):
        resource = self.resource()
        created = resource.send("Create")["PhysicalResourceId"]
        old = dict(resource.properties)
        resource.properties |= {"TaskFamily": "elsewhere", "TaskCpu": "1"}
        refused = resource.send("Update", PhysicalResourceId=created, OldResourceProperties=old)
        self.assertEqual((refused["Status"], refused["PhysicalResourceId"]), ("FAILED", created))

    def test_a_delete_leaves_what_is_another_resources(self):
        mine = self.resource(TaskFamily="mine")
        mine.send("Create")
        there = world.everything()
        stranger = Resource(self.held, "Stranger", TaskFamily="mine")
        answer = stranger.send("Delete", PhysicalResourceId=mine.id_of("mine"))
        self.assertEqual(answer["Status"], "SUCCESS")
        self.assertEqual(world.everything(), there)

    def test_the_log_holds_no_credential_and_no_value(self):
        resource = self.resource(Environment=[{"Name": "PASSPHRASE", "Value": "correct-horse-battery"}])
        resource.send("Create")
        resource.properties["Image"] = "not an image"
        resource.send("Create")
        logged = world.logged()
        self.assertIn(resource.stack_id, logged)
        for line in logged.splitlines():
            if line.startswith("{"):
                json.loads(line)
        self.assertNotIn("not-for-the-logs", logged)
        self.assertNotIn("correct-horse-battery", logged)


class Configured(world.Case):
    """A second provider, with every parameter of template.yml set."""

    BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/AgentBoundary"

    @classmethod
    def setUpClass(cls):
        world.client("iam").create_policy(
            PolicyName="AgentBoundary",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
            ),
        )
        deploy.provider(
            world.cloud(),
            stack="configured",
            FunctionName="configured",
            AgentTokenParameterPath="/ci/token",
            ExecutionRolePath="/Bounded/Execution/",
            TaskRolePath="/Bounded/Task/",
            PermissionsBoundaryArn=cls.BOUNDARY,
            SshAgentImage=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/ssh-agent:1",
            LogRetentionInDays="14",
            ExecutionRoleSourceAccount="true",
        )

    def test_every_parameter_reaches_what_is_made(self):
        def body(**properties):
            agent = world.agent(
                Image="ruby:3.3",
                SshAgentBackend=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3/Prod",
                **properties,
            )
            agent["Properties"]["ServiceToken"] = {"Fn::ImportValue": "configured-ServiceToken"}
            attributes = ("ExecutionRoleArn", "TaskRoleName")
            return world.template(
                {"Web": agent}, **{name: {"Value": {"Fn::GetAtt": ["Web", name]}} for name in attributes}
            )

        stack = self.created("pipelines", body())
        outputs = stack.outputs()
        definition, _ = world.definition(outputs["TaskDefinitionArn"])
        containers = {one["name"]: one for one in definition["containerDefinitions"]}
        self.assertEqual(containers["ssh-agent"]["image"], f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/ssh-agent:1")
        self.assertEqual(containers["agent"]["secrets"], [{"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/ci/token"}])
        self.assertEqual(world.log_groups()["/aws/ecs/web"], 14)
        for name, path in (
            ("ExecutionRoleArn", "/Bounded/Execution/"),
            ("TaskRoleArn", "/Bounded/Task/"),
        ):
            role = world.role(outputs[name])
            self.assertEqual(role["Path"], path)
            self.assertEqual(role["PermissionsBoundary"]["PermissionsBoundaryArn"], self.BOUNDARY)
            condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
            self.assertEqual(condition["StringEquals"], {"aws:SourceAccount": [ACCOUNT]})
            region = {"aws:SourceArn": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"]}
            self.assertEqual(condition.get("ArnLike"), region if name == "TaskRoleArn" else None)

        # A role made before a boundary was configured gets it at the next update.
        world.client("iam").delete_role_permissions_boundary(RoleName=outputs["TaskRoleName"])
        self.assertEqual(stack.apply(body(TaskCpu="512", TaskMemory="1024")), "UPDATE_COMPLETE")
        role = world.role(outputs["TaskRoleArn"])
        self.assertEqual(role["PermissionsBoundary"]["PermissionsBoundaryArn"], self.BOUNDARY)


if __name__ == "__main__":
    unittest.main()
