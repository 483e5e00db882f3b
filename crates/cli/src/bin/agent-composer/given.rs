//! What a plan is given beside its templates: parameters, exports, and how the provider is configured.

use std::collections::BTreeMap;

use agent_composer_cli::template::{self, Given, Node};
use agent_composer_model::settings::Settings;

use crate::{
    plan::Arguments,
    sources::{Source, text_of},
};

/// Reads `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads an account.
pub(crate) fn account(text: &str) -> Result<String, String> {
    let sound = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    sound
        .then(|| text.to_owned())
        .ok_or("an account has twelve digits".to_owned())
}

/// Reads what the arguments say.
pub(crate) fn given(arguments: &Arguments) -> Result<Given, String> {
    let mut parameters = BTreeMap::new();
    if let Some(file) = &arguments.parameters_file {
        let text = text_of(file)?;
        let read = template::parameters(&text);
        parameters = read.map_err(|error| format!("{}:{}: {error}", file.display(), error.at))?;
    }
    parameters.extend(arguments.parameters.iter().cloned());
    Ok(Given {
        parameters,
        imports: arguments.imports.iter().cloned().collect(),
        region: arguments.region.clone(),
        account: arguments.account.clone(),
        stack_name: arguments.stack_name.clone(),
        ..Given::default()
    })
}

/// The names of a template's parameters; none where it can't be read, which is reported elsewhere.
fn parameters_of(text: &str) -> Option<Vec<String>> {
    let template = template::read(text).ok()?;
    let all = template.get("Parameters").map(Node::entries).unwrap_or_default();
    Some(all.iter().map(|entry| entry.name.clone()).collect())
}

/// CloudFormation refuses a parameter that the template does not have; of several templates, one has to have it.
pub(crate) fn check_parameters(sources: &[Source], given: &Given) -> Result<(), String> {
    let mut known = Vec::new();
    for source in sources {
        match parameters_of(&source.text) {
            Some(names) => known.extend(names),
            None => return Ok(()),
        }
    }
    match given.parameters.keys().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) if sources.len() == 1 => Err(format!(
            "the template has no parameter `{name}`; it has: {}",
            known.join(", ")
        )),
        Some(name) => Err(format!("none of the templates has a parameter `{name}`")),
    }
}

/// Leaves the parameters that a template has.
pub(crate) fn keep_parameters_of(text: &str, given: &mut Given) {
    if let Some(names) = parameters_of(text) {
        given.parameters.retain(|name, _| names.contains(name));
    }
}

/// The provider's settings by the names of its template's parameters.
pub(crate) fn settings(given: &[(String, String)]) -> Result<Settings, String> {
    let named: BTreeMap<String, &str> = (given.iter())
        .map(|(name, value)| (variable(name), value.as_str()))
        .collect();
    let known = Settings::VARIABLES;
    if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(&variable(name).as_str())) {
        return Err(format!(
            "`{name}` is not a parameter of the provider that changes a plan"
        ));
    }
    Settings::read(|name| named.get(name).map(|value| (*value).to_owned()))
        .map_err(|faults| format!("invalid provider parameter: {faults}"))
}

/// `TaskRolePath` is `TASK_ROLE_PATH` to the function.
fn variable(parameter: &str) -> String {
    parameter
        .chars()
        .enumerate()
        .fold(String::new(), |mut name, (index, c)| {
            if c.is_ascii_uppercase() && index > 0 {
                name.push('_');
            }
            name.push(c.to_ascii_uppercase());
            name
        })
}
