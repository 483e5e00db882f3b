//! Variables that version 4 of the agent does not read any more, in the agent's container and in sidecars.

use std::iter;

use serde_json::{Map, Value};

use agent_composer_model::{
    facts::buildkite_agent::{ReadBy, in_place_of, read_by},
    properties::option_that_sets,
};

/// The path of each, and what to do about it. One that is given together with what takes its place is meant for both
/// versions, and none of them.
pub(super) fn variables(properties: &Map<String, Value>) -> Vec<(String, String)> {
    let sidecars = properties.get("Sidecars").and_then(Value::as_array);
    let sidecars = sidecars.into_iter().flatten().enumerate();
    let sidecars = sidecars.filter_map(|(index, sidecar)| Some((format!("Sidecars[{index}]."), sidecar.as_object()?)));
    iter::once((String::new(), properties))
        .chain(sidecars)
        .flat_map(|(path, container)| in_one(&path, container))
        .collect()
}

/// Those of one container, which is written at `path`.
fn in_one(path: &str, container: &Map<String, Value>) -> Vec<(String, String)> {
    let names: Vec<(String, &str)> = ["Environment", "Secrets"]
        .into_iter()
        .flat_map(|list| {
            let items = container.get(list).and_then(Value::as_array);
            let items = items.into_iter().flatten().enumerate();
            items.filter_map(move |(index, item)| {
                Some((format!("{path}{list}[{index}].Name"), item.get("Name")?.as_str()?))
            })
        })
        .collect();
    let is_given = |variable: &&str| names.iter().any(|(_, name)| name == variable);
    names
        .iter()
        .filter_map(|(path, name)| {
            let instead = in_place_of(name)?;
            // The options are the agent's own, and no secrets.
            let option = option_that_sets(name).filter(|_| path.starts_with("Environment"));
            let advice = advice(instead, option);
            (!instead.iter().any(is_given)).then(|| {
                (
                    path.clone(),
                    format!("is `{name}`, which version 4 of the agent does not read; {advice}"),
                )
            })
        })
        .collect()
}

fn advice(instead: &[&str], option: Option<&str>) -> String {
    let names = instead.iter().map(|variable| format!("`{variable}`"));
    let names = names.collect::<Vec<_>>().join(" and ");
    match (option, instead) {
        (Some(option), _) => {
            format!("write it as `AgentConfiguration.{option}`, which reaches version 3 and version 4")
        }
        (None, []) => "nothing takes its place there".to_owned(),
        (None, instead) if instead.iter().all(|variable| read_by(variable) == Some(ReadBy::Both)) => {
            format!("write {names}, which version 3 and version 4 read")
        }
        (None, _) => format!("add {names}, which version 4 reads in its place"),
    }
}
