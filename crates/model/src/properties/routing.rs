//! Roles that containers have for each other: the log router and the proxy.

use super::{AGENT, AgentContainer, Sidecar, list, vocabulary::Words};
use crate::{Faults, quoted};

/// Checks that who is referred to is there. ECS's agent lets nobody start before the router of his logs.
pub(super) fn check(agent: &AgentContainer, sidecars: &[Sidecar], task: &Words, faults: &mut Faults) {
    let all = || {
        let of_sidecars = sidecars.iter().map(|sidecar| (sidecar.path.as_str(), &sidecar.words));
        std::iter::once(("AgentContainer", &agent.words)).chain(of_sidecars)
    };
    let routers: Vec<&str> = all()
        .filter(|(_, words)| words.contains_key("firelensConfiguration"))
        .map(|(path, _)| path)
        .collect();
    let routed = |words: &Words| (words.get("logConfiguration")).is_some_and(|logs| logs["logDriver"] == "awsfirelens");
    for (path, words) in all().filter(|(_, words)| routed(words)) {
        if routers.is_empty() {
            faults.add(
                format!("{path}.LogConfiguration.LogDriver"),
                "is awsfirelens, and no container routes logs: give one of `Sidecars` a `FirelensConfiguration`",
            );
        } else if words.contains_key("firelensConfiguration") {
            faults.add(
                format!("{path}.LogConfiguration.LogDriver"),
                "is awsfirelens, and this container is the one that routes logs; give it another, or none",
            );
        }
    }
    if let [first, second, ..] = routers[..] {
        faults.add(
            format!("{second}.FirelensConfiguration"),
            format!("is a second one, beside that of {first}; one container of a task routes logs"),
        );
    }
    let proxy = task
        .get("proxyConfiguration")
        .and_then(|proxy| proxy["containerName"].as_str());
    let names: Vec<&str> = std::iter::once(AGENT)
        .chain(sidecars.iter().map(|sidecar| sidecar.name.as_str()))
        .collect();
    if let Some(proxy) = proxy.filter(|proxy| !names.contains(proxy)) {
        faults.add(
            "ProxyConfiguration.ContainerName",
            format!(
                "is {proxy}, which is not a container of the task; there are {}",
                list(&names),
                proxy = quoted(proxy)
            ),
        );
    }
}
