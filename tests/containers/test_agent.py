"""The agent gets into an image, starts, and finds what it needs."""

import world
from world import BACKEND

SIDECAR = {"BuildkiteAgentImage": "sidecar:1"}
COPY = {"BuildkiteAgentImage": "full:1", "BuildkiteAgentInjection": "COPY"}


class Agent(world.Case):
    def test_a_volume_brings_the_agent_into_any_main_image(self):
        for image in ("dash", "bash", "ash", "shell-less"):
            with self.subTest(image):
                self.assert_worked(self.task(Image=f"{image}:1", **SIDECAR).run())

    def test_a_volume_is_writable_for_a_user_who_is_not_root(self):
        task = self.task(Image="user:1", **SIDECAR).run()
        self.assert_worked(task)
        self.assertIn("agent: up as 1000", task.log())

    def test_a_copy_brings_the_agent_of_any_image_to_any_user(self):
        for image in ("dash", "shell-less", "user"):
            with self.subTest(image):
                self.assert_worked(self.task(Image=f"{image}:1", **COPY).run())

    def test_hooks_that_only_root_may_read_are_copied_for_every_user(self):
        copy = {**COPY, "BuildkiteAgentImage": "private-hooks:1"}
        task = self.task(Image="user:1", **copy).run()
        self.assert_worked(task)
        self.assertIn("job: hook", task.log())

    def test_an_image_with_its_own_agent_needs_no_other(self):
        self.assert_worked(self.task(Image="own-agent:1").run())

    def test_an_agent_init_that_fails_or_has_no_agent_starts_no_agent_in_the_task(self):
        task = self.task(Image="dash:1", **{**COPY, "BuildkiteAgentImage": "empty-sidecar:1"}).run()
        self.assertEqual((task.code("agent-init"), task.code(), task.log()), (1, None, ""))
        self.assertIn("agent needs agent-init SUCCESS", task.stopping)

    def test_an_agent_init_that_hangs_starts_no_agent_after_its_timeout(self):
        def hang(definition):
            world.container(definition, "agent-init")["command"] = ["sleep 100"]

        task = self.task(changed=hang, start_second=0.02, second=0.02, Image="dash:1", **SIDECAR).run()
        self.assertEqual((task.code(), task.log()), (None, ""))
        self.assertIn("not within 120 s", task.stopping)

    def test_an_image_without_its_agent_ends_with_127_and_says_so(self):
        task = self.task(Image="dash:1", **{**SIDECAR, "BuildkiteAgentImage": "empty-sidecar:1"}).run()
        self.assertEqual(task.code(), 127)
        self.assertIn("/buildkite/bin/buildkite-agent", task.log())

    def test_variables_and_secrets_arrive_as_they_were_written(self):
        task = self.task(
            Image="dash:1",
            **SIDECAR,
            Environment=[{"Name": "LINES", "Value": "one\ntwo\n"}, {"Name": "with-dash", "Value": "ü ☃ $HOME `x`"}, {"Name": "spring.datasource.url", "Value": "a=b"}],
            Secrets=[{"Name": "KEY", "ValueFrom": "/key"}],
            secrets={"/key": "-----BEGIN\nß\n"},
        ).run()
        self.assert_worked(task)
        found = task.variables()
        wanted = {"LINES": "one\ntwo\n", "with-dash": "ü ☃ $HOME `x`", "spring.datasource.url": "a=b", "KEY": "-----BEGIN\nß\n", "BUILDKITE_AGENT_TOKEN": "a token"}
        self.assertEqual({name: found.get(name) for name in wanted}, wanted)
        self.assertIn("argument: --disconnect-after-job", task.log())

    def test_a_secret_that_is_not_there_starts_no_agent(self):
        task = self.task(Image="dash:1", **SIDECAR, Secrets=[{"Name": "KEY", "ValueFrom": "/key"}]).run()
        self.assertEqual((task.code(), task.log()), (None, ""))
        self.assertIn("ResourceInitializationError", task.stopping)

    def test_the_status_of_the_agent_is_the_containers(self):
        for cancels in ("false", "true"):
            for status in (27, 28):
                task = self.task(f"exit={status}", Image="dash:1", **SIDECAR, CancelOnStop=cancels).run()
                self.assertEqual(task.code(), status)

    def test_orphans_of_a_job_are_reaped(self):
        for cancels in ("false", "true"):
            task = self.task("orphan sleep=0.4", Image="dash:1", **SIDECAR, CancelOnStop=cancels).run()
            self.assertIn("agent: 0 zombies", task.log())


