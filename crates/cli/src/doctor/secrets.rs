//! Whether each parameter and secret exists, and whether the execution role may read and decrypt it.

use super::{
    facts::{Facts, ParameterFact, SecretFact, Seen},
    finding::{Check, Finding},
    named::{Named, Place, Source, Supply},
    rights::{Demand, Verdict, may},
};

/// The token's variable.
const TOKEN: &str = "BUILDKITE_AGENT_TOKEN of `agent`";

const CHECK: Check = Check::Secret;

/// Why there is neither a yes nor a no.
pub(super) const NOT_EVALUATED: &str = "the role's policies have a condition or a variable that is not evaluated here";

pub(super) fn examine(facts: &Facts, named: &Named) -> Vec<Finding> {
    if !matches!(facts.definition, Seen::Found(_)) {
        return Vec::new();
    }
    let mut found: Vec<Finding> = (named.supplies.iter())
        .flat_map(|supply| examined(facts, named, supply))
        .collect();
    if !named.supplies.iter().any(|supply| supply.purpose == TOKEN) {
        let advice = "give its `Refresh` a new text: the provider always sets it";
        found.push(Finding::wrong(
            CHECK,
            "the container `agent` has no BUILDKITE_AGENT_TOKEN",
            advice,
        ));
    }
    found
}

fn examined(facts: &Facts, named: &Named, supply: &Supply) -> Vec<Finding> {
    let Supply { purpose, source } = supply;
    match source {
        Source::Parameter(parameter) => of_parameter(facts, named, purpose, parameter),
        Source::Secret { place, version } => of_secret(facts, named, purpose, place, version.as_deref()),
        Source::Reference { parameter, secret } => {
            let mut found = of_secret(facts, named, purpose, secret, None);
            let what = format!("{purpose}: {}", shown(parameter));
            found.extend(right(facts, named, &what, "ssm:GetParameters", &parameter.arn, &[]));
            found
        }
        Source::Other => {
            let advice = "correct `Secrets` of the agent";
            vec![Finding::wrong(
                CHECK,
                format!("{purpose}: is neither a parameter nor a secret"),
                advice,
            )]
        }
    }
}

fn of_parameter(facts: &Facts, named: &Named, purpose: &str, parameter: &Place) -> Vec<Finding> {
    let what = format!("{purpose}: {}", shown(parameter));
    let fact = facts.parameters.get(&parameter.arn);
    let mut found = vec![match fact {
        Some(Seen::Found(_)) => Finding::fine(CHECK, format!("{what} exists")),
        Some(Seen::Absent) => Finding::wrong(
            CHECK,
            format!("{what} does not exist in {}", parameter.region),
            "create it, or correct the name in the agent's properties",
        ),
        Some(Seen::Not(not_seen)) => Finding::not_checked(CHECK, &what, not_seen),
        None => elsewhere(&what, parameter),
    }];
    found.extend(right(facts, named, &what, "ssm:GetParameters", &parameter.arn, &[]));
    if let Some(Seen::Found(ParameterFact { key: Some(key) })) = fact {
        let context = "kms:EncryptionContext:PARAMETER_ARN";
        found.extend(decrypt(
            facts,
            named,
            &what,
            "ssm",
            key,
            parameter,
            (context, &parameter.arn),
        ));
    }
    found
}

fn of_secret(facts: &Facts, named: &Named, purpose: &str, secret: &Place, version: Option<&str>) -> Vec<Finding> {
    let what = format!("{purpose}: secret {}", secret.name);
    let fact = facts.secrets.get(&secret.id);
    let arn = match fact {
        Some(Seen::Found(fact)) => fact.arn.as_str(),
        _ => secret.arn.as_str(),
    };
    let mut found = vec![match fact {
        Some(Seen::Found(fact)) => exists(&what, fact, version),
        Some(Seen::Absent) => Finding::wrong(
            CHECK,
            format!("{what} does not exist in {}", secret.region),
            "create it, or correct the ARN in the agent's properties: a secret that was created again ends in six other characters",
        ),
        Some(Seen::Not(not_seen)) => Finding::not_checked(CHECK, &what, not_seen),
        None => elsewhere(&what, secret),
    }];
    found.extend(right(facts, named, &what, "secretsmanager:GetSecretValue", arn, &[]));
    if let Some(Seen::Found(SecretFact { key: Some(key), .. })) = fact {
        let context = "kms:EncryptionContext:SecretARN";
        found.extend(decrypt(
            facts,
            named,
            &what,
            "secretsmanager",
            key,
            secret,
            (context, arn),
        ));
    }
    found
}

