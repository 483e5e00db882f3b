//! The command as people and pipelines start it: what it prints where, and what it ends with.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a binary of tests: nothing of it is used by anybody else"
)]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_agent-composer");

/// A folder of a test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn started(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("CLICOLOR_FORCE")
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = started(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

const FINE: &str =
    "Resources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Image: ruby}\n";

const WRONG: &str = "Resources:\n  Wrong:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Imag: ruby, TaskFamily: one}\n";

const OF_THE_MACRO: &str = "Transform: Buildkite-Agents-2020-03-21\nResources:\n  Ruby:\n    Type: Buildkite::ECS::TaskDefinition\n    Properties: {Image: ruby}\n";

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let folder = folder("closed-pipe");
    write(&folder, "fine.yml", FINE);
    write(&folder, "macro.yml", OF_THE_MACRO);
    for arguments in [
        &["schema"][..],
        &["schema", "--template"],
        &["completions", "bash"],
        &["plan", "fine.yml"],
        &["plan", "fine.yml", "--format", "json"],
        &["plan", "fine.yml", "--format", "template"],
        &["plan", "fine.yml", "--format", "mermaid"],
        &["plan", "fine.yml", "--format", "sarif"],
        &["migrate", "macro.yml"],
        &["--help"],
    ] {
        let mut child = started(&folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closed before anything is written to it.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("error"),
            "{arguments:?}: {stderr}"
        );
    }
}

#[test]
fn the_first_line_can_be_had_alone() {
    let line = Command::new("bash")
        .args(["-c", "set -o pipefail; \"$0\" schema | head -1", PROGRAM])
        .output()
        .unwrap();
    assert_eq!(line.status.code(), Some(0));
    assert_eq!(
        (line.stdout.as_slice(), line.stderr.as_slice()),
        (&b"{\n"[..], &b""[..])
    );
}

