//! Admission: whether CloudFormation still waits for a request. One pure decision, made before the first write.
//!
//! Lambda may deliver an event late, twice or out of order, and anybody who may invoke the function can forge one. So a
//! request is carried out only while CloudFormation's own view shows the resource in the state that such a request puts it
//! in (docs/internals/lifecycle.md).

use aws_sdk_cloudformation::types::StackStatus;

use crate::{aws::ObservedResource, request::RequestType};

/// What the stack's status says about a request whose URL carries no time, which only a local cloud's does: without a time
/// the resource's status can't be compared, and local clouds do not show one while an operation is in progress.
#[must_use]
pub fn admit_untimed(stack: Stack) -> Admission {
    match stack {
        Stack::NotAsked => Admission::AskStack,
        Stack::AtRest => Admission::Over,
        Stack::InProgress | Stack::CleaningUpAfterRollback => Admission::Act,
    }
}

/// How many seconds after a Create's URL its status may be stamped. A later stamp belongs to a newer Create.
const LATEST_STAMP: i64 = 60;

/// What the view says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// CloudFormation waits for it: carry it out.
    Act,
    /// Only the stack's status can show it.
    AskStack,
    /// CloudFormation does not wait for it: change nothing.
    Over,
}

/// What a resource's status means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The stack has no such resource, or does not exist.
    Absent,
    /// `CREATE_IN_PROGRESS`.
    Creating,
    /// `UPDATE_IN_PROGRESS`, or the rollback of an update.
    Updating,
    /// Created, updated or imported, well or badly: the stack relies on it.
    Live,
    /// `DELETE_IN_PROGRESS`.
    Deleting,
    /// `DELETE_COMPLETE` or `DELETE_SKIPPED`.
    Removed,
    /// Neither complete nor in progress, such as `CREATE_FAILED`.
    Failed,
}

/// What a stack's status means for a Delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Nobody asked for it yet.
    NotAsked,
    /// No operation is in progress, or the stack does not exist.
    AtRest,
    /// An operation is in progress.
    InProgress,
    /// `UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS`: what the update created is being deleted.
    CleaningUpAfterRollback,
}

/// A request and what the resource shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// What is asked for.
    pub request: RequestType,
    /// The resource's status.
    pub status: Status,
    /// Whether, for a Create, the status is stamped in time and does not show yet the id that the answer would have.
    pub is_unanswered: bool,
    /// Whether, for a Delete, the resource shows the id of the very family to remove.
    pub is_shown: bool,
    /// Whether the status may be older than the request, so that the view may lag behind.
    pub may_lag: bool,
}

impl View {
    /// Reads the view. `made` is when CloudFormation made the request, in seconds since 1970; `id` is the physical id that
    /// a Create would answer with, or that names the family which a Delete removes.
    #[must_use]
    pub fn of(request: RequestType, made: u64, id: &str, resource: Option<&ObservedResource>) -> Self {
        let made = i64::try_from(made).unwrap_or(i64::MAX);
        let since = resource.and_then(|resource| resource.since);
        let shown = resource.and_then(|resource| resource.physical_id.as_deref());
        let is_shown = shown == Some(id);
        Self {
            request,
            status: resource.map_or(Status::Absent, |resource| Status::of(&resource.status)),
            is_unanswered: !is_shown && since.is_none_or(|since| since <= made.saturating_add(LATEST_STAMP)),
            is_shown,
            may_lag: since.is_none_or(|since| since <= made),
        }
    }

    /// Decides.
    #[must_use]
    pub fn admit(self, stack: Stack) -> Admission {
        use Admission::{Act, AskStack, Over};
        match self.request {
            RequestType::Create => match self.status {
                Status::Creating if self.is_unanswered => Act,
                Status::Creating
                | Status::Absent
                | Status::Updating
                | Status::Live
                | Status::Deleting
                | Status::Removed
                | Status::Failed => Over,
            },
            RequestType::Update => match self.status {
                Status::Updating => Act,
                Status::Absent
                | Status::Creating
                | Status::Live
                | Status::Deleting
                | Status::Removed
                | Status::Failed => Over,
            },
            RequestType::Delete => match self.status {
                Status::Deleting => Act,
                Status::Removed => Over,
                Status::Absent | Status::Creating | Status::Updating | Status::Live | Status::Failed => match stack {
                    Stack::NotAsked => AskStack,
                    Stack::AtRest => Over,
                    Stack::InProgress if self.is_relied_on() => Over,
                    Stack::InProgress | Stack::CleaningUpAfterRollback => Act,
                },
            },
        }
    }

    /// Whether the stack relies on the very family that a Delete removes, or is about to.
    fn is_relied_on(self) -> bool {
        match self.status {
            Status::Creating => true,
            Status::Live | Status::Updating => self.is_shown,
            Status::Absent | Status::Deleting | Status::Removed | Status::Failed => false,
        }
    }
}

impl Status {
    /// Reads `ResourceStatus`.
    #[must_use]
    pub fn of(status: &str) -> Self {
        match status {
            "CREATE_IN_PROGRESS" => Self::Creating,
            "UPDATE_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS" => Self::Updating,
            "CREATE_COMPLETE" => Self::Live,
            "DELETE_IN_PROGRESS" => Self::Deleting,
            "DELETE_COMPLETE" | "DELETE_SKIPPED" => Self::Removed,
            _ if status.starts_with("UPDATE_") || status.starts_with("IMPORT_") => Self::Live,
            _ => Self::Failed,
        }
    }
}

