//! A plan as a tree that a person reads; colours are ANSI's, for a terminal.

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use termtree::Tree;

use super::{Agent, Composed, Outcome, Plan, document::policy_document};
use agent_composer_model::{
    composition::{Composition, Container, LogGroup, Policy, Role, TaskDefinition, TaskRole},
    properties::Volume,
};

const NAME: Style = AnsiColor::Cyan.on_default().bold();
const KIND: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const UNKNOWN: Style = AnsiColor::Yellow.on_default();
const REFUSED: Style = AnsiColor::Red.on_default().bold();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The tree's text, one tree for each agent.
#[must_use]
pub fn tree(plan: &Plan) -> String {
    let mut trees: Vec<String> = plan
        .agents
        .iter()
        .map(|agent| of_agent(plan, agent).to_string())
        .collect();
    if plan.unknowns.iter().any(|unknown| unknown.shown == "HASH") && plan.composed().next().is_some() {
        trees.push(styled(
            QUIET,
            "HASH follows from the stack's ARN, which is not known before it is made.\n",
        ));
    }
    // At the end, as whatever is in it may be what is not known.
    marked(&plan.shown(&trees.join("\n")))
}

fn of_agent(plan: &Plan, agent: &Agent) -> Tree<String> {
    let Agent {
        logical_id,
        at,
        condition,
        family: _,
        outcome,
    } = agent;
    let name = styled(NAME, logical_id);
    let line = styled(QUIET, &format!("line {}", at.start.line));
    let condition = condition.as_ref().map_or(String::new(), |condition| {
        styled(UNKNOWN, &format!("  if {condition} holds, which is not known"))
    });
    match outcome {
        Outcome::Left(condition) => Tree::new(format!(
            "{name}  {line}  {}",
            styled(QUIET, &format!("left out, as {condition} does not hold"))
        )),
        Outcome::Refused => Tree::new(format!("{name}  {line}  {}", styled(REFUSED, "would be refused"))),
        Outcome::NotKnown => {
            let why = styled(
                UNKNOWN,
                "can't be planned, as too much of it is known only to the deployment",
            );
            Tree::new(format!("{name}  {line}{condition}  {why}"))
        }
        Outcome::Composed(composed) => of_composed(plan, composed, format!("{name}  {line}{condition}")),
    }
}

fn of_composed(plan: &Plan, composed: &Composed, title: String) -> Tree<String> {
    let Composed {
        identity: _,
        properties: _,
        composition,
        assumed,
        may_be_absent,
        inferred,
    } = composed;
    let Composition {
        log_group,
        execution_role,
        task_role,
        task_definition,
        tags: _,
    } = composition;
    let shown = |text: &str| text.to_owned();
    let mut execution = of_role("execution role", execution_role, &shown);
    for container in plan.images_not_known(composed) {
        let line = format!("may pull the image of {container}, if that turns out to be in ECR");
        execution.push(Tree::new(styled(UNKNOWN, &line)));
    }
    let mut tree = Tree::new(title).with_leaves([
        of_task_definition(task_definition, &shown),
        execution,
        match task_role {
            TaskRole::Made(role) => of_role("task role", role, &shown),
            TaskRole::Own(role) => Tree::new(format!("{} {}  your own", styled(KIND, "task role"), shown(&role.arn))),
        },
        of_log_group(log_group, &shown),
    ]);
    if !task_definition.tags.is_empty() {
        let tags = (task_definition.tags.iter()).map(|(key, value)| format!("{key}={}", shown(value)));
        let tags = tags.collect::<Vec<_>>().join("  ");
        tree.push(Tree::new(format!("{} {tags}", styled(KIND, "tags"))));
    }
    let assumed = assumed.iter().map(|one| {
        let taken = one
            .taken
            .as_deref()
            .map_or("as if it were absent".to_owned(), |taken| format!("with {taken}"));
        format!("{} is {}, which is not known: shown {taken}", one.path, one.written)
    });
    let absent = may_be_absent
        .iter()
        .map(|path| format!("{path} may be absent: shown as it is where it is not"));
    let inferred = inferred
        .iter()
        .map(|(what, value)| format!("{what} {value}, as the properties fit no other"));
    for line in assumed.chain(absent).chain(inferred) {
        tree.push(Tree::new(styled(UNKNOWN, &line)));
    }
    tree
}

