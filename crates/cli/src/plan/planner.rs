//! From one resource to what becomes of it: its values, where it can be deployed to, and what the function would say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Agent, Composed, Finding, Outcome, assumption, dropped, placed,
    settle::{self, Settled},
};
use crate::template::{self, Deployment, Entry, Evaluator, Extent, Given, Node, Properties, Weight, of_key};
use agent_composer_model::{
    Fault,
    composition::Composition,
    identity::{Family, Identity, Owner, StackId},
    settings::Settings,
};

/// Plans the resources of one template, one after the other.
pub(super) struct Planner<'a, 'b> {
    evaluator: &'a mut Evaluator<'b>,
    given: &'a Given,
    settings: &'a Settings,
    findings: &'a mut Vec<Finding>,
    /// Where nothing is taken for granted.
    base: Deployment,
    /// What the resources so far fit that are made in any case: a template is deployed to one place.
    fixed: Deployment,
    /// Every deployment that something was composed for.
    deployments: Vec<Deployment>,
    /// Texts that may be secrets in the clear.
    secrets: Vec<String>,
}

/// What comes of a resource's properties in one deployment.
struct Attempt {
    deployment: Deployment,
    properties: Properties,
    settled: Settled,
    owner: Owner,
    composed: Option<(Identity, Composition)>,
    /// The faults that no unknown value excuses.
    certain: Vec<Fault>,
}

impl<'a, 'b> Planner<'a, 'b> {
    pub(super) fn new(
        evaluator: &'a mut Evaluator<'b>,
        given: &'a Given,
        settings: &'a Settings,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        let base = evaluator.deployment().clone();
        Self {
            evaluator,
            given,
            settings,
            findings,
            fixed: base.clone(),
            deployments: vec![base.clone()],
            secrets: Vec::new(),
            base,
        }
    }

    /// Every deployment that something was composed for, and the texts that may be secrets.
    pub(super) fn done(self) -> (Vec<Deployment>, Vec<String>) {
        (self.deployments, self.secrets)
    }

    /// What becomes of one resource.
    pub(super) fn plan(&mut self, entry: &Entry) -> Agent {
        let (logical_id, resource, at) = (entry.name.as_str(), &entry.value, of_key(entry));
        let agent = |condition: Option<String>, family, outcome| Agent {
            logical_id: logical_id.to_owned(),
            at,
            condition,
            family,
            outcome,
        };
        let condition = resource.entry("Condition");
        let name = condition.and_then(|entry| entry.value.text());
        if let Some((entry, name)) = condition.zip(name)
            && self.evaluator.condition(name, template::of_entry(entry)) == Some(false)
        {
            return agent(None, None, Outcome::Left(name.to_owned()));
        }
        let conditional = name.filter(|name| self.evaluator.condition(name, at).is_none());
        let conditional = conditional.map(ToOwned::to_owned);

        let Some(written) = resource.entry("Properties") else {
            self.find(
                logical_id,
                None,
                at,
                "has no `Properties`; `Image` and `ServiceToken` are required",
                false,
            );
            return agent(conditional, None, Outcome::Refused);
        };
        let Some(best) = self.best(logical_id, &written.value) else {
            self.find(
                logical_id,
                None,
                at,
                "belongs to no stack: the Region or the account that was given can't be one",
                false,
            );
            return agent(conditional, None, Outcome::Refused);
        };
        if conditional.is_none() && best.certain.is_empty() {
            self.fixed = best.deployment.clone();
        }
        let family = family(&best);
        let outcome = self.outcome(logical_id, written, best);
        agent(conditional, family, outcome)
    }

    /// The attempt with the fewest faults, or of those the one that takes the least for granted.
    fn best(&mut self, logical_id: &str, written: &Node) -> Option<Attempt> {
        let mut best = self.attempt(logical_id, written, &self.fixed.clone())?;
        if !best.certain.is_empty() || best.composed.is_none() {
            let candidates = assumption::candidates(
                &best.deployment,
                self.given,
                self.evaluator.mark(),
                &best.settled.values,
            );
            for candidate in candidates.into_iter().skip(1) {
                let Some(attempt) = self.attempt(logical_id, written, &candidate) else {
                    continue;
                };
                let rank = |one: &Attempt| (one.certain.len(), one.composed.is_none());
                if rank(&attempt) < rank(&best) {
                    best = attempt;
                }
                if rank(&best) == (0, false) {
                    break;
                }
            }
        }
        self.evaluator.deploy(self.base.clone());
        if !self.deployments.contains(&best.deployment) {
            self.deployments.push(best.deployment.clone());
        }
        Some(best)
    }

