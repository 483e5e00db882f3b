"""What is composed of many property sets, checked against ECS's own rules: botocore's model of a registration, and the
schema and rules that cfn-lint has for AWS::ECS::TaskDefinition."""

import json
import os
import random
import re
import subprocess
import unittest

import world
from botocore import session, validate
from local import tools
from local.cloud import ACCOUNT, REGION

SETS = 20

def properties(dice):
    """A random property set: each feature there or not, as it pleases the dice."""
    chance = dice.random
    cpu, memory = dice.choice([(256, 512), (1024, 2048), (2048, 4096), (4096, 30720), (16384, 122880)])
    written = {"Image": dice.choice(["ruby:3.4", f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/ruby:3"])}
    if written["Image"] == "ruby:3.4" and chance() < 0.5:
        written["RepositoryCredentials"] = {"CredentialsParameter": "docker-hub"}
    written |= {"TaskCpu": str(cpu), "TaskMemory": str(memory)}
    on_fargate = chance() < 0.6
    if not on_fargate:
        kinds = dice.choice([["EC2"], ["MANAGED_INSTANCES"], ["EXTERNAL"], ["EC2", "MANAGED_INSTANCES"]])
        written["RequiresCompatibilities"] = kinds
        if kinds == ["EC2"]:
            written["NetworkMode"] = dice.choice(["awsvpc", "bridge", "host", "none"])
        written["Privileged"] = dice.choice(["true", "false"])
    elif chance() < 0.3:
        written["RequiresCompatibilities"] = ["FARGATE", "EC2"]
    elif chance() < 0.5:
        written["EphemeralStorage"] = {"SizeInGiB": str(dice.randint(21, 200))}
    if chance() < 0.3:
        written["OperatingSystemFamily"] = "LINUX"
    if chance() < 0.5:
        written["CpuArchitecture"] = dice.choice(["X86_64", "ARM64"])
    if chance() < 0.6:
        written["BuildkiteAgentImage"] = "buildkite/agent:3-sidecar"
        written["BuildkiteAgentInjection"] = dice.choice(["VOLUME", "COPY"])
        if chance() < 0.5:
            written["BuildkiteAgentImageRepositoryCredentials"] = {"CredentialsParameter": "docker-hub"}
    if chance() < 0.4:
        written["SshAgentBackend"] = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/Prod"
        written["SshAgentImage"] = "artifactory.example.com/ssh:1"
    written["CancelOnStop"] = dice.choice(["true", "false"])
    if chance() < 0.5:
        written["Secrets"] = [
            {"Name": "TOKEN", "ValueFrom": "/a/token"},
            {
                "Name": "KEY",
                "ValueFrom": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:all-AbC123:key::",
            },
        ]
    if chance() < 0.5:
        options = {
            "Tags": ["os=linux", "docker=false"],
            "Endpoint": "https://agent.example.com/v3",
            "Shell": "/bin/sh -e -c",
            "HooksPath": "/hooks",
            "CancelGracePeriod": str(dice.randint(1, 108)),
            "NoPlugins": "true",
            "NoCommandEval": "true",
            "NoLocalHooks": "false",
            "AllowedRepositories": ["git@github.com:example/.*"],
            "RedactedVars": ["*_PIN"],
        }
        written["AgentConfiguration"] = {name: options[name] for name in dice.sample(sorted(options), 4)}
    if chance() < 0.5:
        written["Environment"] = [{"Name": "BUILDKITE_AGENT_QUEUE", "Value": "deploy"}, {"Name": "EMPTY", "Value": ""}]
    if chance() < 0.5:
        written["AgentContainer"] = {
            "User": "1000",
            "EnvironmentFiles": [{"Type": "s3", "Value": "arn:aws:s3:::settings/ruby.env"}],
            "Interactive": "true",
            "VersionConsistency": "disabled",
        }
        written["EnableFaultInjection"] = dice.choice(["true", "false"])
    if chance() < 0.5:
        written["Tags"] = [{"Key": "team", "Value": "platform"}]
    if chance() < 0.7:
        storage = {"FilesystemId": "fs-0123456789abcdef0", "TransitEncryption": "ENABLED"}
        if chance() < 0.5:
            storage["AuthorizationConfig"] = {"AccessPointId": "fsap-0123456789abcdef0", "IAM": "ENABLED"}
        elif chance() < 0.5:
            storage["RootDirectory"] = "/cache"
        cache = {"Name": "cache"}
        if "EXTERNAL" not in written.get("RequiresCompatibilities", []):
            cache["EFSVolumeConfiguration"] = storage
        written["Volumes"] = [{"Name": "shared"}, cache]
        mount = {"SourceVolume": "cache", "ContainerPath": "/cache", "ReadOnly": dice.choice(["true", "false"])}
        written["MountPoints"] = [mount]
    if chance() < 0.7:
        first = {
            "Name": "prepare",
            "Image": "busybox:1.37",
            "Essential": "false",
            "EntryPoint": ["sh", "-c"],
            "Command": ["true"],
            "WorkingDirectory": "/tmp",
            "StartTimeout": "60" if on_fargate else "600",
            "StopTimeout": "20",
            "LinuxParameters": {"InitProcessEnabled": "true"},
        }
        second = {
            "Name": "database",
            "Image": "postgres:18",
            "DependsOn": [{"ContainerName": "prepare", "Condition": dice.choice(["START", "COMPLETE", "SUCCESS"])}],
            "HealthCheck": {"Command": ["CMD-SHELL", "pg_isready"], "Interval": "5"},
            "MemoryReservation": "128",
            "Memory": "256",
            "Cpu": "64",
            "ReadonlyRootFilesystem": dice.choice(["true", "false"]),
            "Secrets": [{"Name": "POSTGRES_PASSWORD", "ValueFrom": "/database/password"}],
            "User": "999",
        }
        if "Volumes" in written:
            second["MountPoints"] = [{"SourceVolume": "shared", "ContainerPath": "/shared"}]
        if not on_fargate:
            second["Privileged"] = "true"
        else:
            second["LinuxParameters"] = {"Tmpfs": [{"ContainerPath": "/tmp", "Size": "64"}], "Capabilities": {"Drop": ["NET_RAW"]}}
        if chance() < 0.5:
            second |= {
                "Ulimits": [{"Name": "nofile", "SoftLimit": "1024", "HardLimit": "4096"}],
                "DockerLabels": {"team": "platform"},
                "PortMappings": [{"ContainerPort": "5432", "Protocol": "tcp"}],
                "SystemControls": [{"Namespace": "kernel.msgmax", "Value": "8192"}],
                "RestartPolicy": {"Enabled": "true", "RestartAttemptPeriod": "60"},
                "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-multiline-pattern": "^LOG"}},
            }
        if chance() < 0.5:
            second["RepositoryCredentials"] = {"CredentialsParameter": "docker-hub"}
        if chance() < 0.5:
            second["VolumesFrom"] = [{"SourceContainer": "prepare", "ReadOnly": dice.choice(["true", "false"])}]
        written["Sidecars"] = [first, second]
        written["DependsOn"] = [{"ContainerName": "database", "Condition": dice.choice(["START", "HEALTHY"])}]
    return written


def words(table):
    """The names in the rows of one of the tables of docs/reference/containers.md."""
    text = (tools.ROOT / "docs" / "reference" / "containers.md").read_text()
    section = text.split(f"### {table}\n")[1].split("\n##")[0]
    return set(re.findall(r"^\| `([A-Za-z0-9.]+)`", section, re.MULTILINE))


# What the provider says itself, or an author under another name.
OWN = {
    "RegisterTaskDefinitionRequest": {
        "family", "taskRoleArn", "executionRoleArn", "networkMode", "containerDefinitions", "volumes", "requiresCompatibilities",
        "cpu", "memory", "tags", "ephemeralStorage", "runtimePlatform",
    },
    "Tag": {"key", "value"},
    "RuntimePlatform": {"cpuArchitecture", "operatingSystemFamily"},
    "KeyValuePair": {"name", "value"},
}  # fmt: skip
# A template's words that are not the API's with a large first letter.
OTHERWISE = {"EFSVolumeConfiguration": "efsVolumeConfiguration", "FilesystemId": "fileSystemId", "IAM": "iam", "ProxyConfigurationProperties": "properties"}


def structures(shape, left_out, found):
    """The fields of every structure of an input that are not left out, by its name."""
    if shape.type_name == "list":
        return structures(shape.member, left_out, found)
    if shape.type_name == "structure" and shape.name not in found:
        members = {name: member for name, member in shape.members.items() if f"{shape.name}.{name}".lower() not in left_out}
        found[shape.name] = set(members)
        for member in members.values():
            structures(member, left_out, found)
    return found


def written(schema, found):
    """Every set of keys that an object of the schema may have, in the API's words."""
    if "properties" in schema:
        keys = {OTHERWISE.get(name, name[0].lower() + name[1:]) for name in schema["properties"]}
        found.append(keys)
    for inner in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("then"), schema.get("else")]:
        if isinstance(inner, dict):
            written(inner, found)
    return found