/// A text whose `${…}` stand out.
fn marked(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        whole += before;
        whole += &styled(UNKNOWN, &format!("${{{name}}}"));
        rest = behind;
    }
    whole + rest
}

fn of_task_definition(definition: &TaskDefinition, shown: &impl Fn(&str) -> String) -> Tree<String> {
    let TaskDefinition {
        family,
        task_role_arn: _,
        execution_role_arn: _,
        network_mode,
        requires_compatibilities,
        cpu,
        memory,
        runtime_platform,
        ephemeral_storage,
        volumes,
        container_definitions,
        tags: _,
        // What the author wrote, which is in the JSON.
        words: _,
    } = definition;
    let mut facts = vec![
        requires_compatibilities.join(", "),
        format!("{cpu} CPU units"),
        format!("{memory} MiB"),
        format!("network {network_mode}"),
    ];
    facts.extend(runtime_platform.iter().map(|platform| {
        let architecture = platform.cpu_architecture.map(|architecture| format!(" {architecture}"));
        format!(
            "{}{}",
            platform.operating_system_family,
            architecture.unwrap_or_default()
        )
    }));
    facts.extend(
        ephemeral_storage
            .iter()
            .map(|storage| format!("{} GiB of disk", storage.size_in_gi_b)),
    );
    let mut tree = Tree::new(format!("{} {}", styled(KIND, "task definition"), shown(family)));
    tree.push(Tree::new(facts.join(" · ")));
    for container in container_definitions {
        tree.push(of_container(container, shown));
    }
    for Volume {
        name,
        efs_volume_configuration,
        words,
    } in volumes
    {
        let what = match (efs_volume_configuration, words.keys().next()) {
            (Some(efs), _) => format!("EFS {}", shown(&efs.file_system_id)),
            (None, Some(word)) => word.clone(),
            (None, None) => "empty".to_owned(),
        };
        tree.push(Tree::new(format!("volume {name}  {what}")));
    }
    tree
}

fn of_container(container: &Container, shown: &impl Fn(&str) -> String) -> Tree<String> {
    let Container {
        name,
        image,
        repository_credentials,
        essential,
        entry_point,
        command,
        environment,
        secrets,
        depends_on,
        mount_points,
        volumes_from,
        health_check,
        // What the author wrote and a reader of the tree can do without; all of it is in the JSON.
        working_directory: _,
        user: _,
        linux_parameters: _,
        cpu: _,
        memory: _,
        memory_reservation: _,
        privileged,
        readonly_root_filesystem: _,
        start_timeout: _,
        stop_timeout,
        log_configuration: _,
        words: _,
    } = container;
    let optional = if *essential { "" } else { "  (not essential)" };
    let mut tree = Tree::new(format!(
        "container {}  {}{optional}",
        styled(KIND, &shown(name)),
        shown(image)
    ));
    let program: Vec<&str> = entry_point.iter().chain(command).map(String::as_str).collect();
    let mut lines = Vec::new();
    lines.extend((repository_credentials.iter()).map(|credentials| {
        let secret = shown(&credentials.credentials_parameter);
        ("password of the registry from", secret)
    }));
    lines.extend((*privileged == Some(true)).then(|| ("is", "privileged".to_owned())));
    lines.extend((!program.is_empty()).then(|| ("runs", shown(&in_one_line(&program.join(" "))))));
    lines.extend((depends_on.iter()).map(|one| ("after", format!("{} is {}", one.container_name, one.condition))));
    lines.extend((health_check.iter()).map(|check| ("is healthy after", shown(&check.command.join(" ")))));
    lines.extend(mount_points.iter().map(|mount| {
        let (volume, path) = (shown(&mount.source_volume), shown(&mount.container_path));
        let access = if mount.read_only { ", to read" } else { "" };
        ("has", format!("volume {volume} at {path}{access}"))
    }));
    lines.extend((volumes_from.iter()).map(|from| ("has", format!("the volumes of {}", from.source_container))));
    lines.extend(environment.iter().map(|variable| {
        let value = shown(&in_one_line(&variable.value));
        ("variable", format!("{}={value}", shown(&variable.name)))
    }));
    lines.extend(secrets.iter().map(|secret| {
        let source = shown(&secret.value_from);
        ("secret", format!("{} from {source}", shown(&secret.name)))
    }));
    lines.extend((stop_timeout.iter()).map(|seconds| ("has", format!("{seconds} s to stop"))));
    for (what, text) in lines {
        tree.push(Tree::new(format!("{} {text}", styled(QUIET, what))));
    }
    tree
}

