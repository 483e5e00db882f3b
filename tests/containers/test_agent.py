"""The agent gets into an image, starts, and finds what it needs."""

import world


class Agent(world.Case):
    def test_a_volume_brings_the_agent_into_any_main_image(self):
        for image in ("dash", "bash", "ash", "shell-less"):
            with self.subTest(image):
                self.assert_worked(self.task(Image=f"{image}:1", BuildkiteAgentImage="sidecar:1").run())
