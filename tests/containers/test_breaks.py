"""Deliberate breaks of a composed definition: the scenario's claim fails for each."""

import world
from world import BACKEND, container

SIDECAR = {"BuildkiteAgentImage": "sidecar:1"}
COPY = {"BuildkiteAgentImage": "private-hooks:1", "BuildkiteAgentInjection": "COPY"}
HOOKS = {**COPY, "Hooks": {"environment": "# a hook of the template's"}}
SSH = {**SIDECAR, "SshAgentBackend": BACKEND, "SshAgentImage": "ssh:1"}
CANCEL = {**SIDECAR, "CancelOnStop": "true"}


def word(name, key, value):
    """Sets a key of a container, or removes it."""

    def change(definition):
        found = container(definition, name)
        if value is None:
            del found[key]
        else:
            found[key] = value

    return change


def replaced(name, key, old, new):
    """Replaces a text within a key of a container."""

    def change(definition):
        found = container(definition, name)
        before = found[key]
        found[key] = [one.replace(old, new) for one in before]
        assert found[key] != before, f"{old!r} is not in {before}"

    return change


def without(name, variable):
    """Removes a variable."""

    def change(definition):
        found = container(definition, name)
        before = len(found["environment"])
        found["environment"] = [one for one in found["environment"] if one["name"] != variable]
        assert len(found["environment"]) < before

    return change


def late(name, key, change):
    """The same, with five seconds before a container does anything: an order that luck keeps is none."""

    def both(definition):
        change(definition)
        found = container(definition, name)
        found[key] = [*found[key][:-1], f"sleep 5; {found[key][-1]}"]

    return both


# What is broken, in which image, with which properties, and what the job is to do.
STARTS = {
    "no volume for the agent": ("dash", SIDECAR, "checkout", word("agent", "volumesFrom", None)),
    "a read-only volume": ("dash", SIDECAR, "checkout", word("agent", "volumesFrom", [{"sourceContainer": "agent-init", "readOnly": True}])),
    "another path of the agent": ("dash", SIDECAR, "checkout", word("agent", "entryPoint", ["/buildkite/buildkite-agent"])),
    "no token": ("dash", SIDECAR, "checkout", word("agent", "secrets", None)),
    "directories that are root's": ("user", SIDECAR, "checkout", word("agent-init", "command", ["echo ready"])),
    "an agent-init that is essential": ("dash", SIDECAR, "sleep=1 checkout", word("agent-init", "essential", True)),
    "no wait for the copy": ("user", COPY, "checkout", late("agent-init", "command", word("agent", "dependsOn", None))),
    "hooks as they were": ("user", COPY, "checkout", replaced("agent-init", "command", "chmod -R a+rX hooks;", "")),
    "a hook of the template's that is root's": ("user", HOOKS, "checkout", replaced("agent-init", "command", "chmod 0755 hooks/environment", "chmod 0700 hooks/environment")),
    "builds that are root's": ("user", COPY, "checkout", replaced("agent-init", "command", "chmod 0777 builds", "chmod 0755 builds")),
    "an agent that is root's alone": ("user", COPY, "checkout", replaced("agent-init", "command", "chmod 0755 bin/buildkite-agent", "chmod 0700 bin/buildkite-agent")),
    "the copy's volume at another place": ("dash", COPY, "checkout", word("agent-init", "mountPoints", [{"sourceVolume": "agent-init", "containerPath": "/elsewhere"}])),
    "no wait for the socket": ("dash", SSH, "clone", late("ssh-agent", "entryPoint", word("agent", "dependsOn", [{"containerName": "agent-init", "condition": "SUCCESS"}]))),
    "no directory for the socket": ("dash", SSH, "clone", word("agent", "mountPoints", None)),
    "no variable for the socket": ("dash", SSH, "clone", without("agent", "SSH_AUTH_SOCK")),
    "no backend": ("dash", SSH, "clone", without("ssh-agent", "IAM_SSH_AGENT_BACKEND_URL")),
    "a socket that is root's": ("user", SSH, "clone", replaced("ssh-agent", "entryPoint", "umask 0", "umask 022")),
}  # fmt: skip

CANCELS = {
    "the old signal": replaced("agent", "entryPoint", "kill -QUIT", "kill -TERM"),
    "no trap": replaced("agent", "entryPoint", "' TERM;", "' HUP;"),
    "no line": word("agent", "entryPoint", ["/buildkite/bin/buildkite-agent"]),
}


class Breaks(world.Case):
    def test_what_is_not_broken_works(self):
        for image, properties, job in (("dash", SIDECAR, "sleep=1 checkout"), ("user", SIDECAR, "checkout"), ("user", COPY, "checkout"), ("user", HOOKS, "checkout"), ("dash", SSH, "clone"), ("user", SSH, "clone")):
            self.assertTrue(*self.works(image, properties, job, None))
        self.assertTrue(*self.cancels(None))

    def works(self, image, properties, job, change):
        """Whether the job was done, and the log."""
        task = self.task(job, changed=change, start_second=0.1, second=0.02, Image=f"{image}:1", **properties).run()
        return task.code() == 0 and "job: finished" in task.log(), task.log()

    def cancels(self, change):
        """Whether a stop cancelled the job in time, and the log."""
        task = self.task("sleep=60", changed=change, Image="dash:1", **CANCEL).wait_for_log("job started").stop()
        task.second = 0.02
        task.run()
        logged = all(f"agent: {line}" in task.log() for line in ("cancels the job", "disconnected"))
        return logged and task.code() != 137, task.log()


def _start(*row):
    return lambda self: self.assertFalse(*self.works(*row))


def _cancel(change):
    return lambda self: self.assertFalse(*self.cancels(change))


for name, row in STARTS.items():
    setattr(Breaks, f"test_{name.replace(' ', '_')}", _start(*row))
for name, row in CANCELS.items():
    setattr(Breaks, f"test_{name.replace(' ', '_')}", _cancel(row))
