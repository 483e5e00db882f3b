"""The commands `list` and `doctor`, as the person runs them who looks after agents that exist."""

import contextlib
import json
import subprocess

import world
from local import tools
from local.cloud import ACCOUNT, REGION

CLUSTER = "looked-at"
FAMILY = "looked-at"
PARAMETER = "/buildkite/agent-token"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/looked-at/ruby:3"


def command(*arguments):
    """Runs it in the local cloud."""
    place = ("--region", REGION, "--endpoint-url", f"http://127.0.0.1:{world.cloud().port}")
    variables = {"PATH": "/usr/bin:/bin", **world.cloud().variables}
    run = [tools.command(), *arguments, *place]
    return subprocess.run(run, capture_output=True, text=True, check=False, env=variables)


def listed(*arguments):
    """The agents of `list`, by family."""
    done = command("list", "--format", "json", *arguments)
    assert done.returncode in (0, 3), done.stderr
    return {agent["family"]: agent for agent in json.loads(done.stdout)["agents"]}


class List(world.Case):
    def test_an_agent_is_current_then_behind_then_an_orphan_then_gone(self):
        stack = self.created("listed", world.template({"Ruby2": world.agent(Image="ruby:3")}))
        agent = listed()["ruby2"]
        outputs = stack.outputs()
        found = [agent[key] for key in ("logicalId", "taskDefinitionArn", "image", "logGroup", "isBehind", "isOrphan")]
        self.assertEqual(found, ["Ruby2", outputs["TaskDefinitionArn"], "ruby:3", "/aws/ecs/ruby2", False, False])
        self.assertEqual(agent["stack"]["id"], stack.id)
        self.assertEqual(len(agent["roles"]), 2)
        self.assertIn(outputs["TaskRoleArn"], [role["arn"] for role in agent["roles"]])
        for role in agent["roles"]:
            self.assertIn(":policy/", role["permissionsBoundary"])

        behind = command("list", "--behind", "99.0.0", "--exit-code")
        self.assertEqual(behind.returncode, 3, behind.stderr)
        self.assertRegex(behind.stdout, r"(?m)^ruby2 +listed +Ruby2 +1 +\S+ +behind ")
        self.assertIn("the stack `listed` needs a new text for `Refresh`", behind.stderr)
        self.assertNotIn("\x1b", behind.stdout + behind.stderr)

        # Somebody's group, with the tags of a stack that does not exist.
        logs = world.client("logs")
        gone = stack.id.replace("/listed/", "/gone/")
        tags = {"agent-composer:stack-id": gone, "agent-composer:logical-id": "Rails"}
        logs.create_log_group(logGroupName="/aws/ecs/rails", tags=tags)
        try:
            orphan = listed()["rails"]
            self.assertEqual((orphan["isOrphan"], orphan["needsRefresh"], orphan["revision"]), (True, False, None))
        finally:
            logs.delete_log_group(logGroupName="/aws/ecs/rails")

        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertNotIn("ruby2", listed())


