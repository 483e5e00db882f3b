//! The logical ids that the macro made of each resource, and what takes the place of a reference to one.

use std::collections::HashMap;

use super::resources::Resource;
use crate::template::Node;

/// What the macro made of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    TaskDefinition,
    LogGroup,
    ExecutionRole,
    TaskRole,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [
        Self::TaskDefinition,
        Self::LogGroup,
        Self::ExecutionRole,
        Self::TaskRole,
    ];

    /// What the macro put behind the resource's logical id.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::TaskDefinition => "TaskDefinition",
            Self::LogGroup => "LogGroup",
            Self::ExecutionRole => "ExecutionRole",
            Self::TaskRole => "TaskRole",
        }
    }

    /// Whether the migration makes it anew, so that what refers to it has another value afterwards.
    pub(super) fn is_another_one(self) -> bool {
        self != Self::LogGroup
    }
}

/// What is where the macro's logical id stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    /// `!Ref` of the resource.
    Reference,
    /// An attribute of the resource.
    Attribute(&'static str),
    /// The log group's ARN, of its name.
    LogGroupArn,
    /// Nothing; with what an author can do.
    Nothing(&'static str),
}

impl Successor {
    /// Of `!Ref`.
    pub(super) fn of_reference(part: Part) -> Self {
        match part {
            Part::TaskDefinition => Self::Reference,
            Part::LogGroup => Self::Attribute("LogGroupName"),
            Part::TaskRole => Self::Attribute("TaskRoleName"),
            Part::ExecutionRole => Self::Nothing(
                "no attribute has the execution role's name; it is the last part of `ExecutionRoleArn`, \
                 under the default path `!Select [2, !Split ['/', !GetAtt RESOURCE.ExecutionRoleArn]]`",
            ),
        }
    }

    /// Of `!GetAtt`.
    pub(super) fn of_attribute(part: Part, attribute: &str) -> Self {
        match (part, attribute) {
            (Part::TaskDefinition, "TaskDefinitionArn") => Self::Attribute("TaskDefinitionArn"),
            (Part::LogGroup, "Arn") => Self::LogGroupArn,
            (Part::TaskRole, "Arn") => Self::Attribute("TaskRoleArn"),
            (Part::TaskRole, "RoleId") => Self::Attribute("TaskRoleId"),
            (Part::ExecutionRole, "Arn") => Self::Attribute("ExecutionRoleArn"),
            (Part::ExecutionRole, "RoleId") => Self::Nothing("no attribute has the execution role's unique id"),
            _ => Self::Nothing("the macro made no such attribute"),
        }
    }
}

/// The log group's ARN as `AWS::Logs::LogGroup` gives it.
pub(super) fn log_group_arn(resource: &str) -> String {
    format!(
        "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{resource}.LogGroupName}}:*"
    )
}

/// All logical ids that the macro made, with the resource that each was made of.
pub(super) struct Generated(HashMap<String, (String, Part)>);

impl Generated {
    /// Without those that the template itself declares, as what refers to them may mean either.
    pub(super) fn of(root: &Node, resources: &[Resource<'_>]) -> Self {
        let declared = |name: &str| {
            let is_in = |section: &str| root.get(section).is_some_and(|section| section.get(name).is_some());
            is_in("Resources") && !resources.iter().any(|resource| resource.name == name) || is_in("Parameters")
        };
        let made = resources.iter().flat_map(|resource| {
            let names = std::iter::once(resource.name).chain(resource.in_passes.iter().map(String::as_str));
            names.flat_map(move |name| {
                (Part::ALL.into_iter())
                    .filter(|part| *part != Part::TaskRole || resource.makes_its_task_role)
                    .map(move |part| (format!("{name}{}", part.suffix()), (name.to_owned(), part)))
            })
        });
        Self(made.filter(|(name, _)| !declared(name)).collect())
    }

    /// The resource that a logical id was made of.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Part)> {
        self.0.get(name).map(|(resource, part)| (resource.as_str(), *part))
    }

    /// A logical id of the macro's that a text names among other words.
    pub(super) fn named_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| self.0.contains_key(*word))
    }
}
