//! What a template would make, before it is deployed: every `Custom::BuildkiteAgent` in it, validated and composed by
//! the same code as in the function, with the place of every fault.

mod agents;
mod assumption;
mod difference;
mod document;
mod dropped;
mod mermaid;
mod native;
mod placed;
mod planner;
mod report;
mod settle;
mod survey;
mod tree;
mod typed;

use serde_json::{Map, Value};

pub use difference::{Change, Counted, Existing, Line, changes, difference, differences};
pub use document::{Documents, document};
pub use mermaid::mermaid;
pub use native::{Native, native};
pub use report::report;
pub use tree::tree;

use crate::{
    schema::TYPE,
    template::{self, Evaluator, Extent, Given, Mark, Node, Unknown, Unreadable, Weight, Wrong},
};
use agent_composer_model::{
    composition::Composition,
    identity::{Family, Identity},
    settings::Settings,
};
use planner::Planner;

/// A template, and what becomes of each agent in it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The template.
    pub template: Node,
    /// The agents, in the template's order.
    pub agents: Vec<Agent>,
    /// What is wrong, in the order of the template.
    pub findings: Vec<Finding>,
    /// What only the deployment knows, with its stand-in in all texts.
    pub unknowns: Vec<Unknown>,
    /// What distinguishes a stand-in from other text.
    pub mark: Mark,
    /// Texts that may be secrets in the clear: nobody is shown them.
    pub secrets: Vec<String>,
    /// Where there may be agents that were not looked at, each with what it is.
    pub not_looked_at: Vec<String>,
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
    /// The family that it wants, where that is known or sound.
    pub family: Option<Family>,
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
    /// Not known before the deployment.
    NotKnown,
    /// What would be made.
    Composed(Box<Composed>),
}

/// What would be made of a resource.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Its names.
    pub identity: Identity,
    /// The properties that it is composed of.
    pub properties: Map<String, Value>,
    /// The desired state.
    pub composition: Composition,
    /// Properties whose value is not known, and what is shown in its place.
    pub assumed: Vec<Assumed>,
    /// The paths of properties that may be absent, and then make something other than what is shown.
    pub may_be_absent: Vec<String>,
    /// What the deployment is taken to be, as the properties fit no other: `Region` or `account`, and its value.
    pub inferred: Vec<(&'static str, String)>,
}

/// A property with a value that is not known and that no stand-in can replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// Its path.
    pub path: String,
    /// The same as a JSON pointer.
    pub pointer: String,
    /// What was written.
    pub written: String,
    /// The same with stand-ins.
    pub text: String,
    /// What it is taken to be; none where it is taken to be absent.
    pub taken: Option<String>,
    /// Where it goes in the documents that are made, as JSON pointers; none where it can't be put there as it is.
    pub places: Option<Vec<String>>,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it means.
    pub weight: Weight,
    /// The resource.
    pub logical_id: Option<String>,
    /// The property's path, where it is about one.
    pub path: Option<String>,
    /// Where.
    pub at: Extent,
    /// What, with the path: the provider's own sentence.
    pub sentence: String,
    /// Whether what is there may be a secret in the clear.
    pub may_show_a_secret: bool,
}

