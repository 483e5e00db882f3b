"""What a stop does to a job."""

import world

SIDECAR = {"BuildkiteAgentImage": "sidecar:1"}


class Stop(world.Case):
    def test_a_short_job_is_finished(self):
        task = self.task("sleep=1", Image="dash:1", **SIDECAR).wait_for_log("job started").stop().run()
        self.assert_worked(task)
        self.assertIn("agent: waits for the job", task.log())

    def test_a_long_job_is_killed_after_the_stop_timeout(self):
        task = self.task("sleep=60", Image="dash:1", **SIDECAR).wait_for_log("job started").stop()
        task.second = 0.01
        task.run()
        self.assertEqual((task.code(), task.containers["agent"].killed), (137, True))

    def test_a_long_job_is_cancelled_with_cancel_on_stop_in_every_shell(self):
        for image in ("dash", "bash", "ash", "user"):
            with self.subTest(image):
                task = self.task("sleep=60", Image=f"{image}:1", **SIDECAR, CancelOnStop="true").wait_for_log("job started").stop().run()
                self.assertIn("agent: cancels the job", task.log())
                self.assertIn("agent: disconnected", task.log())
                self.assertFalse(task.containers["agent"].killed)

    def test_variables_of_every_name_reach_an_agent_with_cancel_on_stop(self):
        mine = {name: f"the author's {name}" for name in ("agent", "asked", "status", "last", "IMAGE_OF_MINE")}
        for image in ("dash", "bash", "ash"):
            with self.subTest(image):
                task = self.task(Image=f"{image}:1", **SIDECAR, CancelOnStop="true", Environment=[{"Name": name, "Value": value} for name, value in mine.items()]).run()
                found = task.variables()
                self.assertEqual({name: found.get(name) for name in mine}, mine)

    def test_names_that_a_shell_drops_are_refused_with_cancel_on_stop(self):
        for where, more in (("Environment", {"Value": "x"}), ("Secrets", {"ValueFrom": "/x"})):
            for name in ("spring.datasource.url", "with-dash"):
                with self.assertRaisesRegex(AssertionError, "CancelOnStop"):
                    self.composed(Image="dash:1", **SIDECAR, CancelOnStop="true", **{where: [{"Name": name, **more}]})

    def test_without_a_shell_cancel_on_stop_ends_with_127_and_says_so(self):
        task = self.task(Image="shell-less:1", **SIDECAR, CancelOnStop="true").run()
        self.assertEqual(task.code(), 127)
        self.assertIn("/bin/sh", task.log())

    def test_the_ssh_agent_outlives_the_agent_and_goes_at_once(self):
        task = self.task("clone sleep=1", Image="dash:1", **SIDECAR, SshAgentBackend=world.BACKEND, SshAgentImage="ssh:1").wait_for_log("job started").stop().run()
        self.assert_worked(task)
        self.assertEqual(task.order[-2:], ["agent", "ssh-agent"])
        self.assertFalse(task.containers["ssh-agent"].killed)
