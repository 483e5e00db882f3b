//! The lines that run in an image's own shell, run in a shell.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
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
        // A shell starts its background jobs with SIGQUIT ignored. Go catches the signal all the same; a script needs `env`.
        let start = r#"[ "$1" = again ] || exec env --default-signal=QUIT "$0" again "$@"; shift"#;
        fs::write(&path, format!("#!/bin/sh\n{start}\n{script}\n")).unwrap();
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

/// The shells that images have as `/bin/sh`, each as a command, as far as this machine has them.
fn shells() -> Vec<Vec<&'static str>> {
    let known: [&[&str]; 5] = [
        &["/bin/sh"],
        &["dash"],
        &["bash"],
        &["bash", "--posix"],
        &["busybox", "sh"],
    ];
    let mut shells = Vec::new();
    for shell in known {
        let answer = Command::new(shell[0]).args(&shell[1..]).args(["-c", "exit 5"]).status();
        if answer.is_ok_and(|status| status.code() == Some(5)) {
            shells.push(shell.to_vec());
        }
    }
    assert_eq!(shells[0], ["/bin/sh"]);
    shells
}

/// How the agent's container begins: the shell's path and option, and the line for it.
async fn line() -> String {
    let container = container(json!({"CancelOnStop": "true"}), "agent").await;
    let entry_point = words(&container["entryPoint"]);
    let [shell, option, line, agent] = &entry_point[..] else {
        panic!("{entry_point:?}");
    };
    assert_eq!(
        [shell, option, agent],
        ["/bin/sh", "-c", "/buildkite/bin/buildkite-agent"]
    );
    line.clone()
}

/// The line, started as ECS does but in this shell, with this program for the agent.
fn started(shell: &[&str], line: &str, agent: &Path) -> Child {
    Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", line])
        .arg(agent)
        .args(["start", "--disconnect-after-job", "two words"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The container's status and what it wrote as errors.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn stop(child: &Child) {
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_sigquit_to_an_agent_that_is_to_cancel_its_job_and_its_status_is_the_containers() {
    let line = line().await;
    for shell in shells() {
        let directory = Directory::new("stop");
        let path = directory.0.display();
        let agent = directory.program(
            "agent",
            &format!(
                "printf '%s|' \"$@\" >{path}/arguments\n\
                 trap 'echo >>{path}/terms' TERM\n\
                 trap 'sleep 0.2; exit 7' QUIT\n\
                 echo up >{path}/up\n\
                 while :; do sleep 0.05; done"
            ),
        );
        let child = started(&shell, &line, &agent);
        directory.written("up");
        stop(&child);
        assert_eq!(ended(child), (Some(7), String::new()), "{shell:?}");
        assert_eq!(directory.read("terms"), "", "{shell:?}");
        assert_eq!(directory.read("arguments"), "start|--disconnect-after-job|two words|");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_while_the_agent_ends_does_not_lose_its_status() {
    let line = line().await;
    for shell in shells() {
        let directory = Directory::new("second");
        let path = directory.0.display();
        let agent = directory.program(
            "agent",
            &format!(
                "trap 'trap \"\" QUIT; echo >{path}/first; sleep 0.5; exit 9' QUIT\n\
                 echo up >{path}/up\nwhile :; do sleep 0.05; done"
            ),
        );
        let child = started(&shell, &line, &agent);
        directory.written("up");
        stop(&child);
        directory.written("first");
        stop(&child);
        assert_eq!(ended(child), (Some(9), String::new()), "{shell:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_agent_is_there_ends_the_container_without_it() {
    let line = line().await;
    let start = r#""$0" "$@" &"#;
    assert_eq!(line.matches(start).count(), 1);
    let line = line.replace(start, &format!("kill -TERM $$; {start}"));
    for shell in shells() {
        let directory = Directory::new("early");
        let path = directory.0.display();
        let agent = directory.program("agent", &format!("echo up >{path}/up"));
        let (status, _) = ended(started(&shell, &line, &agent));
        assert_eq!(status, Some(128 + 15), "{shell:?}: as if the signal had ended it");
        assert_eq!(directory.read("up"), "", "{shell:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_by_itself_gives_its_status() {
    let line = line().await;
    for shell in shells() {
        let directory = Directory::new("end");
        let agent = directory.program("agent", "exit 27");
        assert_eq!(
            ended(started(&shell, &line, &agent)),
            (Some(27), String::new()),
            "{shell:?}"
        );
        let (status, stderr) = ended(started(&shell, &line, &directory.0.join("nowhere")));
        assert_eq!(status, Some(127), "{shell:?}");
        assert!(stderr.contains("nowhere"), "{shell:?}: {stderr}");
    }
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
        // As in an image; nobody else owns the files.
        let status = Command::new("/bin/sh")
            .args(["-c", r#"umask 077; exec /bin/sh -c "$0""#, &line])
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
        assert_eq!(["bin", "bin/buildkite-agent", "hooks"].map(mode), [0o755; 3]);
    }
}