class Ssh(world.Case):
    def test_the_socket_is_there_before_the_agent_for_root_and_for_another_user(self):
        for image in ("dash", "user"):
            with self.subTest(image):
                self.assert_worked(self.task("clone", Image=f"{image}:1", **SIDECAR, SshAgentBackend=BACKEND, SshAgentImage="ssh:1").run())

    def test_the_real_iam_ssh_agent_lets_root_and_another_user_in(self):
        for image in ("dash", "user"):
            with self.subTest(image):
                task = self.task("connect", Image=f"{image}:1", **SIDECAR, SshAgentBackend=BACKEND, SshAgentImage="real-ssh:1").run()
                self.assert_worked(task)
                self.assertIn("job: connected", task.log())

    def test_a_broken_ssh_agent_stops_the_task_in_time(self):
        task = self.task("clone", Image="dash:1", **SIDECAR, SshAgentBackend=BACKEND, SshAgentImage="broken-ssh:1").run()
        self.assertEqual((task.code("ssh-agent"), task.code()), (127, None))


class Sidecars(world.Case):
    def test_the_agent_waits_for_a_healthy_container_of_the_authors(self):
        check = ["CMD-SHELL", "test -e /tmp/ready"]
        task = self.task(
            Image="dash:1", **SIDECAR,
            DependsOn=[{"ContainerName": "database", "Condition": "HEALTHY"}],
            Sidecars=[{"Name": "database", "Image": "service:1", "Command": ["/bin/sh", "-c", "sleep 1; : >/tmp/ready; exec serve"], "HealthCheck": {"Command": check, "Interval": 5}}],
            second=0.05,
        ).run()  # fmt: skip
        self.assert_worked(task)
        self.assertLess(task.containers["database"].started + 1, task.containers["agent"].started)
        self.assertEqual(task.order[-1], "database")

    def test_a_container_of_the_authors_runs_as_it_is_written(self):
        say = "id=$(cat /proc/self/status | while read name id rest; do [ $name != Uid: ] || echo $id; done); pwd; echo user $id $NAME $KEY; (: >/no) 2>/dev/null || echo read-only; (: >/shared/file) || echo not mine"
        task = self.task(
            Image="dash:1", **SIDECAR,
            Volumes=[{"Name": "shared"}],
            DependsOn=[{"ContainerName": "one", "Condition": "COMPLETE"}, {"ContainerName": "two", "Condition": "START"}],
            Sidecars=[
                {
                    "Name": "one", "Image": "service:1", "Essential": "false", "EntryPoint": ["/bin/sh", "-c"], "Command": [f"{say}; exit 3"],
                    "User": "1000", "WorkingDirectory": "/tmp", "ReadonlyRootFilesystem": "true", "LinuxParameters": {"InitProcessEnabled": "true"},
                    "Environment": [{"Name": "NAME", "Value": "a value"}], "Secrets": [{"Name": "KEY", "ValueFrom": "/key"}],
                    "MountPoints": [{"SourceVolume": "shared", "ContainerPath": "/shared"}],
                },
                {"Name": "two", "Image": "service:1", "Command": ["serve"], "StopTimeout": "10"},
            ],
            secrets={"/key": "secret"},
        ).run()  # fmt: skip
        self.assert_worked(task)
        self.assertEqual(task.code("one"), 3)
        for line in ("/tmp\n", "user 1000 a value secret\n", "read-only\n", "not mine\n"):
            self.assertIn(line, task.log("one"))
