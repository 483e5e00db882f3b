//! The lines that run in an image's own shell, run in a shell.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::stack::{Stack, ruby};

/// A directory of its own for one test, which goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("agent-composer-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// Waits until something is written there.
    fn written(&self, name: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.read(name).is_empty() {
            assert!(Instant::now() < end, "nothing was written to {name}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn container(more: Value, name: &str) -> Value {
    let stack = Stack::new();
    let mut properties = ruby("ruby:2.7");
    properties
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    stack.create("Ruby2", &properties).await.success();
    let newest = stack.account.newest_revision("ruby2").unwrap();
    newest.container(name).unwrap().clone()
}

fn words(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// The agent's container, started as ECS does, with this program for the agent.
async fn started(agent: &Path) -> Child {
    let container = container(json!({"CancelOnStop": "true"}), "agent").await;
    let entry_point = words(&container["entryPoint"]);
    let (last, first) = entry_point.split_last().unwrap();
    assert_eq!(last, "/buildkite/bin/buildkite-agent");
    Command::new(&first[0])
        .args(&first[1..])
        .arg(agent)
        .args(["start", "--disconnect-after-job", "two words"])
        .spawn()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_said_twice_to_an_agent_that_is_to_cancel_its_job_and_its_status_is_the_containers() {
    let directory = Directory::new("stop");
    let path = directory.0.display();
    let agent = directory.program(
        "agent",
        &format!(
            "printf '%s|' \"$@\" >{path}/arguments\n\
             trap 'echo >>{path}/terms; if [ $(wc -l <{path}/terms) = 2 ]; then exit 7; fi' TERM\n\
             echo up >{path}/up\n\
             while :; do sleep 0.05; done"
        ),
    );
    let mut child = started(&agent).await;
    directory.written("up");
    let stopped = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(directory.read("terms").len(), 2);
    assert_eq!(directory.read("arguments"), "start|--disconnect-after-job|two words|");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_by_itself_gives_its_status() {
    let directory = Directory::new("end");
    let agent = directory.program("agent", "exit 27");
    assert_eq!(started(&agent).await.wait().unwrap().code(), Some(27));
}

#[tokio::test(start_paused = true)]
async fn the_agent_is_copied_from_wherever_its_image_has_it() {
    let copies = json!({"BuildkiteAgentImage": "buildkite/agent:3", "BuildkiteAgentInjection": "COPY"});
    let init = container(copies, "agent-init").await;
    let line = words(&init["command"]).remove(0);
    for (name, place, on_path) in [
        ("full", "usr/bin/buildkite-agent", true),
        ("sidecar", "buildkite/bin/buildkite-agent", false),
    ] {
        let directory = Directory::new(name);
        let root = directory.0.display().to_string();
        directory.program(place, "echo the agent");
        directory.program("buildkite/hooks/environment", "echo a hook");
        fs::create_dir(directory.0.join("injection")).unwrap();
        let line = line
            .replace("/injection", &format!("{root}/injection"))
            .replace("/buildkite/", &format!("{root}/buildkite/"));
        let path = if on_path {
            format!("{root}/usr/bin:/usr/bin:/bin")
        } else {
            "/usr/bin:/bin".to_owned()
        };
        let status = Command::new("/bin/sh")
            .args(["-c", &line])
            .env("PATH", path)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        assert!(
            directory
                .read("injection/bin/buildkite-agent")
                .contains("echo the agent"),
            "{name}"
        );
        assert!(
            directory.read("injection/hooks/environment").contains("echo a hook"),
            "{name}"
        );
        let mode = |of: &str| {
            fs::metadata(directory.0.join("injection").join(of))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(["builds", "plugins", "sockets"].map(mode), [0o777; 3]);
        assert_eq!(mode("bin/buildkite-agent"), 0o755);
    }
}
