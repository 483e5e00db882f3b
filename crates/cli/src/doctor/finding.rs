//! What an examination finds.

use super::facts::NotSeen;

/// What was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The newest revision.
    TaskDefinition,
    /// The stack that owns it.
    Stack,
    /// A parameter or a secret, and whether the execution role may read it.
    Secret,
    /// An image, and whether the execution role may pull it.
    Image,
    /// A log group, and whether the execution role may write to it.
    LogGroup,
    /// A role.
    Role,
    /// What starts the tasks.
    Scheduler,
    /// Tasks that have stopped.
    StoppedTask,
}

impl Check {
    /// Its name, for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskDefinition => "task-definition",
            Self::Stack => "stack",
            Self::Secret => "secret",
            Self::Image => "image",
            Self::LogGroup => "log-group",
            Self::Role => "role",
            Self::Scheduler => "scheduler",
            Self::StoppedTask => "stopped-task",
        }
    }
}

/// How an examination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// Not as it should be.
    Wrong,
    /// It could not be looked at.
    NotChecked,
}

impl Outcome {
    /// Its name, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Wrong => "wrong",
            Self::NotChecked => "not-checked",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was examined.
    pub check: Check,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found.
    pub text: String,
    /// What to do.
    pub advice: Option<String>,
}

impl Finding {
    pub(super) fn fine(check: Check, text: impl Into<String>) -> Self {
        Self::of(check, Outcome::Fine, text)
    }

    pub(super) fn note(check: Check, text: impl Into<String>) -> Self {
        Self::of(check, Outcome::Note, text)
    }

    pub(super) fn wrong(check: Check, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..Self::of(check, Outcome::Wrong, text)
        }
    }

    pub(super) fn not_checked(check: Check, what: &str, NotSeen { action, because }: &NotSeen) -> Self {
        match because {
            None => Self::left_out(check, what, &format!("needs {action}")),
            Some(because) => Self::left_out(check, what, &format!("{action}: {because}")),
        }
    }

    pub(super) fn left_out(check: Check, what: &str, why: &str) -> Self {
        Self::of(check, Outcome::NotChecked, format!("{what}: not checked: {why}"))
    }

    pub(super) fn of(check: Check, outcome: Outcome, text: impl Into<String>) -> Self {
        Self {
            check,
            outcome,
            text: text.into(),
            advice: None,
        }
    }
}
