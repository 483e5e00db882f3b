"""Runs one task definition the way ECS does. A word that it does not know is an error: it needs a scenario."""

import itertools
import subprocess
import time

import machine

KNOWN = {
    "name", "image", "essential", "entryPoint", "command", "workingDirectory", "user", "environment", "secrets",
    "dependsOn", "mountPoints", "volumesFrom", "healthCheck", "linuxParameters", "cpu", "memory", "memoryReservation",
    "privileged", "readonlyRootFilesystem", "startTimeout", "stopTimeout", "logConfiguration", "repositoryCredentials",
    "ulimits", "systemControls", "dockerLabels", "environmentFiles", "hostname", "interactive", "pseudoTerminal", "restartPolicy",
    # Nothing of these shows within one container without a network.
    "portMappings", "versionConsistency",
}  # fmt: skip
LINUX = {"initProcessEnabled", "capabilities", "sharedMemorySize", "tmpfs"}
DEFAULT_STOP = 30
NUMBERS = itertools.count(1)


class Container:
    """One container: what it is to be, and how far it is."""

    def __init__(self, definition, id, scratch):
        # DescribeTaskDefinition gives some words that were not written, as empty lists.
        unknown = {word for word, value in definition.items() if value not in ([], {}, None)} - KNOWN
        unknown |= set(definition.get("linuxParameters") or {}) - LINUX
        if unknown:
            raise AssertionError(f"the runner does not know {sorted(unknown)}: teach it, with a scenario")
        self.definition = definition
        self.name = definition["name"]
        self.id = id
        self.log = scratch / f"{self.name}.log"
        self.pid_file = scratch / f"{self.name}.pid"
        self.process = self.started = self.code = self.health = self.check = self.asked = None
        self.next_check = self.failures = 0
        self.never = None
        self.killed = False

    @property
    def up(self):
        """Whether it has begun to run."""
        return self.pid_file.exists() and self.pid_file.read_text() != ""

    @property
    def over(self):
        """Whether it has ended, or will never begin."""
        return self.code is not None or self.never is not None