    fn attempt(&mut self, logical_id: &str, written: &Node, deployment: &Deployment) -> Option<Attempt> {
        self.evaluator.deploy(deployment.clone());
        let mut properties = self.evaluator.properties(written);
        let owner = self.owner(logical_id)?;
        let values = std::mem::take(&mut properties.values);
        let settings = self.settings;
        let settled = settle::settle(self.evaluator, values, &settings.task_role_path, |values| {
            Composition::of(values, &owner, settings).err().unwrap_or_default()
        });
        let composed = Composition::of(&settled.values, &owner, settings);
        let faults: Vec<Fault> = match &composed {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().cloned().collect(),
        };
        let certain = faults
            .into_iter()
            .filter(|fault| !settled.excuses(&fault.path) && !may_be_added(&properties, fault))
            .collect();
        Some(Attempt {
            deployment: deployment.clone(),
            properties,
            settled,
            owner,
            composed: composed.ok(),
            certain,
        })
    }

    fn outcome(&mut self, logical_id: &str, written: &Entry, mut attempt: Attempt) -> Outcome {
        attempt.properties.places.insert(String::new(), of_key(written));
        let is_refused = self.refuses(logical_id, &attempt);
        self.note_dropped(logical_id, &attempt);
        if is_refused {
            return Outcome::Refused;
        }
        let Attempt {
            deployment,
            properties: _,
            mut settled,
            owner,
            composed,
            certain: _,
        } = attempt;
        let Some((identity, composition)) = composed else {
            return Outcome::NotKnown;
        };
        let settings = self.settings;
        let compose = |values: &Map<String, Value>| {
            let composed = Composition::of(values, &owner, settings);
            composed.ok().map(|(_, composition)| composition)
        };
        placed::place(
            self.evaluator,
            &mut settled.assumed,
            &settled.values,
            &composition,
            compose,
        );
        let may_be_absent = settled.pointers.iter().filter(|pointer| {
            let text = text_at(&settled.values, pointer);
            text.is_some_and(|text| self.evaluator.meaning(&text).1.to_string().contains("AWS::NoValue"))
                && !placed::can_be_left_out(pointer, &settled.values, &composition, compose)
        });
        let may_be_absent = may_be_absent.map(|pointer| settle::path(pointer)).collect();
        Outcome::Composed(Box::new(Composed {
            identity,
            properties: settled.values,
            composition,
            assumed: settled.assumed,
            may_be_absent,
            inferred: self.inferred(&deployment),
        }))
    }

    /// Reports what the provider would refuse for sure, if there is something.
    fn refuses(&mut self, logical_id: &str, attempt: &Attempt) -> bool {
        let Properties {
            places, keys, added_to, ..
        } = &attempt.properties;
        let values = &attempt.settled.values;
        let token = values.get("ServiceToken").and_then(Value::as_str);
        let has_token = token.is_some_and(|token| !token.is_empty()) || added_to.iter().any(String::is_empty);
        if !has_token {
            let sentence = "`ServiceToken` is required: the ARN of the provider's function, such as \
                            `!ImportValue buildkite-agent-provider-ServiceToken`";
            let at = nearest_place(places, "ServiceToken");
            self.find(logical_id, Some("ServiceToken"), at, sentence, false);
        }
        for fault in &attempt.certain {
            let key = keys.get(&fault.path);
            let key = key.filter(|_| is_about_the_key(fault, values, &attempt.owner, self.settings));
            let at = key.copied().unwrap_or_else(|| nearest_place(places, &fault.path));
            let may_be_a_secret = fault.may_be_a_secret();
            self.find(logical_id, Some(&fault.path), at, &fault.to_string(), may_be_a_secret);
            if may_be_a_secret {
                let value = text_at(values, &pointer(&fault.path));
                // A shorter one would be found in everything.
                self.secrets.extend(value.filter(|value| value.len() > 3));
            }
        }
        !has_token || !attempt.certain.is_empty()
    }