impl Stack {
    /// Reads `StackStatus`; `None` where the stack does not exist.
    #[must_use]
    pub fn of(status: Option<&StackStatus>) -> Self {
        match status {
            Some(StackStatus::UpdateRollbackCompleteCleanupInProgress) => Self::CleaningUpAfterRollback,
            // A change set waits for its review: nothing is in progress.
            None | Some(StackStatus::ReviewInProgress) => Self::AtRest,
            Some(status) if status.as_str().ends_with("_IN_PROGRESS") => Self::InProgress,
            Some(_) => Self::AtRest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RequestType::{Create, Delete, Update};

    const ID: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2";
    const OTHER: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby";
    const MADE: u64 = 1_795_464_900;

    const STATUSES: [Status; 7] = [
        Status::Absent,
        Status::Creating,
        Status::Updating,
        Status::Live,
        Status::Deleting,
        Status::Removed,
        Status::Failed,
    ];
    const STACKS: [Stack; 4] = [
        Stack::NotAsked,
        Stack::AtRest,
        Stack::InProgress,
        Stack::CleaningUpAfterRollback,
    ];

    #[test]
    fn the_whole_table() {
        let mut rows = Vec::new();
        let mut row = |what: String, decision: Admission| rows.push(format!("{what:<60} {decision:?}"));
        let view = |request, status| View {
            request,
            status,
            is_unanswered: true,
            is_shown: false,
            may_lag: false,
        };
        for status in STATUSES {
            for is_unanswered in [true, false] {
                let view = View {
                    is_unanswered,
                    ..view(Create, status)
                };
                let answered = if is_unanswered {
                    ""
                } else {
                    ", answered or of a newer Create"
                };
                row(format!("Create, {status:?}{answered}"), view.admit(Stack::NotAsked));
            }
        }
        for status in STATUSES {
            row(
                format!("Update, {status:?}"),
                view(Update, status).admit(Stack::NotAsked),
            );
        }
        for status in STATUSES {
            for is_shown in [false, true] {
                for stack in STACKS {
                    let view = View {
                        is_shown,
                        ..view(Delete, status)
                    };
                    let shown = if is_shown { " under this id" } else { "" };
                    row(format!("Delete, {status:?}{shown}, stack {stack:?}"), view.admit(stack));
                }
            }
        }
        for stack in STACKS {
            row(format!("URL without a time, stack {stack:?}"), admit_untimed(stack));
        }
        insta::assert_snapshot!(rows.join("\n"));
    }

    fn resource(status: &str, id: Option<&str>, since: Option<i64>) -> ObservedResource {
        ObservedResource {
            status: status.to_owned(),
            physical_id: id.map(str::to_owned),
            since,
        }
    }

    fn made_plus(seconds: i64) -> i64 {
        i64::try_from(MADE).unwrap() + seconds
    }

    #[test]
    fn a_create_is_open_while_its_status_is_stamped_within_a_minute() {
        for (seconds, decision) in [
            (-300, Admission::Act),
            (0, Admission::Act),
            (60, Admission::Act),
            (61, Admission::Over),
        ] {
            let shown = resource("CREATE_IN_PROGRESS", None, Some(made_plus(seconds)));
            let view = View::of(Create, MADE, ID, Some(&shown));
            assert_eq!(view.admit(Stack::NotAsked), decision, "{seconds}");
        }
    }

    #[test]
    fn a_create_whose_id_is_shown_has_been_answered() {
        let open = |id| {
            View::of(
                Create,
                MADE,
                ID,
                Some(&resource("CREATE_IN_PROGRESS", id, Some(made_plus(0)))),
            )
            .admit(Stack::NotAsked)
        };
        assert_eq!(open(Some(ID)), Admission::Over);
        assert_eq!(open(Some(OTHER)), Admission::Act, "a predecessor's id");
        assert_eq!(open(Some("")), Admission::Act);
    }

    #[test]
    fn a_view_may_lag_behind_only_if_it_is_not_newer_than_the_request() {
        let lags = |since| View::of(Update, MADE, ID, Some(&resource("UPDATE_COMPLETE", Some(ID), since))).may_lag;
        assert!(lags(Some(made_plus(-1))) && lags(Some(made_plus(0))) && lags(None));
        assert!(!lags(Some(made_plus(1))));
        assert!(View::of(Update, MADE, ID, None).may_lag);
    }

    #[test]
    fn every_resource_status_of_cloudformation_has_its_meaning() {
        use aws_sdk_cloudformation::types::ResourceStatus;
        let meanings: Vec<String> = ResourceStatus::values()
            .iter()
            .map(|status| format!("{status} {:?}", Status::of(status)))
            .collect();
        insta::assert_snapshot!(meanings.join("\n"));
    }

    #[test]
    fn every_stack_status_of_cloudformation_has_its_meaning() {
        let meanings: Vec<String> = StackStatus::values()
            .iter()
            .map(|status| format!("{status} {:?}", Stack::of(Some(&StackStatus::from(*status)))))
            .collect();
        insta::assert_snapshot!(meanings.join("\n"));
        assert_eq!(Stack::of(None), Stack::AtRest);
    }
}