fn exists(what: &str, secret: &SecretFact, version: Option<&str>) -> Finding {
    if secret.is_being_deleted {
        let advice = "restore it (`aws secretsmanager restore-secret`), or name another";
        return Finding::wrong(CHECK, format!("{what} is scheduled for deletion"), advice);
    }
    let wanted = version.unwrap_or("AWSCURRENT");
    let mut versions = secret.versions.iter();
    if versions.any(|(id, stages)| id == wanted || stages.iter().any(|stage| stage == wanted)) {
        return Finding::fine(CHECK, format!("{what} exists"));
    }
    let advice = "give it a value, or correct the version in the agent's properties";
    Finding::wrong(CHECK, format!("{what} has no version {wanted}"), advice)
}

/// What is in another account is not looked at.
fn elsewhere(what: &str, place: &Place) -> Finding {
    Finding::left_out(CHECK, what, &format!("it is in the account {}", place.account))
}

/// A parameter's name: of its ARN, a name of several levels leaves out the slash that it begins with.
fn shown(parameter: &Place) -> String {
    let slash = if parameter.name.contains('/') { "/" } else { "" };
    format!("parameter {slash}{}", parameter.name)
}

/// Whether the execution role has a right; nothing where it was not seen, which is a finding of its own.
fn right(
    facts: &Facts,
    named: &Named,
    what: &str,
    action: &str,
    resource: &str,
    context: &[(&str, &str)],
) -> Option<Finding> {
    let Seen::Found(role) = facts.role(named.execution_role.as_deref()?) else {
        return None;
    };
    let demand = Demand {
        action,
        resource,
        context,
    };
    Some(judged(CHECK, what, action, &may(role, &demand)))
}

/// A verdict about the execution role, in words.
pub(super) fn judged(check: Check, what: &str, action: &str, verdict: &Verdict) -> Finding {
    let refresh = "give the agent's `Refresh` a new text: the provider then writes the role's policy anew";
    match verdict {
        Verdict::Allowed => Finding::fine(check, format!("{what}: the execution role has {action}")),
        Verdict::NotAllowed => Finding::wrong(
            check,
            format!("{what}: the execution role does not have {action}"),
            refresh,
        ),
        Verdict::Denied => Finding::wrong(
            check,
            format!("{what}: a policy of the execution role denies {action}"),
            "remove the policy that somebody added to the role",
        ),
        Verdict::Bounded => Finding::wrong(
            check,
            format!("{what}: the execution role's boundary does not allow {action}"),
            "allow it in the boundary",
        ),
        Verdict::NotKnown => Finding::left_out(check, &format!("{what}: {action}"), NOT_EVALUATED),
        Verdict::NotSeen(not_seen) => Finding::not_checked(check, &format!("{what}: {action}"), not_seen),
    }
}

/// Whether the execution role may decrypt with a customer's key. AWS's own keys need no right.
fn decrypt(
    facts: &Facts,
    named: &Named,
    what: &str,
    service: &str,
    key: &str,
    place: &Place,
    context: (&str, &str),
) -> Option<Finding> {
    if key.contains("alias/aws/") {
        return None;
    }
    let Place {
        partition,
        region,
        account,
        ..
    } = place;
    let is_alias = key.starts_with("alias/") || key.contains(":alias/");
    let arn = match key {
        // Which key an alias is of is not asked: this is allowed where every key of the account is.
        _ if is_alias => format!("arn:{partition}:kms:{region}:{account}:key/*"),
        arn if arn.starts_with("arn:") => arn.to_owned(),
        id => format!("arn:{partition}:kms:{region}:{account}:key/{id}"),
    };
    let via = format!("{service}.{region}.amazonaws.com");
    let context = [("kms:ViaService", via.as_str()), context];
    let found = right(
        facts,
        named,
        &format!("{what}, key {key}"),
        "kms:Decrypt",
        &arn,
        &context,
    )?;
    if is_alias && found.text.ends_with("does not have kms:Decrypt") {
        let why = format!("the key is named by {key}, and the role may use certain keys only");
        return Some(Finding::left_out(CHECK, &format!("{what}: kms:Decrypt"), &why));
    }
    Some(found)
}
