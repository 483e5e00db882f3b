"""The examples, deployed as they are: what becomes of each, field by field."""

import json
import shutil
import tomllib
import unittest

import world
from local import deploy
from local.cloud import ACCOUNT, REGION
from local.tools import ROOT, STATE

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


FROM_THIS_ACCOUNT = {
    "Condition": {
        "StringEquals": {"aws:SourceAccount": [ACCOUNT]},
        "ArnLike": {"aws:SourceArn": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"]},
    }
}


def environment(container):
    return {one["name"]: one["value"] for one in container.get("environment", [])}


JOB = "9e6c3f19-4fdb-4e8e-b925-28cd7504e17f"


def job_scheduled(*rules, **job):
    """Buildkite's event for a job, as https://buildkite.com/docs/integrations/amazon-eventbridge has it."""
    job = {"uuid": JOB, "type": "script", "step_key": "test", "agent_query_rules": list(rules), "state": "assigned"} | job
    return {"detail-type": "Job Scheduled", "detail": {"version": 1, "job": job, "pipeline": {"slug": "my-pipeline"}}}


def matches(pattern, event):
    """Whether EventBridge's pattern matches: a list holds what a value, or an element of it, may be."""
    for name, wanted in pattern.items():
        given = event.get(name)
        if isinstance(wanted, dict):
            if not isinstance(given, dict) or not matches(wanted, given):
                return False
        elif not set(wanted) & set(given if isinstance(given, list) else [given]):
            return False
    return True


def transform(transformer, event):
    """What EventBridge makes of an event: a variable alone is JSON, one within a text is its text."""
    text = transformer["InputTemplate"]
    is_text = text.lstrip().startswith('"')
    for name, path in transformer["InputPathsMap"].items():
        value = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", value if is_text else json.dumps(value))
    return json.loads(text)


# What ECS describes of each example; the check `containers` runs it.
DESCRIBED = STATE / "described"
# What the provider writes on everything.
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


class Examples(world.Case):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(DESCRIBED, ignore_errors=True)
        DESCRIBED.mkdir()

    def described(self, family):
        """The newest revision of a family, and its tags."""
        definition, tags = world.definition(world.active(family)[0])
        (DESCRIBED / f"{family}.json").write_text(json.dumps(definition, default=str))
        return definition, tags

    def assert_owned(self, stack, logical_id, family, definition_tags):
        """Everything that was made has its owner in its tags."""
        owner = {"agent-composer:stack-id": stack.id, "agent-composer:logical-id": logical_id}
        self.assertEqual(definition_tags, definition_tags | owner)
        self.assertRegex(definition_tags["agent-composer:content"], "^[0-9a-f]{64}$")
        definition, _ = self.described(family)
        for arn in (definition["executionRoleArn"], definition["taskRoleArn"]):
            tags = world.role(arn)["Tags"]
            self.assertEqual(tags, tags | owner)
        tags = world.log_group_tags(f"/aws/ecs/{family}")
        others = {"agent-composer:log-retention-in-days": "1", "agent-composer:version": VERSION}
        self.assertEqual(tags, owner | others)

    def test_ruby(self):
        stack = self.created("ruby", world.example("ruby"))

        reference = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/ruby2"
        self.assertEqual(stack.reference("Ruby2"), reference)
        outputs = stack.outputs()
        newest = world.active("ruby2")
        self.assertEqual(len(newest), 1)
        definition, tags = self.described("ruby2")
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
                    "image": "buildkite/agent:3-sidecar",
                    "cpu": 0,
                    "essential": False,
                    "entryPoint": ["/bin/sh", "-c"],
                    "command": ["cd /buildkite && mkdir -p builds plugins && chmod 0777 builds plugins; echo the volume of buildkite-agent is ready"],
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
            boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
            self.assertIn(":policy/buildkite-agent-provider-AgentBoundary-", boundary)

        self.assertEqual(world.log_groups()["/aws/ecs/ruby2"], 1)
        self.assert_owned(stack, "Ruby2", "ruby2", tags)

    def test_cargo_publish(self):
        stack = self.created("cargo-publish", world.packaged("cargo-publish"))

        registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        backend = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:k1l2m3n4o5/Prod"
        definition, tags = self.described("cargo-publish")
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
                        {
                            "name": "BUILDKITE_REDACTED_VARS",
                            "value": "*_PASSWORD,*_SECRET,*_TOKEN,*_PRIVATE_KEY,*_SSH_KEY,*_ACCESS_KEY,*_SECRET_KEY,"
                            "*_CONNECTION_STRING,*_API_KEY,CARGO_REGISTRY_TOKEN",
                        },
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
                    "command": ["cd /buildkite && mkdir -p builds plugins && chmod 0777 builds plugins; echo the volume of buildkite-agent is ready"],
                    "startTimeout": 120,
                    "logConfiguration": logs_of("cargo-publish"),
                },
                {
                    "name": "ssh-agent",
                    "image": "keithduncan/iam-ssh-agent:latest",
                    "cpu": 0,
                    "essential": True,
                    "entryPoint": ["/bin/sh", "-c", 'umask 0; exec "$0" "$@"'],
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
        definition, _ = self.described("buildkite")
        self.assertEqual((definition["cpu"], definition["memory"]), ("256", "512"))
        (container,) = definition["containerDefinitions"]
        self.assertEqual(container["entryPoint"], ["buildkite-agent"])
        self.assertEqual(
            container["secrets"], [{"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"}]
        )
        self.assertEqual(environment(container)["BUILDKITE_AGENT_QUEUE"], "default")
        self.assertTrue(definition["taskRoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role{world.TASK}buildkite-task-"))

    def containers(self, family):
        definition, _ = self.described(family)
        return definition, {one["name"]: one for one in definition["containerDefinitions"]}

    def group(self, name):
        (group,) = world.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return group

    def test_private_registry(self):
        self.created("private", world.example("private-registry"))
        definition, containers = self.containers("publish")
        agent, init = containers["agent"], containers["agent-init"]
        self.assertEqual(agent["image"], "artifactory.example.com/build/node:24")
        self.assertEqual(agent["repositoryCredentials"], {"credentialsParameter": "artifactory"})
        self.assertNotIn("repositoryCredentials", init)
        redacted = environment(agent)["BUILDKITE_REDACTED_VARS"].split(",")
        self.assertEqual(redacted[-2:], ["NPM_TOKEN", "PYPI_TOKEN"])
        (policy,) = world.role(definition["executionRoleArn"])["Policies"]
        rights = {one["Sid"]: one for one in policy["Statement"]}
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
        secrets = [f"{secret}:artifactory-??????", f"{secret}:publish-AbC123"]
        self.assertEqual(rights["Secrets"]["Resource"], secrets)
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11112222-3333-4444-5555-666677778888"
        self.assertEqual(rights["Decrypt0"]["Resource"], [key])
        self.assertEqual(self.group("/aws/ecs/publish")["kmsKeyId"], key)
        self.assertEqual(
            rights["Decrypt0"]["Condition"],
            {
                "StringEquals": {"kms:ViaService": [f"secretsmanager.{REGION}.amazonaws.com"]},
                "StringLike": {"kms:EncryptionContext:SecretARN": secrets},
            },
        )
        self.assertEqual(rights["Images"]["Resource"], [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/agent/sidecar"])

    def test_arm64(self):
        stack = self.created("arm64", world.example("arm64"))
        definition, containers = self.containers("go")
        agent, init = containers["agent"], containers["agent-init"]
        self.assertEqual(
            definition["runtimePlatform"], {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
        )
        self.assertEqual(definition["ephemeralStorage"], {"sizeInGiB": 100})
        self.assertEqual(definition["volumes"], [{"name": "agent-init"}])
        self.assertEqual(agent["mountPoints"], [{"sourceVolume": "agent-init", "containerPath": "/buildkite"}])
        self.assertEqual(init["mountPoints"], [{"sourceVolume": "agent-init", "containerPath": "/injection"}])
        self.assertNotIn("volumesFrom", agent)
        self.assertEqual((agent["entryPoint"][:2], agent["entryPoint"][3:]), (["/bin/sh", "-c"], ["/buildkite/bin/buildkite-agent"]))
        self.assertEqual(environment(agent)["BUILDKITE_CANCEL_GRACE_PERIOD"], "90")
        self.assertEqual(world.log_groups()["/aws/ecs/go"], 7)
        self.assertEqual(world.log_group_tags("/aws/ecs/go")["team"], "backend")
        for role in (definition["executionRoleArn"], definition["taskRoleArn"]):
            # Not on roles, where a key is for the deployer to allow.
            self.assertNotIn("team", world.role(role)["Tags"])

        group = self.group("/aws/ecs/go")
        self.assertEqual(group["logGroupClass"], "INFREQUENT_ACCESS")

        # Another class is refused, and taken back.
        text = world.example("arm64")
        other = text.replace("LogGroupClass: INFREQUENT_ACCESS", "LogGroupClass: STANDARD")
        self.assertEqual(stack.apply(other), "UPDATE_ROLLBACK_COMPLETE")

        # Removed again, all the rest of it.
        text = text.replace("      LogGroupClass: INFREQUENT_ACCESS\n", "")
        text = text.replace("      ServiceToken:", "      LogGroupClass: INFREQUENT_ACCESS\n      ServiceToken:")
        start, end = text.index("      BuildkiteAgentInjection"), text.index("Outputs:")
        self.assertEqual(stack.apply(text[:start] + text[end:]), "UPDATE_COMPLETE")
        definition, containers = self.containers("go")
        self.assertNotIn("runtimePlatform", definition)
        self.assertNotIn("ephemeralStorage", definition)
        self.assertEqual(containers["agent"]["volumesFrom"], [{"sourceContainer": "agent-init"}])
        self.assertEqual(world.log_groups()["/aws/ecs/go"], 1)
        self.assertNotIn("team", world.log_group_tags("/aws/ecs/go"))
        for role in (definition["executionRoleArn"], definition["taskRoleArn"]):
            self.assertNotIn("team", world.role(role)["Tags"])

    def test_rails(self):
        self.created("rails", world.example("rails"))
        definition, containers = self.containers("rails")
        self.assertEqual(list(containers), ["agent", "agent-init", "prepare", "postgres"])
        (volume,) = definition["volumes"]
        self.assertEqual(
            volume["efsVolumeConfiguration"],
            {
                "fileSystemId": "fs-0123456789abcdef0",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
            },
        )
        self.assertEqual(
            containers["agent"]["dependsOn"],
            [
                {"containerName": "agent-init", "condition": "SUCCESS"},
                {"containerName": "prepare", "condition": "SUCCESS"},
                {"containerName": "postgres", "condition": "HEALTHY"},
            ],
        )
        self.assertEqual(containers["agent"]["mountPoints"], [{"sourceVolume": "cache", "containerPath": "/cache"}])
        self.assertEqual((containers["prepare"]["essential"], containers["prepare"]["command"]), (False, ["mkdir", "-p", "/cache/bundle"]))
        self.assertEqual(
            containers["postgres"]["healthCheck"],
            {"command": ["CMD-SHELL", "pg_isready -U postgres"], "interval": 5, "timeout": 5, "retries": 10},
        )
        self.assertEqual(containers["postgres"]["memoryReservation"], 512)
        (policy,) = world.role(definition["taskRoleArn"])["Policies"]
        (right,) = policy["Statement"]
        self.assertEqual(right["Action"], ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
        self.assertEqual(
            right["Resource"], [f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-0123456789abcdef0"]
        )

    def test_git_mirrors(self):
        efs = world.client("efs")
        made = efs.create_file_system(CreationToken="git-mirrors")["FileSystemId"]
        self.addCleanup(efs.delete_file_system, FileSystemId=made)
        stack = self.created("git-mirrors", world.example("git-mirrors"), FileSystemId=made)
        point = efs.describe_access_points(FileSystemId=made)["AccessPoints"][0]
        self.assertEqual(point["AccessPointId"], stack.reference("MirrorsAccessPoint"))
        self.assertEqual(point["PosixUser"], {"Uid": 1000, "Gid": 1000})
        root = {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "0755"}
        self.assertEqual(point["RootDirectory"], {"Path": "/git-mirrors", "CreationInfo": root})

        definition, containers = self.containers("node")
        agent = containers["agent"]
        self.assertEqual(agent["user"], "1000:1000")
        mount = {"sourceVolume": "git-mirrors", "containerPath": "/git-mirrors"}
        self.assertIn(mount, agent["mountPoints"])
        self.assertNotIn(mount, containers["agent-init"]["mountPoints"])
        variables = environment(agent)
        self.assertEqual(
            (variables["BUILDKITE_GIT_MIRRORS_PATH"], variables["BUILDKITE_GIT_MIRRORS_LOCK_TIMEOUT"]),
            (mount["containerPath"], "900"),
        )
        volumes = {one["name"]: one for one in definition["volumes"]}
        self.assertEqual(
            volumes["git-mirrors"]["efsVolumeConfiguration"],
            {
                "fileSystemId": made,
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": point["AccessPointId"], "iam": "ENABLED"},
            },
        )
        (policy,) = world.role(definition["taskRoleArn"])["Policies"]
        (right,) = policy["Statement"]
        self.assertEqual(right["Action"], ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
        arn = point["AccessPointArn"]
        self.assertEqual(right["Condition"], {"StringEquals": {"elasticfilesystem:AccessPointArn": [arn]}})

    def test_docker(self):
        text = world.example("docker")
        refused = self.stack("unprivileged")
        self.assertEqual(refused.apply(text), "ROLLBACK_COMPLETE")
        reasons = " ".join(refused.reasons("Docker"))
        self.assertIn("`Sidecars[0].Privileged`", reasons)
        self.assertIn("`AllowPrivileged=true`", reasons)

        deploy.provider(world.cloud(), stack="builders", FunctionName="builders", AllowPrivileged="true")
        self.created("docker", text.replace("buildkite-agent-provider-ServiceToken", "builders-ServiceToken"))
        definition, containers = self.containers("docker")
        self.assertEqual(definition["requiresCompatibilities"], ["EC2", "MANAGED_INSTANCES"])
        self.assertEqual((definition["networkMode"], definition["memory"]), ("awsvpc", "3500"))
        variables = environment(containers["agent"])
        self.assertEqual(
            (variables["BUILDKITE_AGENT_QUEUE"], variables["BUILDKITE_CANCEL_SIGNAL_TIMEOUT"]), ("images", "60s")
        )
        self.assertTrue(containers["daemon"]["privileged"])
        self.assertNotIn("privileged", containers["agent"])

    def test_deploy(self):
        text = world.example("deploy")
        refused = self.stack("refused")
        self.assertEqual(refused.apply(text), "ROLLBACK_COMPLETE")
        reasons = " ".join(refused.reasons("Deploy"))
        self.assertIn("`PermissionsBoundaryArn`", reasons)

        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        boundary = world.client("iam").create_policy(PolicyName="DeployBoundary", PolicyDocument=json.dumps(document))
        arn = boundary["Policy"]["Arn"]
        deploy.provider(world.cloud(), stack="deployers", FunctionName="deployers", PermissionsBoundaryArn=arn, RoleTagKeys="cost-centre")
        text = text.replace("buildkite-agent-provider-ServiceToken", "deployers-ServiceToken")
        stack = self.created("deploy", text)
        role = world.role(self.containers("deploy")[0]["taskRoleArn"])
        self.assertEqual(role["PermissionsBoundary"]["PermissionsBoundaryArn"], arn)
        (policy,) = role["Policies"]
        self.assertEqual(
            [one["Sid"] for one in policy["Statement"]], ["ExecuteCommand", "releases0", "NeverWithoutTls"]
        )
        attached = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
        self.assertEqual([one["PolicyArn"] for one in role["Managed"]], [attached])
        self.assertEqual(role["Tags"]["cost-centre"], "42")

        # Removed again, from the same role.
        start, end = text.index("      TaskRolePolicies"), text.index("Outputs:")
        self.assertEqual(stack.apply(text[:start] + text[end:]), "UPDATE_COMPLETE")
        after = world.role(role["Arn"])
        self.assertEqual((after["RoleId"], after["Policies"], after["Managed"]), (role["RoleId"], [], []))
        self.assertNotIn("cost-centre", after["Tags"])

    def test_a_rule_starts_an_agent_for_each_job_that_asks_for_it(self):
        stack = self.created(
            "on-demand",
            world.example("on-demand"),
            EventBusName="default",
            Cluster=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/agents",
            Subnets="subnet-0a1b2c3d",
        )
        definition, _ = self.described("on-demand")
        outputs, events = stack.outputs(), world.client("events")

        def rule(output):
            name = outputs[output].rsplit("/", 1)[-1]
            (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
            return json.loads(events.describe_rule(Name=name)["EventPattern"]), target

        pattern, target = rule("Rule")
        self.assertEqual(target["EcsParameters"]["TaskDefinitionArn"], stack.reference("OnDemand"))
        self.assertTrue(matches(pattern, job_scheduled("queue=default", "task-definition=on-demand")))
        self.assertFalse(matches(pattern, job_scheduled("queue=default")))
        self.assertFalse(matches(pattern, job_scheduled("task-definition=on-demand", type="manual")))
        self.assertFalse(matches(pattern, job_scheduled("task-definition=on-demand") | {"detail-type": "Job Started"}))
        transformed = transform(target["InputTransformer"], job_scheduled("task-definition=on-demand"))
        self.assertEqual(
            transformed,
            {
                "containerOverrides": [
                    {
                        "name": "agent",
                        "command": ["start", "--disconnect-after-job"],
                        "environment": [{"name": "BUILDKITE_AGENT_ACQUIRE_JOB", "value": JOB}],
                    }
                ]
            },
        )

        # The same in another size, for jobs that start no agent of the first.
        large = job_scheduled("queue=default", "task-definition=on-demand-large")
        large_pattern, large_target = rule("LargeRule")
        self.assertEqual((matches(pattern, large), matches(large_pattern, large)), (False, True))
        self.assertFalse(matches(large_pattern, job_scheduled("task-definition=on-demand")))
        size = {"cpu": "4096", "memory": "8192"}
        self.assertEqual(transform(large_target["InputTransformer"], large), transformed | size)
        self.assertNotEqual(size, {name: definition[name] for name in size})
        same = [one for one in target if one not in ("Id", "InputTransformer")]
        self.assertEqual({one: large_target[one] for one in same}, {one: target[one] for one in same})
        (queue,) = [one for one in world.client("sqs").list_queues()["QueueUrls"] if one == outputs["NotStarted"]]
        policy = world.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
        sources = json.loads(policy)["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]
        self.assertEqual(sources, [outputs["Rule"], outputs["LargeRule"]])

        run, passed = world.role(target["RoleArn"])["Policies"][0]["Statement"]
        self.assertEqual(run["Resource"], f"{stack.reference('OnDemand')}:*")
        self.assertEqual(passed["Resource"], [definition["taskRoleArn"], definition["executionRoleArn"]])

    def test_a_task_that_fails_to_start_is_notified_with_its_reason(self):
        cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/agents"
        self.created("failures", world.example("task-failures"), Cluster=cluster)
        events = world.client("events")
        (rule,) = [one for one in events.list_rules()["Rules"] if "aws.ecs" in one.get("EventPattern", "")]
        pattern = json.loads(rule["EventPattern"])
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        stopped = {
            "source": "aws.ecs",
            "detail-type": "ECS Task State Change",
            "detail": {
                "clusterArn": cluster,
                "group": "family:ruby2",
                "lastStatus": "STOPPED",
                "stopCode": "TaskFailedToStart",
                "stoppedReason": "CannotPullContainerError: not found",
                "taskArn": "the task",
                "taskDefinitionArn": "the revision",
            },
        }
        self.assertTrue(matches(pattern, stopped))
        exited = stopped | {"detail": stopped["detail"] | {"stopCode": "EssentialContainerExited"}}
        self.assertFalse(matches(pattern, exited))
        self.assertEqual(
            transform(target["InputTransformer"], stopped),
            "family:ruby2 failed to start: CannotPullContainerError: not found. Task the task, revision the revision.",
        )

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
