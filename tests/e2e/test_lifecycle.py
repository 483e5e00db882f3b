"""Updates, rollbacks, refusals and deletions, driven by CloudFormation."""

import json
import unittest

import world
from local.cloud import ACCOUNT, REGION


def one(**properties):
    return world.template({"Web": world.agent(**({"Image": "ruby:3.3"} | properties))})


def image_of(arn):
    return world.definition(arn)[0]["containerDefinitions"][0]["image"]


class Updates(world.Case):
    def test_twelve_images_leave_one_reference_one_role_and_few_revisions(self):
        stack = self.created("pipelines", one(Image="ruby:1"))
        before = stack.outputs()
        for number in range(2, 14):
            self.assertEqual(stack.apply(one(Image=f"ruby:{number}")), "UPDATE_COMPLETE")
            after = stack.outputs()
            for name in ("Reference", "TaskRoleArn", "TaskRoleId"):
                self.assertEqual(after[name], before[name])
            self.assertEqual(image_of(after["TaskDefinitionArn"]), f"ruby:{number}")
            self.assertEqual(after["TaskDefinitionArn"], world.active("web")[0])
        self.assertLessEqual(len(world.active("web")), 4)
        definition, _ = world.definition(after["TaskDefinitionArn"])
        self.assertEqual(len(world.role(definition["executionRoleArn"])["Policies"]), 1)

    def test_what_changes_nothing_registers_nothing(self):
        stack = self.created("pipelines", one(ServiceTimeout=600))
        before = (stack.outputs(), world.active("web"))
        for same in (
            one(ServiceTimeout=700),
            one(ServiceTimeout="700", TaskCpu="256"),
            one(TaskCpu=256, TaskMemory="512"),
        ):
            self.assertEqual(stack.apply(same), "UPDATE_COMPLETE")
            self.assertEqual((stack.outputs(), world.active("web")), before)

    def test_the_stacks_tags_are_on_what_is_made_and_on_roles_only_if_allowed(self):
        stack = self.stack("pipelines")
        stack.tags = {"cost-centre": "7", "team": "the stack's"}
        team = [{"Key": "team", "Value": "platform"}]
        self.assertEqual(stack.apply(one(Tags=team)), "CREATE_COMPLETE", stack.reasons("Web"))
        wanted = {"cost-centre": "7", "team": "platform"}

        def others(tags):
            return {key: value for key, value in tags.items() if not key.startswith("agent-composer:")}

        definition, tags = world.definition(stack.outputs()["TaskDefinitionArn"])
        self.assertEqual(others(tags), wanted)
        self.assertEqual(others(world.log_group_tags("/aws/ecs/web")), wanted)
        self.assertEqual(others(world.role(definition["executionRoleArn"])["Tags"]), {})

    def test_rights_that_are_no_longer_wanted_are_removed(self):
        secret = [{"Name": "KEY", "ValueFrom": "/deploy/key"}]
        stack = self.created("pipelines", one(Secrets=secret))
        definition, _ = world.definition(stack.outputs()["TaskDefinitionArn"])
        self.assertIn("/deploy/key", json.dumps(world.role(definition["executionRoleArn"])["Policies"]))
        self.assertEqual(stack.apply(one()), "UPDATE_COMPLETE")
        role = world.role(definition["executionRoleArn"])
        self.assertEqual(len(role["Policies"]), 1)
        self.assertNotIn("/deploy/key", json.dumps(role["Policies"]))

    def test_another_family_is_another_resource_and_the_old_one_goes(self):
        stack = self.created("pipelines", one(TaskFamily="before"))
        before = stack.outputs()
        self.assertEqual(stack.apply(one(TaskFamily="after")), "UPDATE_COMPLETE")
        after = stack.outputs()
        self.assertEqual(after["Reference"], f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/after")
        self.assertNotEqual(after["TaskRoleId"], before["TaskRoleId"])
        self.assertEqual(world.active("before"), [])
        self.assertNotIn("/aws/ecs/before", world.log_groups())

    def test_an_agent_that_is_removed_from_its_stack_goes(self):
        agents = {name: world.agent(Image="ruby:3.4") for name in ("Stays", "Goes")}
        stack = self.created("removal", world.template(agents))
        self.assertEqual(stack.apply(world.template({"Stays": agents["Stays"]})), "UPDATE_COMPLETE")
        self.assertEqual(world.active("goes"), [])
        self.assertNotIn("/aws/ecs/goes", world.log_groups())
        self.assertEqual(len(world.active("stays")), 1)

    def test_a_task_role_of_the_users_own_is_used_and_left_alone(self):
        own = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Path": world.TASK,
                "RoleName": "publish",
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
            },
        }
        body = world.template(
            {
                "Web": world.agent(Image="ruby:3.3", TaskRoleArn={"Fn::GetAtt": ["Own", "Arn"]}),
                "Own": own,
            }
        )
        stack = self.created("pipelines", body)
        arn = f"arn:aws:iam::{ACCOUNT}:role{world.TASK}publish"
        outputs = stack.outputs()
        self.assertEqual(outputs["TaskRoleArn"], arn)
        self.assertEqual(outputs["TaskRoleId"], world.role(arn)["RoleId"])
        self.assertFalse([tag for tag in world.role(arn)["Tags"] if tag.startswith("agent-composer:")])
        definition, _ = world.definition(outputs["TaskDefinitionArn"])
        self.assertEqual(definition["taskRoleArn"], arn)
        roles = [role for role in world.everything()["roles"] if role.startswith(world.TASK)]
        self.assertEqual(roles, [f"{world.TASK}publish"])

    def test_a_task_role_made_before_comes_back_with_the_same_id(self):
        stack = self.created("pipelines", one())
        before = stack.outputs()["TaskRoleId"]
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam = world.client("iam")
        borrowed = iam.create_role(
            Path=world.TASK,
            RoleName="borrowed",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        self.addCleanup(iam.delete_role, RoleName="borrowed")
        self.assertEqual(stack.apply(one(TaskRoleArn=borrowed)), "UPDATE_COMPLETE")
        self.assertEqual(stack.outputs()["TaskRoleArn"], borrowed)
        self.assertEqual(stack.apply(one()), "UPDATE_COMPLETE")
        self.assertEqual(stack.outputs()["TaskRoleId"], before)


class Rollbacks(world.Case):
    def test_a_create_that_is_rolled_back_leaves_nothing(self):
        stack = self.stack("pipelines")
        before = world.everything()
        body = world.template(
            {"Web": world.agent(Image="ruby:3.3"), "Broken": world.agent(Image="no image", DependsOn="Web")}
        )
        self.assertEqual(stack.apply(body), "ROLLBACK_COMPLETE")
        self.assertIn("`Image`", " ".join(stack.reasons("Broken")))
        self.assertEqual(world.everything(), before)

    def test_an_update_that_is_rolled_back_ends_with_the_old_image(self):
        def body(image, other):
            return world.template({"Web": world.agent(Image=image), "Other": world.agent(Image=other, DependsOn="Web")})

        stack = self.created("pipelines", body("ruby:3.3", "golang:1"))
        before = stack.outputs()
        self.assertEqual(stack.apply(body("ruby:3.4", "no image")), "UPDATE_ROLLBACK_COMPLETE")
        newest = world.active("web")[0]
        self.assertEqual(image_of(newest), "ruby:3.3")
        self.assertEqual(stack.reference("Web"), before["Reference"])
        # What held the old revision's ARN still can.
        self.assertEqual(world.definition(before["TaskDefinitionArn"])[0]["status"], "ACTIVE")
        self.assertEqual(world.role(before["TaskRoleArn"])["RoleId"], before["TaskRoleId"])
        # And the next update goes through.
        self.assertEqual(stack.apply(body("ruby:3.4", "golang:2")), "UPDATE_COMPLETE")
        self.assertEqual(image_of(world.active("web")[0]), "ruby:3.4")

    def test_a_new_family_that_is_rolled_back_goes_and_the_old_one_stays(self):
        def body(family, other):
            return world.template(
                {
                    "Web": world.agent(Image="ruby:3.3", TaskFamily=family),
                    "Other": world.agent(Image=other, DependsOn="Web"),
                }
            )

        stack = self.created("pipelines", body("before", "golang:1"))
        role = stack.outputs()["TaskRoleId"]
        self.assertEqual(stack.apply(body("after", "no image")), "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(stack.reference("Web"), f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/before")
        self.assertEqual(len(world.active("before")), 1)
        self.assertEqual(world.active("after"), [])
        self.assertNotIn("/aws/ecs/after", world.log_groups())
        definition, _ = world.definition(world.active("before")[0])
        self.assertEqual(world.role(definition["taskRoleArn"])["RoleId"], role)


class Refusals(world.Case):
    def test_every_fault_is_named_in_the_events_and_nothing_is_made(self):
        before = world.everything()
        stack = self.stack("pipelines")
        status = stack.apply(
            one(
                Image="Ruby: 3.3",
                TaskCpu="1000",
                Secret=[],
                TaskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/elsewhere/publish",
                Secrets=[{"Name": "KEY", "ValueFrom": "/a//b"}],
            )
        )
        self.assertEqual(status, "ROLLBACK_COMPLETE")
        reason = " ".join(stack.reasons("Web"))
        for name in ("`Image`", "`TaskCpu`", "`Secret`", "`TaskRoleArn`", "`Secrets[0].ValueFrom`"):
            self.assertIn(name, reason)
        self.assertEqual(world.everything(), before)

    def test_an_update_that_is_refused_changes_nothing(self):
        stack = self.created("pipelines", one())
        before = world.everything()
        self.assertEqual(stack.apply(one(TaskMemory=100)), "UPDATE_ROLLBACK_COMPLETE")
        self.assertIn("`TaskMemory`", " ".join(stack.reasons("Web")))
        self.assertEqual(world.everything(), before)

    def test_a_family_of_another_stack_is_refused_and_named(self):
        owner = self.created("first", one(TaskFamily="shared"))
        before = world.everything()
        second = self.stack("second")
        self.assertEqual(second.apply(one(TaskFamily="shared")), "ROLLBACK_COMPLETE")
        reason = " ".join(second.reasons("Web"))
        self.assertIn(owner.id, reason)
        self.assertIn("Web", reason)
        self.assertEqual(world.everything(), before)


class Neighbours(world.Case):
    def test_what_was_made_by_hand_stays(self):
        ecs, logs = world.client("ecs"), world.client("logs")
        logs.create_log_group(logGroupName="/aws/ecs/legacy")
        self.addCleanup(logs.delete_log_group, logGroupName="/aws/ecs/legacy")
        by_hand = ecs.register_task_definition(
            family="legacy", containerDefinitions=[{"name": "agent", "image": "ruby:2", "memory": 512}]
        )["taskDefinition"]["taskDefinitionArn"]
        self.addCleanup(ecs.deregister_task_definition, taskDefinition=by_hand)

        stack = self.created("pipelines", one(TaskFamily="legacy"))
        self.assertEqual(len(world.active("legacy")), 2)
        self.assertEqual(world.log_group_tags("/aws/ecs/legacy"), {})
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertEqual(world.active("legacy"), [by_hand])
        self.assertIn("/aws/ecs/legacy", world.log_groups())

    def test_a_family_whose_name_begins_with_ours_is_another_one(self):
        longer = self.created("longer", one(TaskFamily="web-worker"))
        stack = self.created("pipelines", one(TaskFamily="web"))
        for image in ("ruby:1", "ruby:2", "ruby:3", "ruby:4"):
            self.assertEqual(stack.apply(one(TaskFamily="web", Image=image)), "UPDATE_COMPLETE")
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertEqual(world.active("web-worker"), [longer.outputs()["TaskDefinitionArn"]])
        self.assertIn("/aws/ecs/web-worker", world.log_groups())

    def test_sixty_agents_in_one_stack_all_come_and_go(self):
        names = [f"Agent{number}" for number in range(60)]
        stack = self.created("fleet", world.template({name: world.agent(Image="ruby:3.3") for name in names}))
        self.assertEqual(
            sorted(arn.rsplit(":", 1)[0] for arn in world.active()),
            sorted(stack.reference(name) for name in names),
        )


if __name__ == "__main__":
    unittest.main()