class Doctor(world.Case):
    def setUp(self):
        super().setUp()
        world.client("ssm").put_parameter(Name=PARAMETER, Value="a token", Type="SecureString")
        self.addCleanup(world.client("ssm").delete_parameter, Name=PARAMETER)
        secrets = world.client("secretsmanager")
        self.secret = secrets.create_secret(Name="looked-at", SecretString="a secret")["ARN"]
        self.addCleanup(secrets.delete_secret, SecretId=self.secret, ForceDeleteWithoutRecovery=True)
        ecr = world.client("ecr")
        ecr.create_repository(repositoryName="looked-at/ruby")
        self.addCleanup(ecr.delete_repository, repositoryName="looked-at/ruby", force=True)
        ecr.put_image(repositoryName="looked-at/ruby", imageManifest="{}", imageTag="3")
        ecs = world.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        self.addCleanup(ecs.delete_cluster, cluster=CLUSTER)
        secret = {"Name": "GEMS", "ValueFrom": self.secret}
        agent = world.agent(Image=IMAGE, TaskFamily=FAMILY, Secrets=[secret])
        self.owner = self.created("looked-at", world.template({"Ruby": agent}))
        self.scheduler = self._scheduler()

    def _scheduler(self):
        iam = world.client("iam")
        trust = {"Version": "2012-10-17", "Statement": []}
        role = iam.create_role(RoleName="looked-at", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        self.addCleanup(iam.delete_role, RoleName="looked-at")
        self._allow("iam:PassRole")
        self.addCleanup(iam.delete_role_policy, RoleName="looked-at", PolicyName="start")
        return role["Arn"]

    def _allow(self, *actions):
        statement = {"Effect": "Allow", "Action": ["ecs:RunTask", *actions], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        world.client("iam").put_role_policy(RoleName="looked-at", PolicyName="start", PolicyDocument=document)

    def examined(self):
        """What it ends with and what is not as it should be."""
        done = command("doctor", FAMILY, "--cluster", CLUSTER, "--scheduler-role", self.scheduler, "--format", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertNotIn("a token", done.stdout + done.stderr)
        self.assertNotIn("a secret", done.stdout + done.stderr)
        findings = json.loads(done.stdout)["findings"]
        return done.returncode, [one for one in findings if one["outcome"] != "fine"]

    def test_each_planted_trouble_is_found(self):
        self.assertEqual(self.examined(), (0, []))
        for plant, check, text in self.troubles():
            with self.subTest(text):
                with plant():
                    code, found = self.examined()
                self.assertEqual(code, 1, found)
                wrong = [one for one in found if one["outcome"] == "wrong"]
                self.assertTrue(
                    any(one["check"] == check and text in one["text"] and one["advice"] for one in wrong), found
                )
        # ECS shows a task that has stopped for a while; every other trouble is undone.
        _, left = self.examined()
        self.assertEqual([one["check"] for one in left], ["stopped-task"], left)

    def test_a_report_for_people_says_what_to_do(self):
        with self.without_parameter():
            done = command("doctor", FAMILY, "--cluster", CLUSTER)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"  ! secret: BUILDKITE_AGENT_TOKEN of `agent`: parameter {PARAMETER} does not exist", done.stdout)
        self.assertEqual(done.stderr, "error: 1 thing is wrong\n")
        done = command("doctor", "looked-for")
        self.assertEqual(done.returncode, 1)
        self.assertIn("`looked-for` has no revision", done.stdout)

    def troubles(self):
        """How each is planted and undone, and what has to be found."""
        return [
            (self.without_parameter, "secret", "does not exist"),
            (self.with_deleted_secret, "secret", "is scheduled for deletion"),
            (self.without_image, "image", "has no image 3"),
            (self.without_repository, "image", "there is no repository looked-at/ruby"),
            (self.without_log_group, "log-group", "does not exist"),
            (self.without_rights, "secret", "does not have ssm:GetParameters"),
            (self.without_tags, "role", "does not have the provider's tags"),
            (self.without_trust, "role", "can't be assumed by tasks"),
            (self.without_pass_role, "scheduler", "does not have iam:PassRole"),
            (self.with_strange_revision, "stack", "belongs to nobody"),
            (self.without_revision, "task-definition", "has no ACTIVE revision"),
            (self.with_stopped_task, "stopped-task", "unable to pull secrets"),
        ]

    def roles(self):
        """The names of the execution role and of the task role."""
        made, _ = world.definition(world.active(FAMILY)[0])
        return [made[key].rsplit("/", 1)[1] for key in ("executionRoleArn", "taskRoleArn")]

    @contextlib.contextmanager
    def without_parameter(self):
        ssm = world.client("ssm")
        ssm.delete_parameter(Name=PARAMETER)
        yield
        ssm.put_parameter(Name=PARAMETER, Value="a token", Type="SecureString")

    @contextlib.contextmanager
    def with_deleted_secret(self):
        secrets = world.client("secretsmanager")
        secrets.delete_secret(SecretId=self.secret, RecoveryWindowInDays=7)
        yield
        secrets.restore_secret(SecretId=self.secret)

    @contextlib.contextmanager
    def without_image(self):
        ecr = world.client("ecr")
        ecr.batch_delete_image(repositoryName="looked-at/ruby", imageIds=[{"imageTag": "3"}])
        yield
        ecr.put_image(repositoryName="looked-at/ruby", imageManifest="{}", imageTag="3")

    @contextlib.contextmanager
    def without_repository(self):
        ecr = world.client("ecr")
        ecr.delete_repository(repositoryName="looked-at/ruby", force=True)
        yield
        ecr.create_repository(repositoryName="looked-at/ruby")
        ecr.put_image(repositoryName="looked-at/ruby", imageManifest="{}", imageTag="3")

    @contextlib.contextmanager
    def without_log_group(self):
        logs = world.client("logs")
        name = f"/aws/ecs/{FAMILY}"
        group = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        logs.delete_log_group(logGroupName=name)
        yield
        logs.create_log_group(logGroupName=name, tags=tags)

    @contextlib.contextmanager
    def without_rights(self):
        iam = world.client("iam")
        role, _ = self.roles()
        name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.delete_role_policy(RoleName=role, PolicyName=name)
        yield
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    @contextlib.contextmanager
    def without_tags(self):
        iam = world.client("iam")
        _, role = self.roles()
        tags = iam.list_role_tags(RoleName=role)["Tags"]
        iam.untag_role(RoleName=role, TagKeys=[tag["Key"] for tag in tags])
        yield
        iam.tag_role(RoleName=role, Tags=tags)

    @contextlib.contextmanager
    def without_trust(self):
        iam = world.client("iam")
        _, role = self.roles()
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        other = json.dumps(trust).replace("ecs-tasks.amazonaws.com", "ec2.amazonaws.com")
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=other)
        yield
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    @contextlib.contextmanager
    def without_pass_role(self):
        self._allow()
        yield
        self._allow("iam:PassRole")

    @contextlib.contextmanager
    def with_strange_revision(self):
        ecs = world.client("ecs")
        container = {"name": "agent", "image": "ruby:3", "memory": 128}
        made = ecs.register_task_definition(family=FAMILY, containerDefinitions=[container])["taskDefinition"]
        yield
        ecs.deregister_task_definition(taskDefinition=made["taskDefinitionArn"])

    @contextlib.contextmanager
    def without_revision(self):
        ecs = world.client("ecs")
        for arn in world.active(FAMILY):
            ecs.deregister_task_definition(taskDefinition=arn)
        yield
        # As its advice says.
        secret = {"Name": "GEMS", "ValueFrom": self.secret}
        agent = world.agent(Image=IMAGE, TaskFamily=FAMILY, Secrets=[secret], Refresh="again")
        self.assertEqual(self.owner.apply(world.template({"Ruby": agent})), "UPDATE_COMPLETE")

    @contextlib.contextmanager
    def with_stopped_task(self):
        ecs = world.client("ecs")
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        started = ecs.run_task(
            cluster=CLUSTER, taskDefinition=FAMILY, launchType="FARGATE", networkConfiguration=network
        )["tasks"][0]["taskArn"]
        reason = "ResourceInitializationError: unable to pull secrets or registry auth: access is denied"
        ecs.stop_task(cluster=CLUSTER, task=started, reason=reason)
        yield
