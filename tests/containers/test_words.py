"""ECS's words for containers: each has its effect, and without it the scenario fails."""

import world
from world import container

SIDECAR = {"BuildkiteAgentImage": "sidecar:1"}
FILE = "arn:aws:s3:::settings/agents/ruby.env"

# Says what is so, by the name of the word that it comes from.
SAY = r"""
[ "$(ulimit -n)" = 512 ] && echo ulimits
[ "$(cat /proc/sys/net/core/somaxconn)" = 321 ] && echo systemControls
[ "$(cat /proc/sys/kernel/hostname)" = beside ] && echo hostname
[ "$FROM_FILE$BOTH" = fileenvironment ] && echo environmentFiles
[ "$(pwd)" = /tmp ] && echo workingDirectory
(: >/tmp/no) 2>/dev/null || echo readonlyRootFilesystem
while read name value rest; do
    case $name in
        Uid:) [ "$value" != 1000 ] || echo user ;;
        CapBnd:) bounds=$((0x$value)) ;;
    esac
done </proc/self/status
[ $((bounds & 1)) = 0 ] && echo capabilities
while read device place kind options rest; do
    case $place:$kind:$options in
        /scratch:tmpfs:*noexec*size=8192k*) echo tmpfs ;;
        /dev/shm:*size=16384k*) echo sharedMemorySize ;;
    esac
done </proc/mounts
:
"""

BESIDE = {
    "Name": "beside",
    "Image": "service:1",
    "Essential": "false",
    "EntryPoint": ["/bin/sh", "-c"],
    "Command": [SAY],
    "Environment": [{"Name": "BOTH", "Value": "environment"}],
    "User": "1000",
    "WorkingDirectory": "/tmp",
    "ReadonlyRootFilesystem": "true",
    "Ulimits": [{"Name": "nofile", "SoftLimit": "512", "HardLimit": "512"}],
    "SystemControls": [{"Namespace": "net.core.somaxconn", "Value": "321"}],
    "EnvironmentFiles": [{"Type": "s3", "Value": FILE}],
    "DockerLabels": {"team": "platform"},
    "PortMappings": [{"ContainerPort": "8080"}],
    "VersionConsistency": "disabled",
    "LinuxParameters": {
        "Capabilities": {"Drop": ["CHOWN"]},
        "SharedMemorySize": "16",
        "Tmpfs": [{"ContainerPath": "/scratch", "Size": "8", "MountOptions": ["noexec"]}],
    },
}
ON_EC2 = {"RequiresCompatibilities": ["EC2"], "NetworkMode": "bridge"}
WORDS = {"ulimits", "systemControls", "environmentFiles", "workingDirectory", "readonlyRootFilesystem", "user", "capabilities", "tmpfs", "sharedMemorySize"}  # fmt: skip
FILES = {FILE: "# of the agents\nFROM_FILE=file\nBOTH=file\n"}


