"""The examples that build images, and those that use them: what becomes of each, field by field, and what their scripts do."""

import base64
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import world
import yaml
from local.cloud import ACCOUNT, REGION

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BACKEND = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:k1l2m3n4o5/Prod"
ID = "11112222-3333-4444-5555-666677778888"
KANIKO = "ghcr.io/osscontainertools/kaniko:v1.28.5-alpine"

REGISTRY_TOKEN = {
    "Sid": "RegistryToken",
    "Effect": "Allow",
    "Action": "ecr:GetAuthorizationToken",
    "Resource": "*",
}
SSH_AGENT_BACKEND = {
    "Sid": "SshAgentBackend",
    "Effect": "Allow",
    "Action": "execute-api:Invoke",
    "Resource": [f"{BACKEND}/GET/identities", f"{BACKEND}/POST/signature"],
}


def push(repository):
    return {
        "Sid": "Push",
        "Effect": "Allow",
        "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ],
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{repository}",
    }


def trust(service):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ],
    }


def statements(role):
    return [statement for policy in role["Policies"] for statement in policy["Statement"]]


def environment(container):
    return {one["name"]: one["value"] for one in container.get("environment", [])}


def project(name):
    (found,) = world.client("codebuild").batch_get_projects(names=[name])["projects"]
    return found


def containers(family):
    """The newest revision of a family, and its containers by name."""
    definition, _ = world.definition(world.active(family)[0])
    return definition, {one["name"]: one for one in definition["containerDefinitions"]}


def run(command, directory, **variables):
    """Runs a container's command here, with these variables; returns its status and what it printed."""
    done = subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


