"""What ./demo claims and checks as it shows it."""

from local.progress import green, say


class NotAsExpected(Exception):
    """Something that was shown is not what it should be."""


def expect(holds, claim):
    """Shows a claim that holds; ends the demo at one that does not."""
    if not holds:
        raise NotAsExpected(f"it should hold, and does not: {claim}")
    say(f"  {green('✓')} {claim}")


def expect_none(left, claim):
    """Expects that a list of what is left is empty."""
    expect(not left, f"{claim}: {', '.join(left)}" if left else claim)


def newest(cloud, family):
    """The newest ACTIVE revision of a family."""
    revisions = cloud.client("ecs").list_task_definitions(familyPrefix=family, status="ACTIVE", sort="DESC")
    # ministack takes familyPrefix for a prefix; for ECS it is the whole name.
    found = [arn for arn in revisions["taskDefinitionArns"] if arn.rsplit(":", 1)[0].endswith(f"/{family}")]
    if not found:
        raise NotAsExpected(f"the family {family} has no ACTIVE revision")
    return cloud.client("ecs").describe_task_definition(taskDefinition=found[0])["taskDefinition"]
