//! What a template would come to, before it is deployed: every `Custom::BuildkiteAgent` in it, validated and composed by
//! the same code as in the function, with the place of every fault.

mod difference;
mod document;
mod mermaid;
mod native;
mod report;
mod settle;
mod survey;
mod tree;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use difference::{Change, Line, Standing, changes, difference, differences};
pub use document::{Documents, document};
pub use mermaid::mermaid;
pub use native::{Native, native};
pub use report::report;
pub use tree::tree;

use crate::{
    schema::TYPE,
    template::{self, Evaluator, Extent, Given, Mark, Node, Unknown, Unreadable, Wrong},
};
use agent_composer_model::{
    Fault, Faults,
    composition::Composition,
    identity::{Family, Identity, Owner, StackId},
    properties::Properties,
    settings::Settings,
};

/// A template, and what becomes of each agent in it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The template.
    pub template: Node,
    /// The agents, in the template's order.
    pub agents: Vec<Agent>,
    /// What is wrong, in the order of the template.
    pub findings: Vec<Finding>,
    /// What only the deployment knows, with what stands for it in all texts.
    pub unknowns: Vec<Unknown>,
}

/// One resource of the template's.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it is.
    pub at: Extent,
    /// Its condition, where it has one that can't be known.
    pub condition: Option<String>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a resource.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing: the condition of that name does not hold.
    Left(String),
    /// Nothing: it would be refused.
    Refused,
    /// It can't be said before the deployment.
    NotKnown,
    /// What would be made.
    Composed(Box<Composed>),
}

/// What would be made of a resource.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Its names.
    pub identity: Identity,
    /// The desired state.
    pub composition: Composition,
    /// Properties whose value is not known, and what is shown in its place.
    pub assumed: Vec<Assumed>,
}

/// A property whose value is not known and whose place no stand-in can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// Its path.
    pub path: String,
    /// What was written.
    pub written: String,
    /// What it is taken to be; none where it is taken to be absent.
    pub taken: Option<String>,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The resource.
    pub logical_id: Option<String>,
    /// The property's path, where it is about one.
    pub path: Option<String>,
    /// Where.
    pub at: Extent,
    /// What, with the path: the provider's own sentence.
    pub sentence: String,
}

impl Plan {
    /// Plans a template's text.
    ///
    /// # Errors
    /// Where it is no template.
    pub fn of(text: &str, given: &Given, settings: &Settings) -> Result<Self, Unreadable> {
        let template = template::read(text)?;
        let mut evaluator = Evaluator::new(&template, given, Mark::absent_from(text));
        let resources = template.get("Resources").map(Node::entries).unwrap_or_default();
        let mut findings = Vec::new();
        let mut agents = Vec::new();
        for entry in resources {
            if entry.value.get("Type").and_then(Node::text) != Some(TYPE) {
                continue;
            }
            let at = Extent {
                start: entry.at,
                end: entry.until,
            };
            let mut planner = Planner {
                evaluator: &mut evaluator,
                given,
                settings,
                findings: &mut findings,
            };
            let (condition, outcome) = planner.plan(&entry.name, &entry.value, at);
            agents.push(Agent {
                logical_id: entry.name.clone(),
                at,
                condition,
                outcome,
            });
        }
        findings.extend(survey::families_used_twice(&template, &agents));
        findings.extend(survey::attributes(&template, &agents));
        findings.extend(survey::resources_of_the_macro(&template));
        let mut unknowns = std::mem::take(&mut evaluator.unknowns);
        unknowns.extend(deployment(&evaluator, given, &agents));
        findings.extend(evaluator.wrong.into_iter().map(|Wrong { at, problem }| Finding {
            logical_id: None,
            path: None,
            at,
            sentence: problem,
        }));
        for finding in &mut findings {
            finding.sentence = template::restore::shown(&finding.sentence, &unknowns);
        }
        findings.sort_by_key(|finding| finding.at.start);
        findings.dedup();
        Ok(Self {
            template,
            agents,
            findings,
            unknowns,
        })
    }

