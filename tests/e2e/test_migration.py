"""A stack of the macro's, migrated as docs/guides/migrating.md says."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import world
from local import tools
from local.cloud import ACCOUNT, REGION

# As its author wrote it.
TEMPLATE = """\
Transform: Buildkite-Agents-2020-03-21

Parameters:
  BuildkiteAgentTokenParameterPath:
    Type: String
    Default: /agents/token

Resources:
  # The image of the job's.
  Ruby2:
    Type: Buildkite::ECS::TaskDefinition
    Properties:
      Image: ruby:2.7   # the last of its kind
      BuildkiteAgentImage: keithduncan/buildkite-sidecar
      TaskFamily: ruby2
      Environment:
        - Name: LANG
          Value: C.UTF-8

  Reads:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: Reads
      Roles: [!Ref Ruby2TaskRole]
      PolicyDocument:
        Version: '2012-10-17'
        Statement: {Effect: Allow, Action: 's3:GetObject', Resource: '*'}

Outputs:
  TaskDefinition:
    Value: !Ref Ruby2TaskDefinition
  Role:
    Value: !Sub "${Ruby2TaskRole} ${Ruby2TaskRole.RoleId}"
  Logs:
    Value: !Ref Ruby2LogGroup
"""

LOGS = {"Fn::Sub": ["/aws/ecs/${TaskFamily}", {"TaskFamily": "ruby2"}]}
TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}
    ]
}
LOGGED = {
    "LogDriver": "awslogs",
    "Options": {
        "awslogs-region": {"Ref": "AWS::Region"},
        "awslogs-group": LOGS,
        "awslogs-stream-prefix": "ecs",
    },
}

# What the macro makes of the resource `Ruby2`, without the policy of the execution role, and without `Secrets` and
# `DependsOn` of the container, which the local cloud would send to ECS in CloudFormation's spelling.
EXPANDED = {
    "Ruby2LogGroup": {
        "Type": "AWS::Logs::LogGroup",
        "DependsOn": "Ruby2TaskDefinition",
        "Properties": {"LogGroupName": LOGS, "RetentionInDays": 1},
    },
    "Ruby2ExecutionRole": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "Path": "/BuildkiteAgentExecution/",
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
        },
    },
    "Ruby2TaskRole": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, "Path": "/BuildkiteAgentTask/"},
    },
    "Ruby2TaskDefinition": {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": "ruby2",
            # Numbers in the macro. CloudFormation makes them texts, as ECS wants them; the local cloud does not.
            "Cpu": "256",
            "Memory": "512",
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "ExecutionRoleArn": {"Fn::GetAtt": ["Ruby2ExecutionRole", "Arn"]},
            "TaskRoleArn": {"Fn::GetAtt": ["Ruby2TaskRole", "Arn"]},
            "ContainerDefinitions": [
                {
                    "Name": "agent",
                    "EntryPoint": ["/buildkite/bin/buildkite-agent"],
                    "Command": ["start"],
                    "Essential": True,
                    "Image": "ruby:2.7",
                    "LogConfiguration": LOGGED,
                    "Environment": [{"Name": "LANG", "Value": "C.UTF-8"}],
                    "VolumesFrom": [{"SourceContainer": "agent-init"}],
                },
                {
                    "Name": "agent-init",
                    "EntryPoint": ["/bin/sh", "-c"],
                    "Command": ["echo container=agent-init at=initalised"],
                    "Essential": False,
                    "Image": "keithduncan/buildkite-sidecar",
                    "LogConfiguration": LOGGED,
                },
            ],
        },
    },
}


def processed():
    """The template that CloudFormation has of the stack: the local cloud has no macros."""
    return json.dumps(
        {
            "Parameters": {"BuildkiteAgentTokenParameterPath": {"Type": "String", "Default": "/agents/token"}},
            "Resources": EXPANDED
            | {
                "Reads": {
                    "Type": "AWS::IAM::Policy",
                    "Properties": {
                        "PolicyName": "Reads",
                        "Roles": [{"Ref": "Ruby2TaskRole"}],
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
                        },
                    },
                }
            },
            "Outputs": {"TaskDefinition": {"Value": {"Ref": "Ruby2TaskDefinition"}}},
        },
        indent=4,
    )


def migrate(*arguments, **files):
    """What the command prints, where these are files and the first of them is the template."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            (Path(directory) / name).write_text(text)
        named = [Path(directory) / word if word in files else word for word in arguments]
        ran = subprocess.run([tools.command(), "migrate", *named], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise AssertionError(f"migrate ended with {ran.returncode}: {ran.stderr}")
    return ran.stdout


def migrated():
    return migrate("template", template=TEMPLATE)


def retained():
    return migrate("template", "--retain", "processed", template=TEMPLATE, processed=processed())


def is_ours(arn):
    return "agent-composer:content" in world.definition(arn)[1]


class Migration(world.Case):
    def setUp(self):
        super().setUp()
        # What a test has kept, and does not remove itself, goes after its stack.
        self.addCleanup(self.forget)
        self.kept = {}

    def forget(self):
        if "Ruby2TaskDefinition" in self.kept and self.kept["Ruby2TaskDefinition"] in world.active():
            world.client("ecs").deregister_task_definition(taskDefinition=self.kept["Ruby2TaskDefinition"])
        if "Ruby2LogGroup" in self.kept and self.kept["Ruby2LogGroup"] in world.log_groups():
            world.client("logs").delete_log_group(logGroupName=self.kept["Ruby2LogGroup"])
        iam = world.client("iam")
        for name in ("Ruby2ExecutionRole", "Ruby2TaskRole"):
            role = self.kept.get(name)
            if role is None:
                continue
            for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=role)
        self.kept = {}

    def keep(self, stack):
        """The step before the migration."""
        self.assertEqual(stack.apply(retained()), "UPDATE_COMPLETE")
        self.kept = {name: stack.reference(name) for name in EXPANDED}

    def assertUpdates(self, stack, body):
        self.assertEqual(stack.apply(body), "UPDATE_COMPLETE", stack.reasons("Ruby2"))

    def test_the_family_stays_and_nothing_that_runs_loses_anything(self):
        stack = self.created("agents", processed())
        self.keep(stack)
        before = self.kept["Ruby2TaskDefinition"]
        self.assertUpdates(stack, migrated())

        newest, *others = world.active("ruby2")
        self.assertEqual(others, [before], "the macro's revision is kept, below ours")
        self.assertTrue(is_ours(newest))
        definition, _ = world.definition(newest)
        agent = next(one for one in definition["containerDefinitions"] if one["name"] == "agent")
        self.assertEqual(agent["image"], "ruby:2.7")
        self.assertEqual(agent["secrets"], [{"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/agents/token"}])
        # What a task of the old revision that still runs uses.
        old, _ = world.definition(before)
        for arn in (old["taskRoleArn"], old["executionRoleArn"]):
            self.assertEqual(world.role(arn)["Arn"], arn)
        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 1)

        # References follow: to the new role with its rights, and to the family.
        new = world.role(definition["taskRoleArn"])
        self.assertIn("s3:GetObject", json.dumps(new["Policies"]))
        outputs = stack.outputs()
        self.assertEqual(outputs["Role"], f"{new['RoleName']} {new['RoleId']}")
        self.assertEqual(outputs["Logs"], "/aws/ecs/ruby2")
        self.assertEqual(outputs["TaskDefinition"], f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/ruby2")

        # The next change is an update like any other, and the kept group is left as it is.
        self.assertUpdates(
            stack, migrated().replace("Image: ruby:2.7", "Image: ruby:3.4\n      LogRetentionInDays: 30")
        )
        changed, *others = world.active("ruby2")
        self.assertEqual(others, [newest, before])
        self.assertEqual(world.definition(changed)[0]["containerDefinitions"][0]["image"], "ruby:3.4")
        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 1)
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertEqual(world.active("ruby2"), [before], "the macro's revision is nobody's but the author's")
        self.assertIn("/aws/ecs/ruby2", world.log_groups())

    def test_what_was_kept_is_deleted_by_hand_and_the_log_group_handed_over(self):
        stack = self.created("agents", processed())
        self.keep(stack)
        self.assertUpdates(stack, migrated())
        group = self.kept.pop("Ruby2LogGroup")
        self.forget()
        world.client("logs").tag_resource(
            resourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
            tags={"agent-composer:stack-id": stack.id, "agent-composer:logical-id": "Ruby2"},
        )
        self.assertUpdates(
            stack, migrated().replace("TaskFamily: ruby2", "TaskFamily: ruby2\n      LogRetentionInDays: 30")
        )
        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 30)
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertNotIn("/aws/ecs/ruby2", world.log_groups())
        self.assertEqual(world.active("ruby2"), [])

    def test_without_the_step_before_it_the_log_group_is_gone_until_the_next_change(self):
        stack = self.created("agents", processed())
        self.assertUpdates(stack, migrated())
        (newest,) = world.active("ruby2")
        self.assertTrue(is_ours(newest), "the macro's revision is deregistered")
        self.assertNotIn("/aws/ecs/ruby2", world.log_groups())
        self.assertUpdates(
            stack, migrated().replace("TaskFamily: ruby2", "TaskFamily: ruby2\n      LogRetentionInDays: 3")
        )
        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 3)
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        self.assertNotIn("/aws/ecs/ruby2", world.log_groups())

    def test_a_migration_that_fails_leaves_the_macros_stack_as_it_was(self):
        stack = self.created("agents", processed())
        before = world.everything()
        wrong = migrated().replace("TaskFamily: ruby2", "TaskFamily: ruby2\n      TaskCpu: 300")
        self.assertEqual(stack.apply(wrong), "UPDATE_ROLLBACK_COMPLETE")
        self.assertEqual(world.everything(), before)