class Directory:
    """A directory for the length of a test, with stand-ins for programs that note how they were called."""

    def __init__(self, test):
        made = tempfile.TemporaryDirectory()
        test.addCleanup(made.cleanup)
        self.path = Path(made.name)
        self.calls = self.path / "calls"

    def program(self, name, then=""):
        """Puts a stand-in first on the path that `variables` has."""
        program = self.path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> "{self.calls}"\n{then}\n')
        program.chmod(0o755)

    @property
    def variables(self):
        return {"PATH": f"{self.path / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def called(self):
        """The calls since the last time, in their order."""
        lines = self.calls.read_text().splitlines()
        self.calls.unlink()
        return lines


class Codebuild(world.Case):
    def built(self, **parameters):
        """A stack of the example's."""
        return self.created(
            "build-rust",
            world.packaged("codebuild/codebuild"),
            SourceRepository="example/build-rust",
            RepositoryName="agent/build-rust",
            **parameters,
        )

    def test_a_project_that_may_read_one_connection_and_push_to_one_repository(self):
        connection = f"arn:aws:codestar-connections:{REGION}:{ACCOUNT}:connection/{ID}"
        outputs = self.built(ConnectionArn=connection, SourceVersion="main", ContextDirectory="docker").outputs()
        self.assertEqual(outputs["Image"], f"{REGISTRY}/agent/build-rust:latest")
        self.assertEqual(outputs["RepositoryUri"], f"{REGISTRY}/agent/build-rust")

        built = project(outputs["Project"])
        self.assertEqual(built["source"]["type"], "GITHUB")
        self.assertEqual(built["source"]["location"], "https://github.com/example/build-rust.git")
        self.assertEqual(built["source"]["auth"], {"type": "CODECONNECTIONS", "resource": connection})
        self.assertEqual(built["sourceVersion"], "main")
        self.assertEqual(
            {name: built["environment"][name] for name in ("type", "image", "computeType", "privilegedMode")},
            {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
            },
        )
        self.assertEqual(
            {one["name"]: one["value"] for one in built["environment"]["environmentVariables"]},
            {
                "REPOSITORY": f"{REGISTRY}/agent/build-rust",
                "CONTEXT": "docker",
                "DOCKERFILE": "Dockerfile",
                "PLATFORMS": "",
            },
        )

        role = world.role(built["serviceRole"])
        self.assertEqual(role["AssumeRolePolicyDocument"], trust("codebuild.amazonaws.com"))
        self.assertEqual(role["Managed"], [])
        group = "/aws/codebuild/image/agent/build-rust"
        self.assertEqual(
            sorted(statements(role), key=lambda one: one.get("Sid", "")),
            [
                {
                    "Effect": "Allow",
                    "Action": [
                        "codeconnections:GetConnection",
                        "codeconnections:GetConnectionToken",
                        "codestar-connections:GetConnection",
                        "codestar-connections:GetConnectionToken",
                    ],
                    "Resource": [connection.replace("codestar-connections", "codeconnections"), connection],
                },
                {
                    "Sid": "Log",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:*",
                },
                push("agent/build-rust"),
                REGISTRY_TOKEN,
            ],
        )
        (found,) = world.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        self.assertEqual((found["logGroupName"], found["retentionInDays"]), (group, 30))

    def test_a_public_repository_needs_no_connection(self):
        built = project(self.built(Architecture="ARM64").outputs()["Project"])
        self.assertNotIn("auth", built["source"])
        self.assertFalse(built.get("sourceVersion"))
        self.assertEqual(
            (built["environment"]["type"], built["environment"]["image"]),
            ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:4.0"),
        )
        self.assertEqual(
            [one["Sid"] for one in statements(world.role(built["serviceRole"]))], ["Log", "RegistryToken", "Push"]
        )

    def test_images_lose_their_tags_and_then_expire(self):
        self.built()
        ecr = world.client("ecr")
        policy = json.loads(ecr.get_lifecycle_policy(repositoryName="agent/build-rust")["lifecyclePolicyText"])
        self.assertEqual(
            [(rule["rulePriority"], rule["selection"]) for rule in policy["rules"]],
            [
                (
                    1,
                    {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                ),
                (
                    2,
                    {
                        "tagStatus": "tagged",
                        "tagPatternList": ["*"],
                        "countType": "imageCountMoreThan",
                        "countNumber": 30,
                    },
                ),
            ],
        )
        (repository,) = ecr.describe_repositories(repositoryNames=["agent/build-rust"])["repositories"]
        self.assertEqual(repository["imageTagMutability"], "IMMUTABLE_WITH_EXCLUSION")

    def test_the_build_pushes_a_new_tag_and_latest(self):
        repository = f"{REGISTRY}/agent/build-rust"
        specification = yaml.safe_load(project(self.built().outputs()["Project"])["source"]["buildspec"])
        # One shell runs all of it, as CodeBuild has it since version 0.2.
        self.assertEqual(specification["version"], 0.2)
        phases = specification["phases"]
        self.assertEqual(list(phases), ["pre_build", "build"])
        commands = phases["pre_build"]["commands"] + phases["build"]["commands"]
        # CodeBuild looks at each command's status, and at nothing within one.
        script = "\n".join(f"{command}\nstatus=$?; [ $status = 0 ] || exit $status" for command in commands)
        build = ["/bin/sh", "-c", script]

        directory = Directory(self)
        directory.program("aws", "echo password-of-the-registry")
        # Logging in reads what aws says; building notes where.
        directory.program("docker", f'case "$1" in login) cat >> "{directory.calls}";; *build*) pwd >> "{directory.calls}";; esac')
        context = directory.path / "docker"
        context.mkdir()
        variables = {
            **directory.variables,
            "REPOSITORY": repository,
            "CONTEXT": "docker",
            "DOCKERFILE": "Dockerfile",
            "PLATFORMS": "",
            "CODEBUILD_SRC_DIR": str(directory.path),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
            "CODEBUILD_BUILD_NUMBER": "7",
        }
        status, output = run(build, directory.path, **variables)
        self.assertEqual(status, 0, output)
        login = ["aws ecr get-login-password", f"docker login --username AWS --password-stdin {REGISTRY}"]
        # Either end of a pipe may be the first to note its call.
        calls = directory.called()
        self.assertEqual(sorted(calls[:3]), sorted([*login, "password-of-the-registry"]))
        arguments = f"--file Dockerfile --tag {repository}:0123456789ab-7 --tag {repository}:latest ."
        self.assertEqual(
            calls[3:],
            [
                f"docker build {arguments}",
                str(context),
                f"docker push {repository}:0123456789ab-7",
                f"docker push {repository}:latest",
            ],
        )

        status, output = run(build, directory.path, **variables | {"PLATFORMS": "linux/amd64,linux/arm64"})
        self.assertEqual(status, 0, output)
        self.assertEqual(
            directory.called()[3:],
            [
                "docker buildx create --use",
                str(context),
                f"docker buildx build --platform linux/amd64,linux/arm64 --push {arguments}",
                str(context),
            ],
        )

        # A build that fails pushes nothing, and fails.
        directory.program("docker", f'case "$1" in login) cat > /dev/null;; build) exit 3;; esac')
        status, output = run(build, directory.path, **variables)
        self.assertEqual(status, 3, output)
        self.assertFalse([call for call in directory.called() if "push" in call])


class Kaniko(world.Case):
    def test_an_agent_with_kaniko_in_one_container(self):
        stack = self.created("kaniko", world.example("kaniko/kaniko"))
        definition, found = containers("kaniko")
        self.assertEqual(list(found), ["agent", "agent-init"])
        self.assertEqual(
            (definition["cpu"], definition["memory"], definition["ephemeralStorage"], definition["volumes"]),
            ("4096", "8192", {"sizeInGiB": 50}, []),
        )
        agent = found["agent"]
        self.assertEqual((agent["image"], agent["entryPoint"]), (KANIKO, ["/buildkite/bin/buildkite-agent"]))
        # Builds and sockets are on the volume, where kaniko leaves files alone.
        self.assertEqual(agent["volumesFrom"], [{"sourceContainer": "agent-init"}])
        variables = environment(agent)
        self.assertEqual(
            (variables["BUILDKITE_SHELL"], variables["BUILDKITE_BUILD_PATH"], variables["BUILDKITE_SOCKETS_PATH"]),
            ("/bin/sh -e -c", "/buildkite/builds", "/buildkite/sockets"),
        )
        self.assertNotIn("mountPoints", agent)
        self.assertEqual(world.role(definition["taskRoleArn"])["Policies"], [])
        self.assertEqual(stack.outputs()["TaskRoleId"], world.role(definition["taskRoleArn"])["RoleId"])

    def test_the_login_of_docker_hub_comes_as_a_file_before_the_agent(self):
        self.created(
            "kaniko",
            world.example("kaniko/kaniko"),
            DockerHubTokenParameterPath="/buildkite/docker-hub",
            SshAgentBackend=BACKEND,
        )
        definition, found = containers("kaniko")
        self.assertEqual(list(found), ["agent", "agent-init", "ssh-agent", "docker-login"])
        self.assertEqual([one["name"] for one in definition["volumes"]], ["ssh-agent", "docker-config"])
        agent, login = found["agent"], found["docker-login"]
        self.assertEqual(
            agent["dependsOn"],
            [
                {"containerName": "agent-init", "condition": "SUCCESS"},
                {"containerName": "ssh-agent", "condition": "HEALTHY"},
                {"containerName": "docker-login", "condition": "SUCCESS"},
            ],
        )
        mounted = {"sourceVolume": "docker-config", "containerPath": "/kaniko/.docker"}
        self.assertEqual(agent["mountPoints"][1:], [mounted | {"readOnly": True}])
        self.assertEqual(login["mountPoints"], [mounted])
        self.assertEqual((login["essential"], login["image"]), (False, KANIKO))
        # The agent's steps do not have it as a variable.
        self.assertEqual([one["name"] for one in agent["secrets"]], ["BUILDKITE_AGENT_TOKEN"])
        self.assertEqual(
            login["secrets"], [{"name": "DOCKER_HUB_TOKEN", "valueFrom": "/buildkite/docker-hub"}]
        )
        rights = {one["Sid"]: one for one in statements(world.role(definition["executionRoleArn"]))}
        parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/buildkite"
        self.assertEqual(
            rights["Parameters"]["Resource"], [f"{parameter}/agent-token", f"{parameter}/docker-hub"]
        )

        # What the container does, done here.
        directory = Directory(self)
        # Long enough that base64 wraps it.
        token = "somebody:" + "dckr_pat_" * 12
        variables = environment(login) | {"DOCKER_HUB_TOKEN": token}
        self.assertEqual(variables["DOCKER_CONFIG"], mounted["containerPath"])
        status, output = run(
            login["entryPoint"] + login["command"], directory.path, **variables | {"DOCKER_CONFIG": str(directory.path)}
        )
        self.assertEqual((status, output), (0, "the login of Docker Hub is ready\n"))
        written = json.loads((directory.path / "config.json").read_text())
        auth = base64.b64encode(token.encode()).decode()
        self.assertEqual(written, {"auths": {"https://index.docker.io/v1/": {"auth": auth}}})

    def test_a_builder_is_a_repository_and_a_role_that_may_push_to_it(self):
        template = world.packaged("kaniko/builder")
        parameters = {"RepositoryName": "agent/sam", "TaskRoleName": "BuildSam"}
        stack = self.created("builder", template, **parameters)
        role = world.role("BuildSam")
        self.assertEqual(role["Path"], world.TASK)
        self.assertEqual(role["AssumeRolePolicyDocument"], trust("ecs-tasks.amazonaws.com"))
        self.assertEqual(statements(role), [REGISTRY_TOKEN, push("agent/sam")])
        self.assertEqual(
            stack.outputs(),
            {
                "Image": f"{REGISTRY}/agent/sam:latest",
                "RepositoryUri": f"{REGISTRY}/agent/sam",
                "TaskRoleName": "BuildSam",
                "TaskRoleId": role["RoleId"],
            },
        )

        # With a backend, the same role may call it, too.
        self.assertEqual(stack.apply(template, **parameters, SshAgentBackend=BACKEND), "UPDATE_COMPLETE")
        after = world.role("BuildSam")
        self.assertEqual(after["RoleId"], role["RoleId"])
        self.assertEqual(statements(after), [REGISTRY_TOKEN, push("agent/sam"), SSH_AGENT_BACKEND])


class AgentImage(world.Case):
    def test_it_is_built_for_both_architectures_from_its_directory(self):
        outputs = self.created(
            "agent-image", world.packaged("agent-image/agent-image"), SourceRepository="example/infrastructure"
        ).outputs()
        self.assertEqual(outputs["Image"], f"{REGISTRY}/agent/sidecar:latest")
        built = project(outputs["Project"])
        self.assertEqual(built["source"]["location"], "https://github.com/example/infrastructure.git")
        variables = {one["name"]: one["value"] for one in built["environment"]["environmentVariables"]}
        self.assertEqual(
            (variables["CONTEXT"], variables["PLATFORMS"]), ("agent-image", "linux/amd64,linux/arm64")
        )
        self.assertTrue((world.EXAMPLES / variables["CONTEXT"] / variables["DOCKERFILE"]).exists())

    def test_its_hooks_run_in_any_shell(self):
        hooks = list((world.EXAMPLES / "agent-image/hooks").iterdir())
        self.assertTrue(hooks)
        for hook in hooks:
            self.assertEqual(hook.read_text().splitlines()[0], "#!/bin/sh", hook)
            # The agent sources them, and takes over what they export.
            status, output = run(["/bin/sh", "-c", f'. "{hook}"; env'], "/")
            self.assertEqual(status, 0, output)
            self.assertIn("GIT_TERMINAL_PROMPT=0", output.splitlines())


class Ssh(world.Case):
    def test_an_agent_that_has_the_keys_of_its_role(self):
        stack = self.created("ssh", world.example("ssh/ssh"), SshAgentBackend=BACKEND)
        definition, found = containers("ssh")
        self.assertEqual(list(found), ["agent", "ssh-agent"])
        self.assertEqual(found["agent"]["entryPoint"], ["buildkite-agent"])
        self.assertEqual(
            found["agent"]["dependsOn"], [{"containerName": "ssh-agent", "condition": "HEALTHY"}]
        )
        self.assertEqual(environment(found["agent"])["SSH_AUTH_SOCK"], "/ssh/socket")
        role = world.role(definition["taskRoleArn"])
        (right,) = statements(role)
        self.assertEqual(right["Resource"], SSH_AGENT_BACKEND["Resource"])
        self.assertEqual(stack.outputs()["TaskRoleId"], role["RoleId"])


class Composition(world.Case):
    def test_a_stack_of_all_that_an_account_needs(self):
        template = world.packaged("composition/composition")
        stack = self.created("agents", template)
        self.assertEqual(stack.outputs()["Families"], "buildkite, ruby, terraform, sam")
        families = {family: containers(family) for family in ("buildkite", "ruby", "terraform", "sam")}
        # An empty SshAgentBackend is none.
        self.assertEqual(
            {family: list(found) for family, (_, found) in families.items()},
            {
                "buildkite": ["agent"],
                "ruby": ["agent", "agent-init"],
                "terraform": ["agent", "agent-init"],
                "sam": ["agent", "agent-init"],
            },
        )
        self.assertEqual(families["buildkite"][1]["agent"]["entryPoint"], ["buildkite-agent"])
        self.assertEqual(environment(families["terraform"][1]["agent"])["BUILDKITE_SHELL"], "/bin/sh -e -c")

        # The image that pipelines build, pulled with a right of its own, and run under the stack's own role.
        sam, found = families["sam"]
        self.assertEqual(found["agent"]["image"], f"{REGISTRY}/agent/sam:latest")
        self.assertEqual(environment(found["agent"])["SAM_CLI_TELEMETRY"], "0")
        rights = {one["Sid"]: one for one in statements(world.role(sam["executionRoleArn"]))}
        self.assertEqual(rights["Images"]["Resource"], [push("agent/sam")["Resource"]])
        role = world.role(sam["taskRoleArn"])
        self.assertEqual((role["RoleName"], role["Path"]), (stack.reference("PublishRole"), world.TASK))
        self.assertEqual(role["AssumeRolePolicyDocument"], trust("ecs-tasks.amazonaws.com"))
        self.assertEqual([one["Sid"] for one in statements(role)], ["Package", "Publish"])

    # A stack of its own and not an update of the other: the local cloud loses the outputs of a nested stack that
    # an update of the stack around it leaves as it is.
    def test_with_a_backend_every_agent_has_its_keys_and_kaniko_and_ssh_come_on_demand(self):
        stack = self.created(
            "agents",
            world.packaged("composition/composition"),
            IncludeKaniko="true",
            KanikoImage=f"{REGISTRY}/agent/kaniko:latest",
            SshAgentBackend=BACKEND,
            DockerHubTokenParameterPath="/buildkite/docker-hub",
        )
        families = ("buildkite", "ruby", "terraform", "sam", "kaniko", "ssh")
        self.assertEqual(stack.outputs()["Families"], ", ".join(families))
        for family in families:
            self.assertIn("ssh-agent", containers(family)[1], family)
        kaniko = containers("kaniko")[1]
        self.assertIn("docker-login", kaniko)
        self.assertEqual(kaniko["agent"]["image"], f"{REGISTRY}/agent/kaniko:latest")
        # The roles that are not made by the provider have the right to it, too.
        for name in ("BuildSam", stack.reference("PublishRole")):
            self.assertIn(SSH_AGENT_BACKEND, statements(world.role(name)))


if __name__ == "__main__":
    unittest.main()
