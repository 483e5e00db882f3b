//! Which rights a call needs: its actions, the resources that policies are matched against, the condition keys.
//!
//! From the Service Authorization Reference, as docs/internals/aws.md has it, "Authorisation" and "Authorisation of
//! changes to roles".

use super::call::{Call, Service};
use super::ecs;
use super::error::ApiError;
use super::home::Home;
use super::iam::role_name;
use super::json::{text, text_map, texts};
use super::logs;
use super::policy::{Context, Demand, Policy, Verdict, verdict};
use super::state::State;
use super::tags;

/// Everything that a call needs; the first is the call's own action.
pub fn demands(call: &Call, home: &Home, state: &State) -> Vec<Demand> {
    match call.service {
        Service::Ecs => ecs_demands(call, home),
        Service::Iam => iam_demands(call, home, state),
        Service::Logs => logs_demands(call, home),
        Service::CloudFormation => vec![stack_demand(call, home, state)],
        Service::Sqs => {
            let url = text(&call.params, "QueueUrl").unwrap_or_default();
            let queue = url.rsplit('/').next().unwrap_or_default();
            vec![demand(call.action(), &home.queue(queue), Context::new())]
        }
        Service::Ssm | Service::SecretsManager | Service::Ecr | Service::Unknown => {
            vec![demand(call.action(), "*", Context::new())]
        }
    }
}

/// The first demand that the policies do not grant, as the service's error.
pub fn check(call: &Call, home: &Home, state: &State, policies: &[Policy]) -> Result<(), ApiError> {
    for demand in demands(call, home, state) {
        let verdict = verdict(policies, &demand);
        if verdict != Verdict::Allowed {
            return Err(denial(call.service, home, &demand, verdict));
        }
    }
    Ok(())
}

/// AWS's words for a call that is not allowed.
pub fn denial(service: Service, home: &Home, demand: &Demand, verdict: Verdict) -> ApiError {
    let because = if verdict == Verdict::Denied {
        "with an explicit deny in an identity-based policy".to_owned()
    } else {
        format!("because no identity-based policy allows the {} action", demand.action)
    };
    let message = format!(
        "User: {} is not authorized to perform: {} on resource: {} {because}",
        home.principal(),
        demand.action,
        demand.named,
    );
    if service.speaks_json() {
        ApiError::bad("AccessDeniedException", message)
    } else {
        ApiError::new(403, "AccessDenied", message)
    }
}

/// What passing one role to ECS needs.
pub fn pass_role(role: &str, home: &Home) -> Demand {
    let arn = if role.starts_with("arn:") {
        role.to_owned()
    } else {
        home.role("/", role)
    };
    let context = Context::from([(
        "iam:PassedToService".to_owned(),
        vec!["ecs-tasks.amazonaws.com".to_owned()],
    )]);
    demand("iam:PassRole".to_owned(), &arn, context)
}

fn demand(action: String, resource: &str, context: Context) -> Demand {
    Demand {
        action,
        resource: resource.to_owned(),
        named: resource.to_owned(),
        context,
    }
}

fn request_tags<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Context {
    let mut context = Context::new();
    for (key, value) in pairs {
        context.insert(format!("aws:RequestTag/{key}"), vec![value.clone()]);
        context.entry("aws:TagKeys".to_owned()).or_default().push(key.clone());
    }
    context
}

fn ecs_demands(call: &Call, home: &Home) -> Vec<Demand> {
    let params = &call.params;
    match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            let family = text(params, "family").unwrap_or_default();
            let arn = home.task_definition(&format!("{family}:*"));
            let pairs = ecs::tag_pairs(params);
            let context = request_tags(pairs.iter().map(|(key, value)| (key, value)));
            let mut own = context.clone();
            if let Some(privileged) = ecs::privileged(params) {
                own.insert("ecs:privileged".to_owned(), vec![privileged.to_string()]);
            }
            let mut all = vec![demand(call.action(), &arn, own)];
            if !pairs.is_empty() {
                let mut context = context;
                context.insert("ecs:CreateAction".to_owned(), vec!["RegisterTaskDefinition".to_owned()]);
                all.push(demand("ecs:TagResource".to_owned(), &arn, context));
            }
            let roles = ecs::passed_roles(params);
            all.extend(roles.iter().map(|role| pass_role(role, home)));
            all
        }
        "DeleteTaskDefinitions" => texts(params, "taskDefinitions")
            .iter()
            .map(|arn| demand(call.action(), arn, Context::new()))
            .collect(),
        "ListTagsForResource" | "TagResource" | "UntagResource" => {
            let pairs = ecs::tag_pairs(params);
            let context = request_tags(pairs.iter().map(|(key, value)| (key, value)));
            let arn = text(params, "resourceArn").unwrap_or_default();
            vec![demand(call.action(), arn, context)]
        }
        // Describe, List and Deregister know no resources (docs/internals/aws.md, "Authorisation").
        _ => vec![demand(call.action(), "*", Context::new())],
    }
}