impl Plan {
    /// Plans a template's text.
    ///
    /// # Errors
    /// Where it is not a template.
    pub fn of(text: &str, given: &Given, settings: &Settings) -> Result<Self, Unreadable> {
        let (written, reread) = template::read_and_compare(text)?;
        let mark = Mark::absent_from(&format!("{text}{given:?}"));
        let (template, mut wrong) = template::followed(&written, given, &mark);
        let mut evaluator = Evaluator::new(&template, given, mark.clone());
        let mut findings = Vec::new();
        let found = agents::of(&template);
        let mut planner = Planner::new(&mut evaluator, given, settings, &mut findings);
        let agents: Vec<Agent> = found.iter().map(|entry| planner.plan(entry)).collect();
        let (deployments, secrets) = planner.done();
        findings.extend(agents::of_another_type(&found));
        findings.extend(survey::families_used_twice(&template, &agents));
        findings.extend(survey::attributes(&template, &agents));
        findings.extend(survey::resources_of_the_macro(&template));
        findings.extend(survey::arrives_as_another(&template, &found, &reread));
        let mut unknowns = std::mem::take(&mut evaluator.unknowns);
        unknowns.extend(deployments.iter().flat_map(|one| one.unknowns(&mark)));
        unknowns.extend(names(given, &mark, &agents));
        wrong.append(&mut evaluator.wrong);
        findings.extend(wrong.into_iter().map(|Wrong { weight, at, problem }| Finding {
            weight,
            logical_id: None,
            path: None,
            at,
            sentence: problem,
            may_show_a_secret: false,
        }));
        findings.extend(survey::secure_references(&found, &findings));
        let hidden: Vec<Extent> = (findings.iter())
            .filter(|finding| finding.may_show_a_secret)
            .map(|finding| finding.at)
            .collect();
        findings.retain(|finding| finding.weight == Weight::Fault || !hidden.contains(&finding.at));
        let mut plan = Self {
            not_looked_at: agents::not_looked_at(&template),
            template,
            agents,
            findings: Vec::new(),
            unknowns,
            mark,
            secrets,
        };
        for finding in &mut findings {
            finding.sentence = plan.shown(&finding.sentence);
        }
        findings.sort_by_key(|finding| (finding.at.start, finding.weight));
        findings.dedup();
        plan.findings = findings;
        Ok(plan)
    }

    /// How many faults there are.
    #[must_use]
    pub fn faults(&self) -> usize {
        let faults = self.findings.iter().filter(|finding| finding.weight == Weight::Fault);
        faults.count()
    }

    /// The agents that would be made.
    pub fn composed(&self) -> impl Iterator<Item = (&Agent, &Composed)> {
        self.agents.iter().filter_map(|agent| match &agent.outcome {
            Outcome::Composed(composed) => Some((agent, &**composed)),
            Outcome::Left(_) | Outcome::Refused | Outcome::NotKnown => None,
        })
    }

    /// The containers whose image is not known, so that the right to pull it is not known either.
    #[must_use]
    pub fn images_not_known<'a>(&self, composed: &'a Composed) -> Vec<&'a str> {
        let containers = &composed.composition.task_definition.container_definitions;
        let is_known = |image: &str| template::restore::known_parts(image, &self.unknowns).len() == 1;
        // A host of ECR's is recognised also where its Region or account is not known.
        let is_of_ecr = |image: &str| image.contains(".dkr.ecr") || image.contains(".dkr-ecr");
        (containers.iter())
            .filter(|container| !is_known(&container.image) && !is_of_ecr(&container.image))
            .map(|container| container.name.as_str())
            .collect()
    }

    /// A text as it is shown: with `${…}` for what is not known.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        self.mark.blotted(&template::restore::shown(text, &self.unknowns))
    }

    /// A document as it is shown.
    #[must_use]
    pub fn shown_in(&self, value: &Value) -> Value {
        template::restore::each(value, &|text| self.shown(text).into())
    }
}

/// The ends of the roles' names, which follow from the stack's ARN, and names of which only a part fits.
fn names(given: &Given, mark: &Mark, agents: &[Agent]) -> Vec<Unknown> {
    let named = |text: &str, shown: &str| Unknown {
        text: text.to_owned(),
        shown: shown.to_owned(),
        expression: Value::Null,
    };
    let mut unknowns = Vec::new();
    for agent in agents {
        let Outcome::Composed(composed) = &agent.outcome else {
            continue;
        };
        let identity = &composed.identity;
        for (name, shown) in [
            (identity.execution_role_name(), "name of the execution role"),
            (identity.task_role_name(), "name of the task role"),
        ] {
            if !mark.leaves(identity.family.as_str()) && !name.starts_with(identity.family.as_str()) {
                unknowns.push(named(&name, shown));
            }
            if given.stack_id.is_none() {
                unknowns.push(named(name.rsplit('-').next().unwrap_or_default(), "HASH"));
            }
        }
    }
    unknowns
}

#[cfg(test)]
mod tests;