class Command(unittest.TestCase):
    """How the command ends, and what it does to files."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "agents.yml"
        self.path.write_text(TEMPLATE)

    def ran(self, *arguments):
        command = [tools.command(), "migrate", self.path, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_a_check_ends_with_1_while_there_is_something_to_migrate_and_changes_nothing(self):
        ran = self.ran("--check")
        self.assertEqual((ran.returncode, ran.stdout, self.path.read_text()), (1, "", TEMPLATE))
        self.assertIn("to migrate: 1 resource, 5 references, and the macro in `Transform`", ran.stderr)
        self.path.write_text(migrated())
        self.assertEqual(self.ran("--check").returncode, 0)

    def test_the_file_is_changed_where_that_is_asked_for_and_printed_otherwise(self):
        printed = self.ran()
        self.assertEqual((printed.returncode, self.path.read_text()), (0, TEMPLATE))
        written = self.ran("--write")
        self.assertEqual((written.returncode, written.stdout), (0, ""))
        self.assertEqual(self.path.read_text(), printed.stdout)
        self.assertIn("  # The image of the job's.\n  Ruby2:\n    Type: Custom::BuildkiteAgent\n", printed.stdout)

    def test_what_is_left_to_do_is_reported_with_its_place_and_ends_with_1(self):
        self.path.write_text(TEMPLATE + "  Name:\n    Value: !Ref Ruby2ExecutionRole\n")
        ran = self.ran("--write")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("Type: Custom::BuildkiteAgent", self.path.read_text(), "the rest is done")
        self.assertIn(f"{self.path}:{TEMPLATE.count(chr(10)) + 2}:12: warning: `!Ref Ruby2ExecutionRole`", ran.stderr)

    def test_what_is_not_a_template_ends_with_2(self):
        self.path.write_text("Resources: [")
        ran = self.ran("--write")
        self.assertEqual((ran.returncode, self.path.read_text()), (2, "Resources: ["))
        self.assertRegex(ran.stderr, r"agents\.yml:[0-9]+:[0-9]+: error: is neither YAML nor JSON")
        self.path.unlink()
        self.assertEqual(self.ran().returncode, 2)


if __name__ == "__main__":
    unittest.main()
