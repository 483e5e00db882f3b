"""template.yml: what each function may do, to the last action, the queue between them, and which parameters are taken."""

import json
import re
import tomllib
import unittest

import world
import yaml
from local import deploy
from local.cloud import ACCOUNT, REGION
from local.tools import ROOT

ROLES = [
    f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentExecution/*",
    f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentTask/*",
]
# Where a role that is not there yet is looked for: a request names no path.
NAMES = [f"arn:aws:iam::{ACCOUNT}:role/*-{kind}-{'?' * 12}" for kind in ("execution", "task")]
DEFINITIONS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/*"



def _own_log(function):
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function}:*"
    return {f"logs:{action}": ([group], None) for action in ("CreateLogStream", "PutLogEvents")}


# Every action, where it may be done, and on which condition. One that is added
# to the template has to be added here, and so be thought about twice. QUEUE
# replaces the queue's ARN, which has a random part.
QUEUE = "the queue"
# The boundary in the template.
BOUNDARY = "the boundary"


def _on_roles_with(boundary):
    condition = {"ArnEquals": {"iam:PermissionsBoundary": boundary}}
    actions = ("CreateRole", "PutRolePolicy", "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary")
    return {f"iam:{action}": (ROLES, condition) for action in actions}


RECEIVER = {"sqs:SendMessage": ([QUEUE], None), **_own_log(deploy.PROVIDER)}
HANDLER = {
    "ecs:RegisterTaskDefinition": ([DEFINITIONS], None),
    "ecs:TagResource": ([DEFINITIONS], {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}),
    "ecs:DescribeTaskDefinition": (["*"], None),
    "ecs:ListTaskDefinitions": (["*"], None),
    "ecs:DeregisterTaskDefinition": (["*"], None),
    **_on_roles_with(BOUNDARY),
    "iam:GetRole": (ROLES + NAMES, None),
    "iam:TagRole": (
        ROLES,
        {
            "ForAllValues:StringEquals": {
                "aws:TagKeys": [
                    "agent-composer:stack-id",
                    "agent-composer:logical-id",
                    "agent-composer:request:v1",
                    "agent-composer:version",
                    "",
                ]
            }
        },
    ),
    "iam:ListRolePolicies": (ROLES, None),
    "iam:ListAttachedRolePolicies": (ROLES, None),
    **{
        f"iam:{action}": (ROLES, {"Null": {"aws:ResourceTag/agent-composer:stack-id": "false"}})
        for action in ("UntagRole", "DeleteRolePolicy", "DetachRolePolicy", "DeleteRole")
    },
    "iam:PassRole": (ROLES, {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
    **{
        f"logs:{action}": ([f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/*"], None)
        for action in (
            "CreateLogGroup",
            "PutRetentionPolicy",
            "AssociateKmsKey",
            "DisassociateKmsKey",
            "DeleteLogGroup",
            "ListTagsForResource",
            "TagResource",
            "UntagResource",
        )
    },
    **_own_log(deploy.HANDLER),
    **{
        f"sqs:{action}": ([QUEUE], None)
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
    },
    **{
        f"cloudformation:{action}": ([f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/*"], None)
        for action in ("DescribeStacks", "DescribeStackResource")
    },
}

# What the handler may not do, whatever else allows it.
DENIED = {
    "ecs:RegisterTaskDefinition": ("*", {"StringEqualsIgnoreCase": {"ecs:privileged": "true"}}),
    "logs:*": (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/*/*", None),
}


