"""The examples, deployed as they are: what becomes of each, field by field."""

import unittest

import world
from local.cloud import ACCOUNT, REGION

TOKEN = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/buildkite/agent-token"


def logs_of(family):
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": f"/aws/ecs/{family}",
            "awslogs-region": REGION,
            "awslogs-stream-prefix": "ecs",
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        },
    }


def about(family, image, role):
    text = f"ECS Task\nTask Family: {family}\nImage: {image}\nRole: {role}"
    return {"name": "BUILDKITE_ABOUT_PLATFORM", "value": text}


def logging_right(family):
    return {
        "Sid": "Logs",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/{family}:log-stream:*"],
    }


def parameter_rights(*arns):
    return [
        {"Sid": "Parameters", "Effect": "Allow", "Action": ["ssm:GetParameters"], "Resource": list(arns)},
        {
            "Sid": "Decrypt0",
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"],
            "Condition": {
                "StringEquals": {"kms:ViaService": [f"ssm.{REGION}.amazonaws.com"]},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": list(arns)},
            },
        },
    ]


def trust(**condition):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EcsTasks",
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": ["sts:AssumeRole"],
                **condition,
            }
        ],
    }


FROM_THIS_ACCOUNT = {"Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT]}}}


def environment(container):
    return {one["name"]: one["value"] for one in container.get("environment", [])}


class Examples(world.Case):
    def assert_owned(self, stack, logical_id, family, definition_tags):
        """Everything that was made says whose it is."""
        owner = {"agent-composer:stack-id": stack.id, "agent-composer:logical-id": logical_id}
        self.assertEqual(definition_tags, definition_tags | owner)
        self.assertRegex(definition_tags["agent-composer:content"], "^[0-9a-f]{64}$")
        definition, _ = world.definition(world.active(family)[0])
        for arn in (definition["executionRoleArn"], definition["taskRoleArn"]):
            tags = world.role(arn)["Tags"]
            self.assertEqual(tags, tags | owner)
        self.assertEqual(world.log_group_tags(f"/aws/ecs/{family}"), owner)

    def test_ruby(self):
        stack = self.created("ruby", world.example("ruby"))

        reference = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/ruby2"
        self.assertEqual(stack.reference("Ruby2"), reference)
        outputs = stack.outputs()
        newest = world.active("ruby2")
        self.assertEqual(len(newest), 1)
        definition, tags = world.definition(newest[0])
        task_role = world.role(definition["taskRoleArn"])
        self.assertEqual(
            outputs,
            {
                "TaskDefinition": reference,
                "TaskDefinitionArn": newest[0],
                "Revision": str(definition["revision"]),
                "TaskFamily": "ruby2",
                "TaskRoleArn": definition["taskRoleArn"],
                "TaskRoleName": task_role["RoleName"],
                "TaskRoleId": task_role["RoleId"],
                "ExecutionRoleArn": definition["executionRoleArn"],
                "LogGroupName": "/aws/ecs/ruby2",
            },
        )

        self.assertEqual(
            {
                name: definition[name]
                for name in ("family", "cpu", "memory", "networkMode", "requiresCompatibilities", "volumes", "status")
            },
            {
                "family": "ruby2",
                "cpu": "1024",
                "memory": "2048",
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "volumes": [],
                "status": "ACTIVE",
            },
        )
        self.assertEqual(
            definition["containerDefinitions"],
            [
                {
                    "name": "agent",
                    "image": "ruby:2.7",
                    "cpu": 0,
                    "essential": True,
                    "entryPoint": ["/buildkite/bin/buildkite-agent"],
                    "command": ["start"],
                    "environment": [
                        {"name": "BUILDKITE_BUILD_PATH", "value": "/buildkite/builds"},
                        {"name": "BUILDKITE_HOOKS_PATH", "value": "/buildkite/hooks"},
                        {"name": "BUILDKITE_PLUGINS_PATH", "value": "/buildkite/plugins"},
                        about("ruby2", "ruby:2.7", definition["taskRoleArn"]),
                        {"name": "BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA", "value": "true"},
                    ],
                    "secrets": [{"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"}],
                    "dependsOn": [{"containerName": "agent-init", "condition": "SUCCESS"}],
                    "volumesFrom": [{"sourceContainer": "agent-init"}],
                    "linuxParameters": {"initProcessEnabled": True},
                    "stopTimeout": 120,
                    "logConfiguration": logs_of("ruby2"),
                },
                {
                    "name": "agent-init",
                    "image": "keithduncan/buildkite-sidecar:latest",
                    "cpu": 0,
                    "essential": False,
                    "entryPoint": ["/bin/sh", "-c"],
                    "command": ["echo the volume of buildkite-agent is ready"],
                    "startTimeout": 120,
                    "logConfiguration": logs_of("ruby2"),
                },
            ],
        )

        execution_role = world.role(definition["executionRoleArn"])
        self.assertEqual(execution_role["Path"], world.EXECUTION)
        self.assertEqual(execution_role["AssumeRolePolicyDocument"], trust())
        self.assertEqual(
            execution_role["Policies"],
            [{"Version": "2012-10-17", "Statement": [logging_right("ruby2"), *parameter_rights(TOKEN)]}],
        )
        self.assertEqual(task_role["Path"], world.TASK)
        self.assertEqual(task_role["AssumeRolePolicyDocument"], trust(**FROM_THIS_ACCOUNT))
        self.assertEqual(task_role["Policies"], [])
        for role in (execution_role, task_role):
            self.assertEqual(role["Managed"], [])
            self.assertNotIn("PermissionsBoundary", role)

        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 1)
        self.assert_owned(stack, "Ruby2", "ruby2", tags)

    def test_cargo_publish(self):
        stack = self.created("cargo-publish", world.packaged("cargo-publish"))

        registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        backend = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:k1l2m3n4o5/Prod"
        definition, tags = world.definition(world.active("cargo-publish")[0])
        role = definition["taskRoleArn"]
        self.assertEqual(
            (definition["cpu"], definition["memory"], definition["volumes"]),
            ("1024", "2048", [{"name": "ssh-agent"}]),
        )
        ssh = [{"sourceVolume": "ssh-agent", "containerPath": "/ssh"}]
        self.assertEqual(
            definition["containerDefinitions"],
            [
                {
                    "name": "agent",
                    "image": f"{registry}/agent/build-rust:latest",
                    "cpu": 0,
                    "essential": True,
                    "entryPoint": ["/buildkite/bin/buildkite-agent"],
                    "command": ["start"],
                    "environment": [
                        {"name": "BUILDKITE_BUILD_PATH", "value": "/buildkite/builds"},
                        {"name": "BUILDKITE_HOOKS_PATH", "value": "/buildkite/hooks"},
                        {"name": "BUILDKITE_PLUGINS_PATH", "value": "/buildkite/plugins"},
                        {"name": "SSH_AUTH_SOCK", "value": "/ssh/socket"},
                        about("cargo-publish", f"{registry}/agent/build-rust:latest", role),
                        {"name": "BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA", "value": "true"},
                    ],
                    "secrets": [
                        {"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"},
                        {"name": "CARGO_REGISTRY_TOKEN", "valueFrom": "/cargo/registry-token"},
                    ],
                    "dependsOn": [
                        {"containerName": "agent-init", "condition": "SUCCESS"},
                        {"containerName": "ssh-agent", "condition": "HEALTHY"},
                    ],
                    "mountPoints": ssh,
                    "volumesFrom": [{"sourceContainer": "agent-init"}],
                    "linuxParameters": {"initProcessEnabled": True},
                    "stopTimeout": 120,
                    "logConfiguration": logs_of("cargo-publish"),
                },
                {
                    "name": "agent-init",
                    "image": f"{registry}/agent/sidecar:latest",
                    "cpu": 0,
                    "essential": False,
                    "entryPoint": ["/bin/sh", "-c"],
                    "command": ["echo the volume of buildkite-agent is ready"],
                    "startTimeout": 120,
                    "logConfiguration": logs_of("cargo-publish"),
                },
                {
                    "name": "ssh-agent",
                    "image": "keithduncan/iam-ssh-agent:latest",
                    "cpu": 0,
                    "essential": True,
                    "command": ["iam-ssh-agent", "daemon", "--bind-to=/ssh/socket"],
                    "environment": [
                        {
                            "name": "IAM_SSH_AGENT_BACKEND_URL",
                            "value": f"https://k1l2m3n4o5.execute-api.{REGION}.amazonaws.com/Prod",
                        }
                    ],
                    "mountPoints": ssh,
                    "healthCheck": {
                        "command": ["CMD", "test", "-S", "/ssh/socket"],
                        "interval": 5,
                        "timeout": 2,
                        "retries": 10,
                    },
                    "startTimeout": 120,
                    "logConfiguration": logs_of("cargo-publish"),
                },
            ],
        )

        parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/cargo/registry-token"
        repositories = [
            f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/agent/build-rust",
            f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/agent/sidecar",
        ]
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        self.assertEqual(
            world.role(definition["executionRoleArn"])["Policies"],
            [
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        logging_right("cargo-publish"),
                        *parameter_rights(TOKEN, parameter),
                        {
                            "Sid": "RegistryToken",
                            "Effect": "Allow",
                            "Action": ["ecr:GetAuthorizationToken"],
                            "Resource": ["*"],
                        },
                        {"Sid": "Images", "Effect": "Allow", "Action": pull, "Resource": repositories},
                    ],
                }
            ],
        )
        self.assertEqual(
            world.role(role)["Policies"],
            [
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "SshAgentBackend",
                            "Effect": "Allow",
                            "Action": ["execute-api:Invoke"],
                            "Resource": [f"{backend}/GET/identities", f"{backend}/POST/signature"],
                        }
                    ],
                }
            ],
        )
        self.assertEqual(stack.outputs()["TaskRoleId"], world.role(role)["RoleId"])
        self.assert_owned(stack, "CargoPublish", "cargo-publish", tags)

    def test_empty_parameters_are_absent_properties(self):
        self.created("default", world.example("buildkite"))
        definition, _ = world.definition(world.active("buildkite")[0])
        self.assertEqual((definition["cpu"], definition["memory"]), ("256", "512"))
        (container,) = definition["containerDefinitions"]
        self.assertEqual(container["entryPoint"], ["buildkite-agent"])
        self.assertEqual(
            container["secrets"], [{"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"}]
        )
        self.assertEqual(environment(container)["BUILDKITE_AGENT_QUEUE"], "default")
        self.assertTrue(definition["taskRoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role{world.TASK}buildkite-task-"))

    def test_another_stack_imports_the_task_definition(self):
        ruby = self.created("ruby", world.example("ruby"))
        nightly = self.created(
            "nightly",
            world.example("scheduled"),
            Cluster=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/agents",
            Subnets="subnet-0a1b2c3d",
            State="DISABLED",
        )
        rule = nightly.outputs()["Rule"]
        (target,) = world.client("events").list_targets_by_rule(Rule=rule)["Targets"]
        self.assertEqual(target["EcsParameters"]["TaskDefinitionArn"], ruby.reference("Ruby2"))
        run, passed = world.role(target["RoleArn"])["Policies"][0]["Statement"]
        self.assertEqual(run["Resource"], f"{ruby.reference('Ruby2')}:*")
        outputs = ruby.outputs()
        self.assertEqual(passed["Resource"], [outputs["TaskRoleArn"], outputs["ExecutionRoleArn"]])

        cloudformation = world.client("cloudformation")
        self.assertEqual(cloudformation.list_imports(ExportName="ruby-TaskDefinition")["Imports"], ["nightly"])
        with self.assertRaisesRegex(cloudformation.exceptions.ClientError, "imported by"):
            cloudformation.delete_stack(StackName="ruby")

        # Changing the image is not refused, although the export is imported.
        edited = world.example("ruby").replace("Image: ruby:2.7\n", "Image: ruby:3.4\n")
        self.assertEqual(ruby.apply(edited), "UPDATE_COMPLETE")
        self.assertEqual(target["EcsParameters"]["TaskDefinitionArn"], ruby.reference("Ruby2"))


if __name__ == "__main__":
    unittest.main()