#[test]
fn folders_are_searched_for_templates_and_findings_carry_the_file() {
    let folder = folder("folders");
    write(&folder, "stacks/a.yml", FINE);
    write(&folder, "stacks/deep/b.template", WRONG);
    write(&folder, "stacks/c.json", "{\"name\": \"not a template\"}");
    write(&folder, "stacks/d.yaml", "a: 1\n---\nb: 2\n");
    write(&folder, "stacks/e.txt", WRONG);
    write(&folder, "stacks/.hidden/f.yml", WRONG);
    write(&folder, "stacks/node_modules/g.yml", WRONG);
    let (code, tree, stderr) = run(&folder, &["plan", "stacks"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(tree.starts_with("stacks/a.yml\n\nRuby"), "{tree}");
    assert!(stderr.contains("--> stacks/deep/b.template:4:35"), "{stderr}");
    assert!(
        stderr.contains("faults in 2 templates") || stderr.contains("fault in 2 templates"),
        "{stderr}"
    );
    let (code, json, _) = run(&folder, &["plan", "--format", "json", "stacks"]);
    let documents: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, documents[1]["file"].as_str()),
        (1, Some("stacks/deep/b.template"))
    );
    let (code, _, stderr) = run(&folder, &["plan", "stacks/c.json", "stacks/d.yaml", "--templates-only"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(&folder, &["plan", "--format", "template", "stacks"]);
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn findings_go_to_standard_output_for_programs() {
    let folder = folder("formats");
    write(&folder, "a.yml", FINE);
    write(&folder, "b.yml", WRONG);
    let (code, github, stderr) = run(&folder, &["plan", "a.yml", "b.yml", "--format", "github"]);
    assert_eq!(code, 1);
    assert!(github.starts_with("::error file=b.yml,line=4,col="), "{github}");
    assert!(!stderr.contains("-->"), "{stderr}");
    let (code, sarif, _) = run(&folder, &["plan", "a.yml", "b.yml", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!((code, place["artifactLocation"]["uri"].as_str()), (1, Some("b.yml")));
    let (code, annotation, _) = run(&folder, &["plan", "a.yml", "--format", "buildkite"]);
    assert_eq!(
        (code, annotation.as_str()),
        (0, "#### agent-composer: nothing is wrong\n")
    );
    write(&folder, "c.yml", "a: [");
    let (code, github, _) = run(&folder, &["plan", "a.yml", "c.yml", "--format", "github"]);
    assert_eq!(code, 2);
    assert!(github.starts_with("::error file=c.yml,line="), "{github}");
}

#[test]
fn nothing_is_wrapped_for_programs() {
    let folder = folder("wrapped");
    write(
        &folder,
        "a.yml",
        &WRONG.replace("TaskFamily: one", "Secrets: [{Name: A, ValueFrom: 'a b'}]"),
    );
    let (_, _, stderr) = run(&folder, &["plan", "a.yml"]);
    let line = stderr.lines().find(|line| line.contains("SSM parameter")).unwrap();
    assert!(line.ends_with("parameter/NAME"), "{line}");
}

#[test]
fn a_template_without_an_agent_is_a_failure_where_one_is_required() {
    let folder = folder("require");
    write(&folder, "none.yml", "Resources: {A: {Type: 'AWS::SNS::Topic'}}\n");
    write(
        &folder,
        "nested.yml",
        "Resources: {A: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: a}}}\n",
    );
    write(&folder, "fine.yml", FINE);
    for (file, expected, code_if_required) in [
        ("none.yml", "no agent was found in none.yml\n", 1),
        ("nested.yml", "not all was looked at: `A` (a nested stack", 1),
        ("fine.yml", "", 0),
    ] {
        let (code, _, stderr) = run(&folder, &["plan", file]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        let (code, _, stderr) = run(&folder, &["plan", file, "--require-agent"]);
        assert_eq!(code, code_if_required, "{stderr}");
    }
}

#[test]
fn a_native_template_that_would_say_something_else_is_not_printed() {
    let folder = folder("native");
    write(
        &folder,
        "a.yml",
        "Parameters: {Stop: {Type: String}}\nResources:\n  Ruby:\n    Type: Custom::BuildkiteAgent\n    Properties: {ServiceToken: t, Image: ruby, CancelOnStop: !Ref Stop}\n",
    );
    let (code, printed, stderr) = run(&folder, &["plan", "a.yml", "--format", "template"]);
    assert_eq!((code, printed.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("`CancelOnStop` of `Ruby` is ${Stop}"), "{stderr}");
    let (code, printed, stderr) = run(
        &folder,
        &["plan", "a.yml", "--format", "template", "--parameter", "Stop=true"],
    );
    assert_eq!(code, 0, "{stderr}");
    assert!(serde_json::from_str::<Value>(&printed).is_ok());
}

#[test]
fn several_templates_are_migrated_in_place() {
    let folder = folder("migrate");
    let path = write(&folder, "stacks/a.yml", OF_THE_MACRO);
    write(&folder, "stacks/b.yml", FINE);
    let stays = write(
        &folder,
        "stacks/c.yml",
        &format!("{OF_THE_MACRO}  Empty: {{Type: 'Buildkite::ECS::Agent'}}\n"),
    );
    let (code, _, stderr) = run(&folder, &["migrate", "stacks"]);
    assert_eq!(code, 2, "{stderr}");
    let (code, github, stderr) = run(&folder, &["migrate", "--check", "--format", "github", "stacks"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(github.contains("::warning file=stacks/c.yml,line=6,col="), "{github}");
    let (code, printed, stderr) = run(&folder, &["migrate", "--write", "stacks"]);
    assert_eq!((code, printed.as_str()), (1, ""), "{stderr}");
    assert!(
        stderr.contains(
            "stacks/c.yml: migrated: 1 resource, 0 references; 1 resource stays the macro's, and the macro with it"
        ),
        "{stderr}"
    );
    assert!(!stderr.contains("b.yml"), "{stderr}");
    assert!(fs::read_to_string(path).unwrap().starts_with("Resources:"));
    assert!(
        fs::read_to_string(stays)
            .unwrap()
            .starts_with("Transform: Buildkite-Agents")
    );
}

#[test]
fn each_hook_takes_the_files_that_it_is_given() {
    let folder = folder("hooks");
    write(&folder, "a.yml", FINE);
    write(&folder, "b.json", "[1, 2]");
    write(&folder, "c.yml", "{{ .Values.x }}: [\n");
    write(&folder, "wrong.yml", WRONG);
    write(&folder, "macro.yml", OF_THE_MACRO);
    let hooks = include_str!("../../../.pre-commit-hooks.yaml");
    let hooks = agent_composer_cli::template::read(hooks).unwrap();
    let hooks = hooks.elements().unwrap();
    assert_eq!(hooks.len(), 2);
    for (hook, failing) in hooks.iter().zip(["wrong.yml", "macro.yml"]) {
        let entry = hook.get("entry").and_then(|entry| entry.text()).unwrap();
        let arguments = || entry.split(' ').skip(1);
        let (code, _, stderr) = run(
            &folder,
            &arguments().chain(["a.yml", "b.json", "c.yml"]).collect::<Vec<_>>(),
        );
        assert_eq!(code, 0, "{entry}: {stderr}");
        let (code, _, stderr) = run(&folder, &arguments().chain(["a.yml", failing]).collect::<Vec<_>>());
        assert_eq!(code, 1, "{entry}: {stderr}");
        assert!(stderr.contains(failing), "{entry}: {stderr}");
    }
}

/// Answers what `--against` asks of an account in which a family belongs to somebody else; its address.
fn account() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            let asked = loop {
                let read = stream.read(&mut buffer).unwrap_or_default();
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    if read == 0 {
                        break text;
                    }
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if read == 0 || body.len() >= length {
                    break text;
                }
            };
            let (status, body) = answer(&asked);
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    url
}

fn answer(asked: &str) -> (u16, String) {
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    if asked.contains("action=listexports") {
        (
            200,
            "<ListExportsResponse><ListExportsResult><Exports/></ListExportsResult></ListExportsResponse>".to_owned(),
        )
    } else if asked.contains("action=describestacks") {
        (400, error("ValidationError", "Stack with id a does not exist"))
    } else if asked.contains("describetaskdefinition") {
        let tags = "[{\"key\": \"agent-composer:stack-id\", \"value\": \"arn:aws:cloudformation:us-east-1:111122223333:stack/other/1\"}, {\"key\": \"agent-composer:logical-id\", \"value\": \"Other\"}]";
        (
            200,
            format!(
                "{{\"taskDefinition\": {{\"family\": \"ruby\", \"revision\": 3, \"status\": \"ACTIVE\"}}, \"tags\": {tags}}}"
            ),
        )
    } else if asked.contains("action=getrole") {
        (404, error("NoSuchEntity", "there is none"))
    } else {
        (200, "{\"logGroups\": []}".to_owned())
    }
}

#[test]
fn a_look_that_shows_a_refusal_ends_with_1() {
    let folder = folder("against");
    write(&folder, "a.yml", FINE);
    let url = account();
    let look = [
        "plan",
        "a.yml",
        "--against",
        "us-east-1",
        "--stack-name",
        "a",
        "--endpoint-url",
        &url,
    ];
    let (code, shown, stderr) = run(&folder, &look);
    assert!(
        shown.contains("! task definition ruby, revision 3: it belongs to the resource `Other`"),
        "{shown}{stderr}"
    );
    assert_eq!(code, 1, "{stderr}");
    let (code, json, stderr) = run(&folder, &[&look[..], &["--exit-code", "--format", "json"]].concat());
    assert_eq!(code, 1, "{stderr}");
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["changes"]["Ruby"][0]["change"], "refused");
}