class Task:
    """A task. `second` is how long one of the definition's seconds takes here; of a start timeout, `start_second`."""

    def __init__(self, definition, secrets=(), files=(), command=None, environment=(), images=(), second=0.1, start_second=0.5):
        self.second = second
        self.start_second = start_second
        self.secrets = dict(secrets)
        self.files = dict(files)
        self.images = dict(images)
        number = next(NUMBERS)
        self.scratch = machine.STATE / f"task-{number}"
        self.scratch.mkdir(parents=True)
        self.containers = {
            one["name"]: Container(one, f"task-{number}-{one['name']}", self.scratch)
            for one in definition["containerDefinitions"]
        }
        self.volumes = {volume["name"]: self.scratch / volume["name"] for volume in definition["volumes"]}
        for directory in self.volumes.values():
            directory.mkdir(mode=0o755)
        self.override_command = command
        self.override_environment = dict(environment)
        self.stopping = None
        self.order = []

    def log(self, name="agent"):
        """What a container has printed."""
        log = self.containers[name].log
        return log.read_text(errors="replace") if log.exists() else ""

    def variables(self):
        """The variables that the agent found."""
        lines = [line.removeprefix("variable: ") for line in self.log().splitlines() if line.startswith("variable: ")]
        return dict(bytes.fromhex(line).decode().split("=", 1) for line in lines)

    def code(self, name="agent"):
        """With what a container has ended."""
        return self.containers[name].code

    def until(self, done, limit=60):
        """Goes on until `done()`."""
        end = time.monotonic() + limit
        while not done():
            if time.monotonic() > end:
                states = {one.name: (one.code, one.health, one.never) for one in self.containers.values()}
                raise AssertionError(f"still not there after {limit} s: {states}\n{self.log()}")
            self._step()
            time.sleep(0.03)
        return self

    def run(self, limit=60):
        """Goes on until the task has ended."""
        self.until(lambda: all(one.over for one in self.containers.values()), limit)
        self._step()
        return self

    def wait_for_log(self, text, name="agent"):
        """Goes on until a container has printed this."""
        return self.until(lambda: text in self.log(name))

    def stop(self):
        """StopTask, or what Fargate Spot does."""
        self.stopping = self.stopping or "stopped"
        return self

    def _step(self):
        for one in self.containers.values():
            if one.process and one.code is None and one.process.poll() is not None and not self._starts_again(one):
                one.code = one.process.returncode
                self.order.append(one.name)
            self._look_after(one)
        if self.stopping is None:
            for one in self.containers.values():
                if one.definition["essential"] and one.over:
                    self.stopping = one.never or f"essential container {one.name} exited"
        if self.stopping is None:
            for one in self.containers.values():
                if one.process is None and one.never is None:
                    self._start_if_due(one)
        else:
            self._stop_in_order()

    def _starts_again(self, one):
        """Whether a container that has ended begins again, as its policy says."""
        policy = one.definition.get("restartPolicy") or {}
        lasted = time.monotonic() - one.started
        again = (
            policy.get("enabled") is True
            and self.stopping is None
            and one.process.returncode not in policy.get("ignoredExitCodes", [])
            and lasted >= policy.get("restartAttemptPeriod", 300) * self.second
        )
        if again:
            machine.podman("rm", "--force", one.id)
            one.pid_file.unlink(missing_ok=True)
            self._start(one)
        return again

    def _look_after(self, one):
        """The health check, which begins with the container."""
        wanted = one.definition.get("healthCheck")
        if not wanted or not one.up or one.over or one.health == "HEALTHY":
            return
        if one.check is None:
            if time.monotonic() < one.next_check:
                return
            kind, *words = wanted["command"]
            if kind not in ("CMD", "CMD-SHELL"):
                raise AssertionError(f"a health check that begins with {kind}")
            words = words if kind == "CMD" else ["/bin/sh", "-c", *words]
            one.check = subprocess.Popen(
                machine.command("exec", one.id, *words),
                env=machine.variables(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        elif one.check.poll() is not None:
            good = one.check.returncode == 0
            one.check = None
            one.failures = 0 if good else one.failures + 1
            in_start = time.monotonic() < one.started + (wanted.get("startPeriod") or 0) * self.second
            if good:
                one.health = "HEALTHY"
            elif one.failures >= (wanted.get("retries") or 3) and not in_start:
                one.health = "UNHEALTHY"
            one.next_check = time.monotonic() + (wanted.get("interval") or 30) * self.second

    def _start_if_due(self, one):
        for source in one.definition.get("volumesFrom", []):
            other = self.containers[source["sourceContainer"]]
            if not other.up and other.code is None:
                one.never = other.never
                return
        for needed in one.definition.get("dependsOn", []):
            other = self.containers[needed["containerName"]]
            reached, hopeless = self._dependency(other, needed["condition"])
            if hopeless:
                one.never = f"{one.name} needs {other.name} {needed['condition']}: {hopeless}"
            if not reached:
                return
        self._start(one)

    def _dependency(self, other, condition):
        reached = {
            "START": other.up or other.code is not None,
            "COMPLETE": other.code is not None,
            "SUCCESS": other.code == 0,
            "HEALTHY": other.health == "HEALTHY" and other.code is None,
        }[condition]
        if reached:
            return True, None
        if other.over:
            return False, f"it ended with {other.code}"
        limit = other.definition.get("startTimeout")
        if limit and other.started and time.monotonic() > other.started + limit * self.start_second:
            return False, f"not within {limit} s"
        return False, None

    def _start(self, one):
        definition = one.definition
        agent = one.name == "agent"
        arguments = ["run", "--name", one.id, "--network=none", "--cgroups=disabled", "--pull=never"]
        arguments += ["--log-driver=none", "--no-healthcheck", f"--pidfile={one.pid_file}"]
        arguments += _kernel(definition)
        environment = {}
        for file in definition.get("environmentFiles", []):
            if file["value"] not in self.files:
                one.never = f"ResourceInitializationError: {file['value']}"
                return
            lines = [line for line in self.files[file["value"]].splitlines() if line and not line.startswith("#")]
            environment |= dict(line.split("=", 1) for line in lines)
        environment |= {pair["name"]: pair["value"] for pair in definition.get("environment", [])}
        for secret in definition.get("secrets", []):
            # A parameter may be named by its ARN.
            name = secret["valueFrom"].partition(":parameter")[2] or secret["valueFrom"]
            if name not in self.secrets:
                one.never = f"ResourceInitializationError: {name}"
                return
            environment[secret["name"]] = self.secrets[name]
        environment |= self.override_environment if agent else {}
        for name, value in environment.items():
            arguments += ["--env", f"{name}={value}"]
        for mount in definition.get("mountPoints", []):
            mode = ":ro" if mount.get("readOnly") else ""
            arguments += ["--volume", f"{self.volumes[mount['sourceVolume']]}:{mount['containerPath']}{mode}"]
        for source in definition.get("volumesFrom", []):
            mode = ":ro" if source.get("readOnly") else ""
            arguments += ["--volumes-from", self.containers[source["sourceContainer"]].id + mode]
        for word, option in (("user", "--user"), ("workingDirectory", "--workdir")):
            if definition.get(word):
                arguments += [option, definition[word]]
        if definition.get("readonlyRootFilesystem"):
            arguments += ["--read-only", "--read-only-tmpfs=false"]
        if definition.get("privileged"):
            arguments += ["--cap-add=SYS_ADMIN"]
        command = self.override_command if agent and self.override_command else definition.get("command", [])
        entry_point = definition.get("entryPoint", [])
        if entry_point:
            # podman takes one word here; the others go before the command.
            arguments += ["--entrypoint", entry_point[0]]
        image = self.images.get(definition["image"], definition["image"])
        arguments += [f"localhost/{image}", *entry_point[1:], *command]
        one.started = time.monotonic()
        one.process = subprocess.Popen(
            machine.command(*arguments),
            env=machine.variables(),
            stdin=subprocess.DEVNULL,
            stdout=one.log.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def _stop_in_order(self):
        for one in self.containers.values():
            if one.process is None and one.never is None:
                one.never = self.stopping
            waits = any(
                not other.over and one.name in [needed["containerName"] for needed in other.definition.get("dependsOn", [])]
                for other in self.containers.values()
            )
            if one.over or waits or not one.up:
                continue
            if one.asked is None:
                one.asked = time.monotonic()
                machine.podman("kill", "--signal=TERM", one.id, check=False)
            limit = (one.definition.get("stopTimeout") or DEFAULT_STOP) * self.second
            if not one.killed and time.monotonic() > one.asked + limit:
                one.killed = True
                machine.podman("kill", "--signal=KILL", one.id, check=False)


def _kernel(definition):
    """podman's words for what the kernel does for a container."""
    linux = definition.get("linuxParameters") or {}
    arguments = ["--init", f"--init-path={machine.INIT}"] if linux.get("initProcessEnabled") else []
    for word in ("add", "drop"):
        arguments += [f"--cap-{word}={name}" for name in (linux.get("capabilities") or {}).get(word, [])]
    if linux.get("sharedMemorySize"):
        arguments += [f"--shm-size={linux['sharedMemorySize']}m"]
    for one in linux.get("tmpfs", []):
        options = ",".join([f"size={one['size']}m", *one.get("mountOptions", [])])
        arguments += ["--tmpfs", f"{one['containerPath']}:{options}"]
    limits = {one["name"]: f"{one['softLimit']}:{one['hardLimit']}" for one in definition.get("ulimits", [])}
    if limits:
        # With one of its own a container has podman's others, and not those of its settings.
        limits = {"nofile": "1024:1024", "nproc": "1024:1024"} | limits
    for name, limit in limits.items():
        arguments += ["--ulimit", f"{name}={limit}"]
    for one in definition.get("systemControls", []):
        arguments += ["--sysctl", f"{one['namespace']}={one['value']}"]
    for name, value in definition.get("dockerLabels", {}).items():
        arguments += ["--label", f"{name}={value}"]
    if definition.get("hostname"):
        arguments += ["--hostname", definition["hostname"]]
    arguments += ["--interactive"] if definition.get("interactive") else []
    arguments += ["--tty"] if definition.get("pseudoTerminal") else []
    return arguments
