"""The same resource as the provider's, as one would write it in Python with crhelper: no retries, no rollback, no claim."""

import http.client
import json
import os
import urllib.request

import boto3
import crhelper.utils
from crhelper import CfnResource

# The answer goes to a loopback port, without TLS.
crhelper.utils.HTTPSConnection = lambda host, context: http.client.HTTPConnection(host)

# Without the two minutes that a Delete waits for its logs.
helper = CfnResource(log_level="ERROR", boto_level="CRITICAL", sleep_on_delete=0)
ecs, iam, logs = (boto3.client(name) for name in ("ecs", "iam", "logs"))
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def names(event):
    """The family, its roles and its log group."""
    family = event["ResourceProperties"]["TaskFamily"]
    return family, f"{family}-execution", f"{family}-task", f"/aws/ecs/{family}"


def policy(action, resource):
    """A policy with one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})


def apply(event):
    """Writes the policies and registers a revision."""
    family, execution, task, group = names(event)
    account = event["StackId"].split(":")[4]
    iam.put_role_policy(RoleName=execution, PolicyName="Own", PolicyDocument=policy("logs:*", f"arn:aws:logs:*:*:log-group:{group}:*"))
    iam.put_role_policy(RoleName=task, PolicyName="Own", PolicyDocument=policy("execute-api:Invoke", "*"))
    log = {"logDriver": "awslogs", "options": {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}}
    revision = ecs.register_task_definition(
        family=family,
        executionRoleArn=f"arn:aws:iam::{account}:role/{execution}",
        taskRoleArn=f"arn:aws:iam::{account}:role/{task}",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "agent", "image": event["ResourceProperties"]["Image"], "logConfiguration": log}],
    )
    helper.Data["TaskDefinitionArn"] = revision["taskDefinition"]["taskDefinitionArn"]
    return family


@helper.create
def create(event, _):
    """Makes the log group and the roles as well."""
    _, execution, task, group = names(event)
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    for role in (execution, task):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
    return apply(event)


@helper.update
def update(event, _):
    """Registers, and deregisters the revision before."""
    old = ecs.describe_task_definition(taskDefinition=names(event)[0])["taskDefinition"]["taskDefinitionArn"]
    family = apply(event)
    ecs.deregister_task_definition(taskDefinition=old)
    return family


@helper.delete
def delete(event, _):
    """Removes everything."""
    family, execution, task, group = names(event)
    for arn in ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]:
        ecs.deregister_task_definition(taskDefinition=arn)
    for role in (execution, task):
        iam.delete_role_policy(RoleName=role, PolicyName="Own")
        iam.delete_role(RoleName=role)
    logs.delete_log_group(logGroupName=group)


class Context:
    """What crhelper reads of Lambda's context."""

    aws_request_id = "bench"
    log_stream_name = "bench"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:bench"

    def get_remaining_time_in_millis(self):
        """Plenty."""
        return 300_000


def main():
    """Lambda's runtime, in short: takes events one after the other."""
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    while True:
        with urllib.request.urlopen(f"{api}/next") as answer:
            request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(answer)
        helper(event, Context())
        urllib.request.urlopen(f"{api}/{request_id}/response", data=b"null").close()


if __name__ == "__main__":
    main()