class ServiceModel(unittest.TestCase):
    def test_what_ecs_has_is_here_or_is_left_out_with_its_reason(self):
        schema = json.loads((tools.ROOT / "schema" / "custom-buildkiteagent.json").read_text())
        top = {name[0].lower() + name[1:] for name in schema["properties"]}
        objects = written({"properties": schema["properties"]}, [])
        left_out = {word.lower() for word in words("What is left out")}
        unknown = []
        shape = session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
        for name, members in structures(shape, left_out, {}).items():
            rest = members - OWN.get(name, set())
            # The object of the schema that has most of them.
            here = top if name == "RegisterTaskDefinitionRequest" else max(objects, key=lambda keys: (len(keys & members), -len(keys)))
            unknown += [f"{name}.{member}" for member in sorted(rest - here)]
        self.assertEqual(unknown, [])

    def test_random_property_sets_are_what_ecs_takes(self):
        seed = int(os.environ.get("COMPOSED_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", end=" ", flush=True)
        dice = random.Random(seed)
        template = tools.STATE / "random-sets.json"
        resources = {f"Set{number}": agent(properties(dice)) for number in range(SETS)}
        template.write_text(json.dumps({"Resources": resources}))

        planned = json.loads(plan(template, "json"))["resources"]
        shape = session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
        for name, set_ in planned.items():
            self.assertEqual(set_["outcome"], "composed", f"seed {seed}, {name}")
            request = set_["taskDefinition"]
            request["tags"] = [{"key": key, "value": value} for key, value in request.get("tags", {}).items()]
            report = validate.ParamValidator().validate(request, shape)
            self.assertFalse(report.has_errors(), f"seed {seed}, {name}: {report.generate_report()}")

        native = tools.STATE / "random-sets-native.json"
        native.write_text(plan(template, "template"))
        tools.run(("cfn-lint", "--", str(native)), variables=tools.user_environment(), captured=True)


def agent(properties):
    """A resource of the template's."""
    return {"Type": "Custom::BuildkiteAgent", "Properties": {"ServiceToken": world.SERVICE_TOKEN, **properties}}


def plan(template, form):
    """What is composed of a template, by the provider's own code."""
    known = ("--region", REGION, "--account", ACCOUNT, "--format", form, "--provider", "AllowPrivileged=true")
    done = subprocess.run([tools.command(), "plan", template, *known], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    unittest.main()