fn iam_demands(call: &Call, home: &Home, state: &State) -> Vec<Demand> {
    let params = &call.params;
    match call.operation.as_str() {
        // It knows no resources.
        "ListRoles" => return vec![demand(call.action(), "*", Context::new())],
        "GetPolicy" | "GetPolicyVersion" => {
            let arn = text(params, "PolicyArn").unwrap_or_default();
            return vec![demand(call.action(), arn, Context::new())];
        }
        _ => {}
    }
    let name = role_name(params);
    let existing = state.iam.find(name);
    let mut context = Context::new();
    // A role that is being made has no boundary and no tags yet but those of the request.
    if let Some(role) = existing.filter(|_| call.operation != "CreateRole") {
        if let Some(boundary) = &role.boundary {
            context.insert("iam:PermissionsBoundary".to_owned(), vec![boundary.clone()]);
        }
        for (key, value) in &role.tags {
            for prefix in ["aws", "iam"] {
                context.insert(format!("{prefix}:ResourceTag/{key}"), vec![value.clone()]);
            }
        }
    }
    if let Some(boundary) = text(params, "PermissionsBoundary") {
        context.insert("iam:PermissionsBoundary".to_owned(), vec![boundary.to_owned()]);
    }
    if let Some(arn) = text(params, "PolicyArn") {
        context.insert("iam:PolicyARN".to_owned(), vec![arn.to_owned()]);
    }
    let pairs = tags::IAM.pairs(params, "Tags");
    context.extend(request_tags(pairs.iter().map(|(key, value)| (key, value))));
    if call.operation == "UntagRole" {
        context.insert("aws:TagKeys".to_owned(), texts(params, "TagKeys"));
    }
    if call.operation == "CreateRole" {
        let arn = home.role(text(params, "Path").unwrap_or("/"), name);
        let mut all = vec![demand(call.action(), &arn, context.clone())];
        if !pairs.is_empty() {
            all.push(demand("iam:TagRole".to_owned(), &arn, context));
        }
        return all;
    }
    // Requests name roles without their path, and AWS looks it up: what is not there has none, so that a policy for
    // `role/PATH/*` does not reach it and the answer is a denial, not NoSuchEntity. The denial then names no ARN,
    // as in kayac/ecspresso#288: `not authorized to perform: iam:GetRole on resource: role path`.
    let (resource, named) = match existing {
        Some(role) => (role.arn(home), role.arn(home)),
        None if state.iam.absent_roles_have_any_path => return Vec::new(),
        None => (home.role("/", name), format!("role {name}")),
    };
    vec![Demand {
        action: call.action(),
        resource,
        named,
        context,
    }]
}

fn logs_demands(call: &Call, home: &Home) -> Vec<Demand> {
    let params = &call.params;
    // Denials name groups so: `…:log-group:NAME:log-stream:`. The tag operations are given an ARN, and use it.
    let arn = match (text(params, "logGroupName"), text(params, "resourceArn")) {
        (Some(name), _) => format!("{}:log-stream:", home.log_group(name)),
        (None, Some(arn)) => arn.to_owned(),
        // DescribeLogGroups knows no resources.
        (None, None) => "*".to_owned(),
    };
    let tags = text_map(params, "tags");
    let context = request_tags(&tags);
    let mut all = vec![demand(call.action(), &arn, context.clone())];
    if call.operation == "CreateLogGroup" && !tags.is_empty() {
        let name = text(params, "logGroupName").unwrap_or_default();
        all.push(demand("logs:TagResource".to_owned(), &home.log_group(name), context));
    }
    all
}

fn stack_demand(call: &Call, home: &Home, state: &State) -> Demand {
    let resource = match text(&call.params, "StackName") {
        None => "*".to_owned(),
        Some(reference) => match state.stacks.find(reference) {
            Some((id, _)) => id.clone(),
            None if reference.starts_with("arn:") => reference.to_owned(),
            None => home.stack(reference, "*"),
        },
    };
    demand(call.action(), &resource, Context::new())
}

/// What a call is about, so that a stale read can be distinguished from one of something else: `role:x`, `family:x`, `group:x`.
/// A trailing asterisk matches all that begin so.
pub fn subjects(call: &Call, home: &Home) -> Vec<String> {
    let params = &call.params;
    match call.service {
        Service::Iam => vec![format!("role:{}", role_name(params).to_lowercase())],
        Service::Ecs => {
            let mut references = texts(params, "taskDefinitions");
            for field in ["taskDefinition", "resourceArn"] {
                references.extend(text(params, field).map(str::to_owned));
            }
            let mut families: Vec<String> = references
                .iter()
                .filter_map(|reference| ecs::parse(reference, home))
                .map(|(family, _)| family)
                .collect();
            for field in ["family", "familyPrefix"] {
                families.extend(text(params, field).map(str::to_owned));
            }
            if families.is_empty() {
                families.push("*".to_owned());
            }
            families.iter().map(|family| format!("family:{family}")).collect()
        }
        Service::Logs => {
            let name = text(params, "logGroupName")
                .map(str::to_owned)
                .or_else(|| text(params, "resourceArn").and_then(|arn| logs::name_in(arn, home)));
            let prefix = text(params, "logGroupNamePrefix").unwrap_or_default();
            vec![format!("group:{}", name.unwrap_or_else(|| format!("{prefix}*")))]
        }
        Service::CloudFormation
        | Service::Sqs
        | Service::Ssm
        | Service::SecretsManager
        | Service::Ecr
        | Service::Unknown => Vec::new(),
    }
}