class _Loader(yaml.SafeLoader):
    """Reads a template, without a meaning for !Ref and its like."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))


def physical_id(stack, logical_id):
    """The physical id of a resource of a provider's stack."""
    found = world.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def queue(stack, logical_id):
    """The attributes of a queue of a provider's stack."""
    url = physical_id(stack, logical_id)
    return world.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def rights(stack, role):
    """What the function with that role of a provider's stack may do, by action."""
    arn = queue(stack, "RequestQueue")["QueueArn"]
    boundary = physical_id(stack, "AgentBoundary")
    found = {}
    for policy in world.role(physical_id(stack, role))["Policies"]:
        for statement in policy["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            statement = json.loads(json.dumps(statement).replace(boundary, BOUNDARY))
            for action in _listed(statement["Action"]):
                resources, condition = found.get(action, ([], statement.get("Condition")))
                assert condition == statement.get("Condition"), f"{action} is allowed on two conditions"
                named = [QUEUE if one == arn else one for one in _listed(statement["Resource"])]
                found[action] = (resources + named, condition)
    return found


def denials(stack, role):
    """What that role of a provider's stack may not do, by action."""
    policies = world.role(physical_id(stack, role))["Policies"]
    statements = [one for policy in policies for one in policy["Statement"] if one["Effect"] == "Deny"]
    return {one["Action"]: (one["Resource"], one.get("Condition")) for one in statements}


def _listed(value):
    return [value] if isinstance(value, str) else value


class Rights(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        world.cloud()

    def test_each_function_may_do_this_and_nothing_else(self):
        self.assertEqual(rights(deploy.PROVIDER, "ReceiverRole"), RECEIVER)
        self.assertEqual(rights(deploy.PROVIDER, "HandlerRole"), HANDLER)
        self.assertEqual(denials(deploy.PROVIDER, "ReceiverRole"), {})
        self.assertEqual(denials(deploy.PROVIDER, "HandlerRole"), DENIED)

    def test_every_call_that_a_function_makes_is_allowed(self):
        # The local cloud does not ask for rights, so a call without one would be
        # found out on a real account only. The functions log each that they make.
        stack = world.Stack("calls")
        for image, secret in (("ruby:3.3", "a"), ("ruby:3.4", "b")):
            secrets = [{"Name": "KEY", "ValueFrom": secret}]
            body = world.template({"Calls": world.agent(Image=image, Secrets=secrets)})
            self.assertIn(stack.apply(body), ("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        self.assertEqual(stack.delete(), "DELETE_COMPLETE")
        called = calls(deploy.HANDLER)
        self.assertLessEqual(
            {"ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition", "iam:DeleteRolePolicy", "iam:DeleteRole"},
            called,
        )
        self.assertLessEqual(called, HANDLER.keys())
        self.assertEqual(calls(deploy.PROVIDER), {"sqs:SendMessage"})

    def test_a_boundary_is_a_condition_on_all_that_gives_rights(self):
        boundary = f"arn:aws:iam::{ACCOUNT}:policy/Boundary"
        deploy.provider(world.cloud(), stack="bounded", FunctionName="bounded", PermissionsBoundaryArn=boundary)
        chosen = _on_roles_with(boundary)
        _, condition = chosen["iam:CreateRole"]
        expected = {
            **HANDLER,
            **chosen,
            "iam:AttachRolePolicy": ([one for one in ROLES if "/BuildkiteAgentTask/" in one], condition),
        }
        self.assertEqual(rights("bounded", "HandlerRole"), expected | _own_log("bounded-handler"))
        self.assertEqual(rights("bounded", "ReceiverRole"), RECEIVER | _own_log("bounded"))

    def test_roles_have_no_boundary_only_where_the_deployer_says_none(self):
        deploy.provider(world.cloud(), stack="unbounded", FunctionName="unbounded", PermissionsBoundaryArn="none")
        without = {
            action: (resources, None if action in _on_roles_with(BOUNDARY) else condition)
            for action, (resources, condition) in HANDLER.items()
            if action != "iam:PutRolePermissionsBoundary"
        }
        self.assertEqual(rights("unbounded", "HandlerRole"), without | _own_log("unbounded-handler"))

    def test_both_functions_are_configured_as_written(self):
        functions = world.client("lambda")
        for name, timeout in ((deploy.PROVIDER, 60), (deploy.HANDLER, 300)):
            with self.subTest(name):
                found = functions.get_function_configuration(FunctionName=name)
                self.assertEqual(found["Runtime"], "provided.al2023")
                self.assertEqual((found["Timeout"], found["Architectures"]), (timeout, ["x86_64"]))
                config = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": f"/aws/lambda/{name}"}
                self.assertEqual(found["LoggingConfig"], config)
                self.assertEqual(
                    found["Environment"]["Variables"],
                    {
                        "REQUEST_QUEUE_URL": physical_id(deploy.PROVIDER, "RequestQueue"),
                        "AGENT_TOKEN_PARAMETER_PATH": "/buildkite/agent-token",
                        "EXECUTION_ROLE_PATH": "/BuildkiteAgentExecution/",
                        "TASK_ROLE_PATH": "/BuildkiteAgentTask/",
                        "PERMISSIONS_BOUNDARY_ARN": "",
                        "DEFAULT_BOUNDARY_ARN": physical_id(deploy.PROVIDER, "AgentBoundary"),
                        "SSH_AGENT_IMAGE": "keithduncan/iam-ssh-agent:latest",
                        "LOG_RETENTION_IN_DAYS": "1",
                        "EXECUTION_ROLE_SOURCE_ACCOUNT": "false",
                        "FAMILY_PREFIX": "",
                        "TASK_ROLE_ARN_NEEDS_BOUNDARY": "true",
                        "ALLOW_PRIVILEGED": "false",
                        "ROLE_TAG_KEYS": "",
                        "STACK_TAGS": "true",
                        # Set after the deployment: see local/deploy.py.
                        "ALLOWED_RESPONSE_HOSTS": "127.0.0.1",
                    },
                )
        invoked = functions.get_function_event_invoke_config(FunctionName=deploy.PROVIDER, Qualifier="$LATEST")
        self.assertEqual((invoked["MaximumRetryAttempts"], invoked["MaximumEventAgeInSeconds"]), (2, 3600))
        groups = world.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/buildkite")["logGroups"]
        self.assertEqual([group["retentionInDays"] for group in groups], [30, 30])

    def test_the_queue_is_configured_as_written(self):
        found = queue(deploy.PROVIDER, "RequestQueue")
        dead = queue(deploy.PROVIDER, "DeadLetterQueue")
        wanted = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "VisibilityTimeout": "360",
            "MessageRetentionPeriod": "7200",
            "SqsManagedSseEnabled": "true",
        }
        self.assertEqual({name: found[name] for name in wanted}, wanted)
        self.assertEqual(
            json.loads(found["RedrivePolicy"]), {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 4}
        )
        wanted = {"FifoQueue": "true", "MessageRetentionPeriod": "86400", "SqsManagedSseEnabled": "true"}
        self.assertEqual({name: dead[name] for name in wanted}, wanted)

        (mapping,) = world.client("lambda").list_event_source_mappings(FunctionName=deploy.HANDLER)[
            "EventSourceMappings"
        ]
        self.assertEqual(mapping["EventSourceArn"], found["QueueArn"])
        self.assertEqual((mapping["BatchSize"], mapping["FunctionResponseTypes"]), (1, ["ReportBatchItemFailures"]))
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": 10})

    def test_the_queue_is_closed_to_everybody_but_the_two_functions_and_without_tls(self):
        found = queue(deploy.PROVIDER, "RequestQueue")
        receiver, handler = (world.role(physical_id(deploy.PROVIDER, f"{who}Role"))["Arn"] for who in ("Receiver", "Handler"))
        denied = {}
        for statement in json.loads(found["Policy"])["Statement"]:
            self.assertEqual((statement["Effect"], statement["Principal"]), ("Deny", "*"))
            self.assertEqual(statement["Resource"], found["QueueArn"])
            denied[statement["Action"]] = statement["Condition"]
        self.assertEqual(
            denied,
            {
                "sqs:*": {"Bool": {"aws:SecureTransport": "false"}},
                "sqs:SendMessage": {"ArnNotEquals": {"aws:PrincipalArn": receiver}},
                "sqs:ReceiveMessage": {"ArnNotEquals": {"aws:PrincipalArn": handler}},
            },
        )

    def test_the_alarms_notify_a_topic_only_if_there_is_one(self):
        def actions():
            alarms = world.client("cloudwatch").describe_alarms(AlarmNamePrefix="alarmed-")["MetricAlarms"]
            return {
                (
                    alarm["Namespace"],
                    alarm["MetricName"],
                    *(one["Value"] for one in alarm["Dimensions"] if one["Name"] == "FunctionName"),
                ): alarm["AlarmActions"]
                for alarm in alarms
            }

        metrics = (
            ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
            ("AWS/Lambda", "Errors", "alarmed"),
            ("AWS/Lambda", "Errors", "alarmed-handler"),
            ("AWS/Lambda", "AsyncEventsDropped", "alarmed"),
            ("agent-composer", "alarmed-panics"),
            ("agent-composer", "alarmed-not-answered"),
        )
        deploy.provider(world.cloud(), stack="alarmed", FunctionName="alarmed")
        self.assertEqual(actions(), {metric: [] for metric in metrics})
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
        deploy.provider(world.cloud(), stack="alarmed", FunctionName="alarmed", AlarmTopicArn=topic)
        self.assertEqual(actions(), {metric: [topic] for metric in metrics})

    def test_a_dashboard_is_made_only_where_it_is_wanted_and_shows_this_stack(self):
        def dashboards():
            return [one["DashboardName"] for one in world.client("cloudwatch").list_dashboards()["DashboardEntries"]]

        self.assertEqual(dashboards(), [])
        deploy.provider(world.cloud(), stack="watched", FunctionName="watched", Dashboard="true")
        (name,) = dashboards()
        self.assertEqual(name, f"watched-{REGION}")
        body = world.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
        shown = {widget["properties"]["title"]: widget["properties"] for widget in json.loads(body)["widgets"]}
        self.assertEqual(list(shown), ["Requests", "Waiting", "The handler's time, in ms", "Failures"])
        functions = {metric[3] for metric in shown["Requests"]["metrics"]}
        self.assertEqual(functions, {"watched", "watched-handler"})
        self.assertIn("/aws/lambda/watched-handler", shown["Failures"]["query"])

    def test_the_log_level_is_that_of_both_functions(self):
        def levels(name):
            names = (name, f"{name}-handler")
            found = [world.client("lambda").get_function_configuration(FunctionName=one) for one in names]
            return [(one["LoggingConfig"]["LogFormat"], one["LoggingConfig"]["ApplicationLogLevel"]) for one in found]

        self.assertEqual(levels(deploy.PROVIDER), [("JSON", "INFO")] * 2)
        deploy.provider(world.cloud(), stack="quiet", FunctionName="quiet", LogLevel="WARN")
        self.assertEqual(levels("quiet"), [("JSON", "WARN")] * 2)

    def test_the_alarms_on_the_log_count_the_lines_that_the_handler_writes(self):
        filters = world.client("logs").describe_metric_filters(logGroupName=f"/aws/lambda/{deploy.HANDLER}")["metricFilters"]
        written = (ROOT / "src" / "handler.rs").read_text()
        counted = {}
        for one in filters:
            (metric,) = one["metricTransformations"]
            counted[metric["metricName"]] = one["filterPattern"]
            text = json.loads(one["filterPattern"])
            # The first is what Rust itself says of a panic; src/log.rs tests that it is logged.
            self.assertTrue(text == "panicked at" or f'"{text}"' in written, text)
        self.assertEqual(
            counted,
            {f"{deploy.PROVIDER}-panics": '"panicked at"', f"{deploy.PROVIDER}-not-answered": '"not answered"'},
        )


def calls(function):
    """The actions that a function has called."""
    lines = [json.loads(line) for line in world.logged(function).splitlines() if line.startswith("{")]
    return {line["action"] for line in lines if "action" in line}


class Parameters(unittest.TestCase):
    PARAMETERS = yaml.load((ROOT / "template.yml").read_text(), _Loader)["Parameters"]

    GOOD = {
        "AgentTokenParameterPath": ["token", "/a/b-c_d.e", "arn:aws:ssm:eu-west-1:111122223333:parameter/a/b"],
        "ExecutionRolePath": ["/a/", "/a/b+c=d,e.f@g_h-i/"],
        "TaskRolePath": ["/a/"],
        "PermissionsBoundaryArn": ["", "none", "arn:aws-cn:iam::111122223333:policy/path/Name", "arn:aws:iam::aws:policy/X"],
        "SshAgentImage": ["a", "ghcr.io/a/b:1.2", "a@sha256:" + "0" * 64, "localhost:5000/a"],
        "FunctionName": ["a", "A-b_1", "x" * 56],
        # Of a list, each element.
        "AgentParameterNames": ["*", "buildkite/*", "a.b-c_d"],
        "AgentSecretNames": ["*", "buildkite/*", "/ci/token-??????"],
        "RoleTagKeys": ["", "team", "cost center", "org:unit/a"],
        "CodeSigningConfigArn": ["", "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdef0"],
        "FamilyPrefix": ["", "ci-", "A_1"],
        "ProviderRolePath": ["/", "/a/", "/a/b+c/"],
        "ProviderBoundaryArn": ["", "arn:aws:iam::aws:policy/X", "arn:aws:iam::111122223333:policy/path/Name"],
        "FunctionLogKmsKeyArn": ["", "arn:aws:kms:us-east-1:111122223333:key/11112222-3333-4444-5555-666677778888"],
        "AlarmTopicArn": ["", "arn:aws-cn:sns:cn-north-1:111122223333:Alarms_1-a"],
    }
    BAD = {
        "AgentTokenParameterPath": ["", "/", "//a", "a//b", "/a/", "a b", "/a*"],
        # With the first, the rights would reach every role of the account.
        "ExecutionRolePath": ["/", "", "a", "/a", "a/", "//", "/a//", "/*/", "/a b/", "/${AWS::AccountId}/"],
        "TaskRolePath": ["/", "", "/a", "//", "/?/"],
        "PermissionsBoundaryArn": ["Name", "arn:aws:iam::111122223333:role/x", "arn:aws:iam::1:policy/x", "*", "None"],
        "SshAgentImage": ["", "a b", ":latest", "/a", "https://a b"],
        "FunctionName": ["", "a b", "a.b", "x" * 57],
        "AgentParameterNames": ["", "/a", "a b", "${a}", "a:*"],
        "AgentSecretNames": ["", "a b", "${a}", "a:*"],
        "RoleTagKeys": ["a*", "a?", "x" * 129],
        "CodeSigningConfigArn": ["csc-0123456789abcdef0", "arn:aws:lambda:us-east-1:1:code-signing-config:csc-0123456789abcdef0"],
        "FamilyPrefix": ["a b", "a*", "x" * 65],
        "ProviderRolePath": ["", "a", "/a", "//", "/*/"],
        "ProviderBoundaryArn": ["none", "arn:aws:iam::111122223333:role/x", "*"],
        "FunctionLogKmsKeyArn": ["alias/logs", "arn:aws:kms:us-east-1:111122223333:alias/logs", "*"],
        "AlarmTopicArn": ["alarms", "arn:aws:sns:eu-west-1:1:x", "arn:aws:sqs:eu-west-1:111122223333:x", "*"],
    }

    def test_every_default_is_taken(self):
        for name, parameter in self.PARAMETERS.items():
            with self.subTest(name):
                if "AllowedPattern" in parameter:
                    self.assertRegex(str(parameter["Default"]), parameter["AllowedPattern"])
                elif "MinValue" in parameter:
                    self.assertTrue(parameter["MinValue"] <= parameter["Default"] <= parameter["MaxValue"])
                else:
                    self.assertIn(parameter["Default"], parameter["AllowedValues"])

    def test_what_is_meant_is_taken_and_the_rest_is_not(self):
        for name, values in self.GOOD.items():
            for value in values:
                self.assertTrue(re.search(self.PARAMETERS[name]["AllowedPattern"], value), (name, value))
        for name, values in self.BAD.items():
            for value in values:
                self.assertFalse(re.search(self.PARAMETERS[name]["AllowedPattern"], value), (name, value))

    def test_every_parameter_says_what_it_takes(self):
        for name, parameter in self.PARAMETERS.items():
            with self.subTest(name):
                self.assertIn("Description", parameter)
                self.assertIn("ConstraintDescription", parameter)
                self.assertTrue({"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter))


class Build(unittest.TestCase):
    def test_a_panic_unwinds_in_the_function_as_it_is_built(self):
        # A panic becomes FAILED where it unwinds. cargo-lambda passes `abort` to cargo unless the manifest says otherwise.
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.assertEqual(manifest["profile"]["release"]["panic"], "unwind")


if __name__ == "__main__":
    unittest.main()