    /// The agents that would be made.
    pub fn composed(&self) -> impl Iterator<Item = (&Agent, &Composed)> {
        self.agents.iter().filter_map(|agent| match &agent.outcome {
            Outcome::Composed(composed) => Some((agent, &**composed)),
            Outcome::Left(_) | Outcome::Refused | Outcome::NotKnown => None,
        })
    }

    /// The containers whose image is not known, so that nothing can be said of the right to pull it.
    #[must_use]
    pub fn images_not_known<'a>(&self, composed: &'a Composed) -> Vec<&'a str> {
        let containers = &composed.composition.task_definition.container_definitions;
        let is_known = |image: &str| template::restore::known_parts(image, &self.unknowns).len() == 1;
        // A host of ECR's is told also where its Region or account is not known.
        let is_told = |image: &str| image.contains(".dkr.ecr.") && image.contains(".amazonaws.com");
        (containers.iter())
            .filter(|container| !is_known(&container.image) && !is_told(&container.image))
            .map(|container| container.name.as_str())
            .collect()
    }

    /// A text as it is shown: with `${…}` for what is not known.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        template::restore::shown(text, &self.unknowns)
    }
}

/// What the deployment itself decides: Region, account, and the ends of the roles' names.
fn deployment(evaluator: &Evaluator<'_>, given: &Given, agents: &[Agent]) -> Vec<Unknown> {
    let pseudo = |name: &str, text: String| Unknown {
        text,
        shown: name.to_owned(),
        expression: json!({"Ref": name}),
    };
    let mut unknowns = Vec::new();
    if given.region.is_none() {
        unknowns.push(pseudo("AWS::Region", evaluator.region()));
    }
    if given.account.is_none() {
        unknowns.push(pseudo("AWS::AccountId", evaluator.account()));
    }
    if given.stack_id.is_none() {
        for agent in agents {
            let Outcome::Composed(composed) = &agent.outcome else {
                continue;
            };
            let name = composed.identity.task_role_name();
            let hash = name.rsplit('-').next().unwrap_or_default();
            unknowns.push(Unknown {
                text: hash.to_owned(),
                shown: "HASH".to_owned(),
                expression: Value::Null,
            });
        }
    }
    unknowns
}

struct Planner<'a, 'b> {
    evaluator: &'a mut Evaluator<'b>,
    given: &'a Given,
    settings: &'a Settings,
    findings: &'a mut Vec<Finding>,
}

impl Planner<'_, '_> {
    /// What becomes of one resource, and its condition if that can't be known.
    fn plan(&mut self, logical_id: &str, resource: &Node, at: Extent) -> (Option<String>, Outcome) {
        let condition = resource.entry("Condition");
        let name = condition.and_then(|entry| entry.value.text());
        if let Some((entry, name)) = condition.zip(name)
            && self.evaluator.condition(name, template::of_entry(entry)) == Some(false)
        {
            return (None, Outcome::Left(name.to_owned()));
        }
        let conditional = name.filter(|name| self.evaluator.condition(name, at).is_none());
        let conditional = conditional.map(ToOwned::to_owned);

        let Some(written) = resource.entry("Properties") else {
            self.find(
                logical_id,
                None,
                at,
                "has no `Properties`; `Image` and `ServiceToken` are required",
            );
            return (conditional, Outcome::Refused);
        };
        let template::Properties { values, mut places } = self.evaluator.properties(&written.value);
        places.insert(
            String::new(),
            Extent {
                start: written.at,
                end: written.until,
            },
        );
        let service_token = values.get("ServiceToken").and_then(Value::as_str).unwrap_or_default();
        let has_token = !service_token.is_empty();
        if !has_token {
            let sentence = "`ServiceToken` is required: the ARN of the provider's function, such as \
                            `!ImportValue buildkite-agent-provider-ServiceToken`";
            self.find(
                logical_id,
                Some("ServiceToken"),
                nearest_place(&places, "ServiceToken"),
                sentence,
            );
        }
        let Some(owner) = self.owner(logical_id) else {
            self.find(
                logical_id,
                None,
                at,
                "has no stack to be of: the Region or account that was given is none",
            );
            return (conditional, Outcome::Refused);
        };
        let settled = settle::settle(self.evaluator, values, |values| {
            compose(values, &owner, self.settings).err().unwrap_or_default()
        });
        let outcome = match compose(&settled.values, &owner, self.settings) {
            Ok((identity, composition)) => {
                self.evaluator
                    .unknowns
                    .extend(backend_url(self.evaluator, &composition, &settled.values));
                Outcome::Composed(Box::new(Composed {
                    identity,
                    composition,
                    assumed: settled.assumed,
                }))
            }
            Err(faults) => {
                let certain: Vec<&Fault> = faults.iter().filter(|fault| !settled.excuses(&fault.path)).collect();
                for fault in &certain {
                    let at = nearest_place(&places, &fault.path);
                    self.find(logical_id, Some(&fault.path), at, &fault.to_string());
                }
                if certain.is_empty() {
                    Outcome::NotKnown
                } else {
                    Outcome::Refused
                }
            }
        };
        (conditional, if has_token { outcome } else { Outcome::Refused })
    }