fn in_one_line(text: &str) -> String {
    text.replace('\n', "⏎")
}

fn of_role(kind: &str, role: &Role, shown: &impl Fn(&str) -> String) -> Tree<String> {
    let mut tree = Tree::new(format!("{} {}{}", styled(KIND, kind), role.path, shown(&role.name)));
    match &role.policy {
        Some(policy) => {
            tree.extend(of_policy(policy, shown));
        }
        None if role.managed_policies.is_empty() => {
            tree.push(Tree::new("may do nothing".to_owned()));
        }
        None => {}
    }
    tree.extend(
        role.managed_policies
            .iter()
            .map(|arn| Tree::new(format!("may do what {} says", shown(arn)))),
    );
    if let Some(boundary) = &role.boundary {
        tree.push(Tree::new(format!("no more than {}", shown(boundary))));
    }
    tree
}

/// A line for each statement, with its resources below.
fn of_policy(policy: &Policy, shown: &impl Fn(&str) -> String) -> Vec<Tree<String>> {
    let document = policy_document(policy);
    let statements = document["Statement"].as_array().cloned().unwrap_or_default();
    let texts = |value: &Value| match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        _ => Vec::new(),
    };
    let of_statement = |statement: &Value| {
        let verb = if statement["Effect"] == "Deny" {
            "may not"
        } else {
            "may"
        };
        let part = |name: &str| (!statement[name].is_null()).then(|| texts(&statement[name]));
        let actions = match (part("Action"), part("NotAction")) {
            (Some(actions), _) => actions.join(", "),
            (None, actions) => format!("all but {}", actions.unwrap_or_default().join(", ")),
        };
        let (prefix, resources) = match (part("Resource"), part("NotResource")) {
            (Some(resources), _) => ("", resources),
            (None, resources) => ("all but ", resources.unwrap_or_default()),
        };
        let resources = resources
            .iter()
            .map(|resource| Tree::new(format!("{} {prefix}{}", styled(QUIET, "on"), shown(resource))));
        let mut tree = Tree::new(format!("{} {}", styled(QUIET, verb), shown(&actions))).with_leaves(resources);
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().into_iter().flatten() {
                let values = texts(values).join(", ");
                tree.push(Tree::new(format!(
                    "{} {key} {operator} {}",
                    styled(QUIET, "if"),
                    shown(&values)
                )));
            }
        }
        tree
    };
    statements.iter().map(of_statement).collect()
}

fn of_log_group(group: &LogGroup, shown: &impl Fn(&str) -> String) -> Tree<String> {
    let LogGroup {
        name,
        arn: _,
        retention_days,
        class,
        kms_key,
        tags: _,
    } = group;
    let days = if *retention_days == 1 { "day" } else { "days" };
    let key = kms_key
        .as_ref()
        .map_or(String::new(), |key| format!(" · under {}", shown(key)));
    Tree::new(format!(
        "{} {}  {retention_days} {days} · {class}{key}",
        styled(KIND, "log group"),
        shown(name)
    ))
}