    /// Notes the variables that newer agents do not read.
    fn note_dropped(&mut self, logical_id: &str, attempt: &Attempt) {
        for (path, problem) in dropped::variables(&attempt.settled.values) {
            self.findings.push(Finding {
                weight: Weight::Note,
                logical_id: Some(logical_id.to_owned()),
                at: nearest_place(&attempt.properties.places, &path),
                sentence: format!("`{path}` {problem}"),
                path: Some(path),
                may_show_a_secret: false,
            });
        }
    }

    /// What of the deployment follows from the properties alone.
    fn inferred(&self, deployment: &Deployment) -> Vec<(&'static str, String)> {
        let known = [
            ("partition", deployment.partition(), self.base.partition()),
            ("Region", &deployment.region, &self.base.region),
            ("account", &deployment.account, &self.base.account),
        ];
        known
            .into_iter()
            .filter(|(_, taken, base)| taken != base && self.evaluator.mark().leaves(taken))
            // Where nearly everybody is.
            .filter(|(_, taken, _)| *taken != "aws")
            .map(|(what, taken, _)| (what, taken.to_owned()))
            .collect()
    }

    fn find(&mut self, logical_id: &str, path: Option<&str>, at: Extent, sentence: &str, may_show_a_secret: bool) {
        self.findings.push(Finding {
            weight: Weight::Fault,
            logical_id: Some(logical_id.to_owned()),
            path: path.map(ToOwned::to_owned),
            at,
            sentence: sentence.to_owned(),
            may_show_a_secret,
        });
    }

    /// The owner that the stack will be, or one of the same account and Region.
    fn owner(&self, logical_id: &str) -> Option<Owner> {
        let Deployment { region, account } = self.evaluator.deployment();
        let partition = self.evaluator.deployment().partition();
        let name = self.given.stack_name.as_deref().unwrap_or("stack");
        let made_up = || format!("arn:{partition}:cloudformation:{region}:{account}:stack/{name}/not-made-yet");
        Some(Owner {
            stack_id: StackId::parse(&self.given.stack_id.clone().unwrap_or_else(made_up))?,
            logical_id: logical_id.to_owned(),
        })
    }
}

/// The family that a resource wants, whatever else is wrong with it.
fn family(attempt: &Attempt) -> Option<Family> {
    match attempt.settled.values.get("TaskFamily") {
        None | Some(Value::Null) => Some(Family::of_logical_id(&attempt.owner.logical_id)),
        Some(Value::String(name)) if name.is_empty() => Some(Family::of_logical_id(&attempt.owner.logical_id)),
        Some(name) => name.as_str().and_then(Family::parse),
    }
}

/// Whether a fault is about what a transform or a loop may yet add.
fn may_be_added(properties: &Properties, fault: &Fault) -> bool {
    let around = fault.path.rsplit_once('.').map_or("", |(around, _)| around);
    fault.problem.starts_with("is required") && properties.added_to.iter().any(|path| path == around)
}

/// Whether a fault is about a name rather than about what is under it: it stays without that.
fn is_about_the_key(fault: &Fault, values: &Map<String, Value>, owner: &Owner, settings: &Settings) -> bool {
    let mut tried = Value::Object(values.clone());
    let Some(slot) = tried.pointer_mut(&pointer(&fault.path)) else {
        return false;
    };
    *slot = Value::Null;
    let faults = tried
        .as_object()
        .and_then(|tried| Composition::of(tried, owner, settings).err());
    faults.is_some_and(|faults| faults.iter().any(|one| one == fault))
}

/// `Secrets[1].Name` as a JSON pointer.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}

/// The text at a JSON pointer.
fn text_at(values: &Map<String, Value>, pointer: &str) -> Option<String> {
    let text = Value::Object(values.clone()).pointer(pointer)?.as_str()?.to_owned();
    Some(text)
}

/// Where a path is written, or else what is around it.
fn nearest_place(places: &BTreeMap<String, Extent>, path: &str) -> Extent {
    let mut path = path;
    loop {
        if let Some(at) = places.get(path) {
            return *at;
        }
        if path.is_empty() {
            return Extent::default();
        }
        path = path.rfind(['.', '[']).map_or("", |end| &path[..end]);
    }
}