    fn find(&mut self, logical_id: &str, path: Option<&str>, at: Extent, sentence: &str) {
        self.findings.push(Finding {
            logical_id: Some(logical_id.to_owned()),
            path: path.map(ToOwned::to_owned),
            at,
            sentence: sentence.to_owned(),
        });
    }

    /// The owner that the stack will be, or one of the same account and Region.
    fn owner(&self, logical_id: &str) -> Option<Owner> {
        let (region, account) = (self.evaluator.region(), self.evaluator.account());
        let partition = agent_composer_model::partition::name(&region);
        let name = self.given.stack_name.as_deref().unwrap_or("stack");
        let made_up = || format!("arn:{partition}:cloudformation:{region}:{account}:stack/{name}/not-made-yet");
        Some(Owner {
            stack_id: StackId::parse(&self.given.stack_id.clone().unwrap_or_else(made_up))?,
            logical_id: logical_id.to_owned(),
        })
    }
}

/// The backend's URL, of which the API's id is a part, where the ARN is not known.
fn backend_url(evaluator: &Evaluator<'_>, composition: &Composition, written: &Map<String, Value>) -> Option<Unknown> {
    let backend = written.get("SshAgentBackend")?.as_str()?;
    let containers = &composition.task_definition.container_definitions;
    let mut variables = containers.iter().flat_map(|container| &container.environment);
    let url = variables.find(|variable| variable.name == "IAM_SSH_AGENT_BACKEND_URL")?;
    let api = url.value.strip_prefix("https://")?.split('.').next()?;
    if evaluator.mark().leaves(api) {
        return None;
    }
    let unknowns = &evaluator.unknowns;
    let arn = template::restore::expression(backend, unknowns);
    let part = |separator: &str, index: u8, of: &Value| json!({"Fn::Select": [index, {"Fn::Split": [separator, of]}]});
    let until_stage = part("/", 0, &arn);
    Some(Unknown {
        text: url.value.clone(),
        shown: format!(
            "URL of {}",
            template::restore::shown(backend, unknowns).replace(['$', '{', '}'], "")
        ),
        expression: json!({"Fn::Sub": ["https://${Api}.execute-api.${Region}.${AWS::URLSuffix}/${Stage}", {
            "Api": part(":", 5, &until_stage),
            "Region": part(":", 3, &until_stage),
            "Stage": part("/", 1, &arn),
        }]}),
    })
}

/// Validates and composes, as the function does.
fn compose(
    written: &Map<String, Value>,
    owner: &Owner,
    settings: &Settings,
) -> Result<(Identity, Composition), Faults> {
    let properties = Properties::validate(written, owner, settings)?;
    let identity = Identity {
        owner: owner.clone(),
        family: Family::clone(&properties.family),
    };
    let composition = Composition::compose(&identity, &properties, settings).fitting()?;
    Ok((identity, composition))
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

#[cfg(test)]
mod tests;