class Words(world.Case):
    def shown(self, sidecar=BESIDE, changed=None, **properties):
        """What is so in a container beside the agent."""
        depends = [{"ContainerName": "beside", "Condition": "COMPLETE"}]
        task = self.task(changed=changed, files=FILES, Image="dash:1", Sidecars=[sidecar], DependsOn=depends, **SIDECAR, **properties).run()
        self.assert_worked(task)
        return set(task.log("beside").split())

    def test_every_word_has_its_effect(self):
        self.assertEqual(self.shown(), WORDS)

    def test_a_name_of_its_own_is_a_containers_where_it_has_a_network_of_its_own(self):
        self.assertEqual(self.shown({**BESIDE, "Hostname": "beside"}, **ON_EC2), WORDS | {"hostname"})

    def test_without_a_word_its_effect_is_not_there(self):
        for word in sorted(WORDS):
            with self.subTest(word):

                def without(definition, word=word):
                    beside = container(definition, "beside")
                    del (beside if word in beside else beside["linuxParameters"])[word]

                self.assertEqual(self.shown(changed=without), WORDS - {word})

    def test_the_agents_own_container_has_what_is_written_of_it(self):
        own = {
            "User": "1000",
            "ReadonlyRootFilesystem": "true",
            "EnvironmentFiles": [{"Type": "s3", "Value": FILE}],
            "Ulimits": [{"Name": "nofile", "SoftLimit": "512", "HardLimit": "512"}],
            "LinuxParameters": {"Tmpfs": [{"ContainerPath": "/tmp", "Size": "8"}]},
        }
        environment = [{"Name": "BOTH", "Value": "environment"}]
        task = self.task("orphan sleep=0.4", files=FILES, Image="dash:1", AgentContainer=own, Environment=environment, **SIDECAR).run()
        self.assertIn("agent: up as 1000", task.log())
        self.assertIn("agent: 0 zombies", task.log())
        found = task.variables()
        self.assertEqual((found.get("FROM_FILE"), found.get("BOTH")), ("file", "environment"))

    def test_a_file_of_variables_that_is_not_there_starts_no_agent(self):
        own = {"EnvironmentFiles": [{"Type": "s3", "Value": FILE}]}
        task = self.task(Image="dash:1", AgentContainer=own, **SIDECAR).run()
        self.assertEqual((task.code(), task.log()), (None, ""))
        self.assertIn("ResourceInitializationError", task.stopping)

    def test_a_container_that_starts_again_does_so_until_it_ends_well(self):
        count = "echo turn >>/shared/turns; sleep 1; [ $(cat /shared/turns | while read turn; do echo -n x; done) = xxx ]"
        beside = {
            "Name": "beside", "Image": "service:1", "Essential": "false", "EntryPoint": ["/bin/sh", "-c"], "Command": [count],
            "MountPoints": [{"SourceVolume": "shared", "ContainerPath": "/shared"}],
            "RestartPolicy": {"Enabled": "true", "IgnoredExitCodes": ["0"], "RestartAttemptPeriod": "60"},
        }  # fmt: skip
        depends = [{"ContainerName": "beside", "Condition": "SUCCESS"}]
        properties = {"Sidecars": [beside], "DependsOn": depends, "Volumes": [{"Name": "shared", "Host": {}}], **SIDECAR}
        self.assert_worked(self.task(Image="dash:1", second=0.01, **properties).run())

        def once(definition):
            del container(definition, "beside")["restartPolicy"]

        task = self.task(Image="dash:1", second=0.01, changed=once, **properties).run()
        self.assertEqual((task.code("beside"), task.code()), (1, None))


class Proxy(world.Case):
    def test_the_container_of_ssh_has_the_variables_that_are_written_for_it(self):
        proxy = [{"Name": "HTTPS_PROXY", "Value": "http://proxy.example.com:3128"}]
        ssh = {"SshAgentBackend": world.BACKEND, "SshAgentImage": "ssh:1", "SshAgentEnvironment": proxy}

        def waits(definition):
            ssh = container(definition, "ssh-agent")
            ssh["entryPoint"][-1] = f"echo through $HTTPS_PROXY; {ssh['entryPoint'][-1]}"

        task = self.task("clone", Image="dash:1", changed=waits, **SIDECAR, **ssh).run()
        self.assert_worked(task)
        self.assertIn("through http://proxy.example.com:3128\n", task.log("ssh-agent"))


class Hooks(world.Case):
    COPY = {"BuildkiteAgentImage": "private-hooks:1", "BuildkiteAgentInjection": "COPY"}

    def test_hooks_of_the_template_are_the_agents_for_any_user(self):
        hooks = {"environment": "# it's the template's: \"$HOME\" `x` \\n %s\n", "pre-command": "#!/bin/sh\ntrue"}
        task = self.task(Image="user:1", Hooks=hooks, **self.COPY, **self.shown(hooks)).run()
        self.assert_worked(task)
        self.assertIn("job: hook", task.log())
        for script in hooks.values():
            self.assertIn(script, task.log("shows"))
        self.assertEqual(task.log("shows").count("may be run"), len(hooks))

    def shown(self, hooks):
        """A container of another user's that shows the agent's hooks."""
        show = "; ".join(f"cat /injection/hooks/{name}; [ -x /injection/hooks/{name} ] && echo may be run" for name in hooks)
        shows = {
            "Name": "shows", "Image": "service:1", "Essential": "false", "User": "1001", "EntryPoint": ["/bin/sh", "-c"], "Command": [show],
            "DependsOn": [{"ContainerName": "agent-init", "Condition": "SUCCESS"}], "VolumesFrom": [{"SourceContainer": "agent-init"}],
        }  # fmt: skip
        return {"Sidecars": [shows], "DependsOn": [{"ContainerName": "shows", "Condition": "COMPLETE"}]}
