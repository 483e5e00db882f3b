//! What CloudFormation's own view of the stack tells of a request: whether it is still open, and what its run has to
//! leave (design.md section 2).

use crate::request::RequestType;

/// What was seen of the stack and of the resource in it; `None` where it can't be found out. Then a request counts as
/// open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The stack's status, such as `UPDATE_IN_PROGRESS`.
    pub stack: Option<String>,
    /// When its last update began, in milliseconds since 1970: one may begin in the second in which its stack was made.
    pub updated: Option<i64>,
    /// The resource's status and physical id.
    pub resource: Option<SeenResource>,
}

/// What was seen of the resource in its stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenResource {
    /// Its status, such as `CREATE_FAILED`; empty where the stack has no such resource.
    pub status: String,
    /// The id that CloudFormation has for it.
    pub physical_id: Option<String>,
    /// Since when it is so, in milliseconds since 1970.
    pub since: Option<i64>,
}

/// How many seconds a resource's status may be behind its request, as clocks differ.
const MARGIN: i64 = 2;

/// What the stack is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Making or changing resources.
    Forward,
    /// Taking that back.
    Rollback,
    /// Taking everything away.
    Deleting,
    /// Everything is made or changed, or that is taken back; at most deletions of what was replaced are under way.
    Settled {
        /// Whether it was taken back.
        rolled_back: bool,
    },
    /// It is gone.
    Deleted,
    /// Not known.
    Unknown,
}

/// What to do with a Create or Update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtStart {
    /// It is open: do it.
    Open,
    /// It is over: change nothing.
    Over,
    /// It is cancelled, and an earlier delivery may have left something: take it away.
    Cancelled,
}

/// What a Create or Update has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// What it made.
    Keep,
    /// Nothing.
    Destroy,
    /// Nothing that was made after that time, in seconds since 1970. What stood before is not its own to take away: a
    /// policy keeps it.
    DestroyMadeAfter(i64),
    /// A family that an Update has renamed to, and of which the stack does not tell whether the Update was taken back:
    /// nothing, if a newer request was begun under the id that it came with.
    DestroyIfOvertaken,
}

impl Seen {
    fn phase(&self) -> Phase {
        match self.stack.as_deref() {
            None | Some("") => Phase::Unknown,
            Some("DELETE_COMPLETE") => Phase::Deleted,
            Some(status) if status.starts_with("DELETE_") => Phase::Deleting,
            Some(status) if status.contains("CLEANUP") => Phase::Settled {
                rolled_back: status.contains("ROLLBACK"),
            },
            Some(status) if status.ends_with("_IN_PROGRESS") && status.contains("ROLLBACK") => Phase::Rollback,
            Some(status) if status.ends_with("_IN_PROGRESS") => Phase::Forward,
            Some(status) => Phase::Settled {
                rolled_back: status.contains("ROLLBACK"),
            },
        }
    }

    /// Whether the stack is taking an operation back.
    #[must_use]
    pub fn is_rolling_back(&self) -> bool {
        self.phase() == Phase::Rollback
    }

    /// Whether it is known that the stack is making or changing resources.
    fn is_going_forward(&self) -> bool {
        self.phase() == Phase::Forward
    }

    fn resource_status(&self) -> &str {
        self.resource.as_ref().map_or("", |resource| resource.status.as_str())
    }

    fn resource_id(&self) -> Option<&str> {
        (self.resource.as_ref()).and_then(|resource| resource.physical_id.as_deref())
    }

    /// Whether CloudFormation believes in the resource, as it is or while it is changed.
    fn is_live(&self, physical_id: &str) -> bool {
        let status = self.resource_status();
        let stands = status == "CREATE_COMPLETE" || status.starts_with("UPDATE_") || status.starts_with("IMPORT_");
        stands && self.resource_id() == Some(physical_id)
    }

    fn is_retained(&self) -> bool {
        self.resource_status() == "DELETE_SKIPPED"
    }

    /// Whether CloudFormation has given the resource up.
    fn is_given_up(&self) -> bool {
        let status = self.resource_status();
        status == "CREATE_FAILED" || status == "DELETE_IN_PROGRESS" || status == "DELETE_COMPLETE"
    }

    /// Whether the resource is being made, by a request that is newer than one that was made at `made`: a status comes
    /// before its request.
    fn is_made_again_since(&self, made: u64) -> bool {
        let since = self.resource.as_ref().and_then(|resource| resource.since);
        let is_after =
            |since: i64| since.div_euclid(1000) > i64::try_from(made).unwrap_or(i64::MAX).saturating_add(MARGIN);
        let has_no_id = (self.resource.as_ref()).is_some_and(|resource| {
            // It has one as soon as its request is answered.
            resource.physical_id.as_deref().unwrap_or_default().is_empty()
        });
        self.resource_status() == "CREATE_IN_PROGRESS" && has_no_id && since.is_some_and(is_after)
    }

    /// Whether a request that was made at `made` belongs to the stack's last update, which is also what was taken back.
    fn is_of_the_last_update(&self, made: u64) -> bool {
        let made = i64::try_from(made).unwrap_or(i64::MAX);
        self.updated.is_some_and(|updated| updated.div_euclid(1000) <= made)
    }

    /// Whether the stack has no such resource, or none any more.
    fn is_gone(&self) -> bool {
        (self.resource.as_ref()).is_some_and(|resource| ["", "DELETE_COMPLETE"].contains(&resource.status.as_str()))
    }

    /// What to do with a Create or Update that wants `physical_id`. `is_late` says that it was made long enough ago to
    /// be in its stack's view.
    #[must_use]
    pub fn at_start(&self, request_type: RequestType, physical_id: &str, is_late: bool) -> AtStart {
        let is_create = request_type == RequestType::Create;
        match self.phase() {
            // Delivered again in the middle of a later operation, when its resource had left the stack or gone on under
            // another id; a policy may keep what is still there.
            Phase::Forward if is_late && (self.is_gone() || is_create && self.went_on(physical_id)) => AtStart::Over,
            Phase::Forward | Phase::Unknown => AtStart::Open,
            Phase::Rollback if !is_create => AtStart::Open,
            // A late duplicate of a Create that stands, or stood, or whose resource its author keeps.
            _ if !is_create || self.is_live(physical_id) || self.is_retained() || self.went_on(physical_id) => {
                AtStart::Over
            }
            Phase::Rollback | Phase::Deleting | Phase::Deleted => AtStart::Cancelled,
            Phase::Settled { rolled_back } if rolled_back || self.is_given_up() => AtStart::Cancelled,
            Phase::Settled { .. } => AtStart::Over,
        }
    }

    /// What a Create or Update that wanted `physical_id` has to leave, as seen after its last write. `renames` says
    /// that it is an Update that came with another id; `made` is when CloudFormation made the request, in seconds since
    /// 1970.
    #[must_use]
    pub fn at_end(
        &self,
        request_type: RequestType,
        physical_id: &str,
        renames: bool,
        began: &Self,
        made: u64,
    ) -> AtEnd {
        if self.is_retained() {
            return AtEnd::Keep;
        }
        let phase = self.phase();
        let taken_back = matches!(phase, Phase::Rollback | Phase::Settled { rolled_back: true });
        let destroy_if = |condition| if condition { AtEnd::Destroy } else { AtEnd::Keep };
        match phase {
            Phase::Deleted => AtEnd::Destroy,
            // Also while the stack is deleted: its Delete is still to come, or a policy keeps it.
            _ if self.is_live(physical_id) => AtEnd::Keep,
            Phase::Deleting => AtEnd::Destroy,
            // What it renamed to has nobody else to delete it: no reverse Update names it (cloudformation.md 2.4).
            _ if renames && taken_back && began.is_going_forward() && self.is_of_the_last_update(made) => {
                AtEnd::Destroy
            }
            // It stands under another id: a run that took longer than its request has made what nobody believes in.
            _ if phase != Phase::Forward && self.stands_under_another(physical_id) => {
                let since = self.resource.as_ref().and_then(|resource| resource.since);
                // While the cleanup goes on, its Delete may have passed by what this run made.
                let cleanup = self.stack.as_deref().is_some_and(|status| status.contains("CLEANUP"));
                let seconds = since.map(|since| since.div_euclid(1000));
                seconds
                    .filter(|_| !cleanup)
                    .map_or(AtEnd::Destroy, AtEnd::DestroyMadeAfter)
            }
            _ if request_type == RequestType::Create => {
                destroy_if(taken_back || self.is_given_up() || self.is_made_again_since(made))
            }
            // A reverse Update that takes a rename back, or a forward one that began late, or one of the two.
            _ if renames && (taken_back && !began.is_going_forward() || phase == Phase::Unknown) => {
                AtEnd::DestroyIfOvertaken
            }
            _ => destroy_if(renames && taken_back),
        }
    }

    /// Whether old revisions may go: not where the stack has failed and stands so, since CloudFormation can still go
    /// back to what there was before several such updates (`--disable-rollback`).
    #[must_use]
    pub fn lets_old_revisions_go(&self) -> bool {
        !self.stack.as_deref().unwrap_or_default().ends_with("_FAILED")
    }

    /// Whether the resource has come to have another id of the provider's: then a Create of this one is long done, and a
    /// policy may keep what it made. While one is made, the id may still be its predecessor's.
    fn went_on(&self, physical_id: &str) -> bool {
        let is_another = |id: &str| {
            let kinds = id.rsplit_once('/').zip(physical_id.rsplit_once('/'));
            kinds.is_some_and(|((kind, name), (wanted_kind, wanted))| kind == wanted_kind && name != wanted)
        };
        self.resource_status() != "CREATE_IN_PROGRESS" && self.resource_id().is_some_and(is_another)
    }

    fn stands_under_another(&self, physical_id: &str) -> bool {
        (self.resource_id()).is_some_and(|id| id != physical_id && self.stands_complete(id))
    }

    fn stands_complete(&self, physical_id: &str) -> bool {
        self.is_live(physical_id) && self.resource_status().ends_with("_COMPLETE")
    }

    /// Whether a Delete is for a predecessor of what stands: after `--disable-rollback`, CloudFormation may delete the
    /// failed one after it created the next, in one update (cloudformation.md E14). What stood before that update is
    /// simply removed by it, also where its status does not say so.
    #[must_use]
    pub fn is_for_a_predecessor(&self, physical_id: &str) -> bool {
        let stack = self.stack.as_deref().unwrap_or_default();
        let updating = stack == "UPDATE_IN_PROGRESS" || stack == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
        let since = self.resource.as_ref().and_then(|resource| resource.since);
        let made_by_it = since.zip(self.updated).is_some_and(|(since, updated)| since >= updated);
        updating && made_by_it && self.stands_complete(physical_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RequestType::{Create, Update};

    const ID: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2";
    const OTHER: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby";
    /// When a request was made.
    const MADE: u64 = 1_795_464_900;

    fn seen(stack: &str, resource: &str, physical_id: &str) -> Seen {
        let resource = (!resource.is_empty()).then(|| SeenResource {
            status: resource.into(),
            physical_id: Some(physical_id.into()),
            since: None,
        });
        Seen {
            stack: Some(stack.into()),
            updated: None,
            resource,
        }
    }

    #[test]
    fn a_request_is_open_while_its_stack_goes_forward_or_nothing_is_known() {
        for request_type in [Create, Update] {
            assert_eq!(Seen::default().at_start(request_type, ID, false), AtStart::Open);
            for stack in [
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                "REVIEW_IN_PROGRESS",
                "IMPORT_IN_PROGRESS",
            ] {
                assert_eq!(
                    seen(stack, "", "").at_start(request_type, ID, false),
                    AtStart::Open,
                    "{stack}"
                );
            }
        }
        assert_eq!(
            seen("UPDATE_ROLLBACK_IN_PROGRESS", "", "").at_start(Update, ID, false),
            AtStart::Open
        );
    }

    #[test]
    fn old_revisions_stay_in_a_stack_that_stands_failed() {
        for (stack, go) in [
            ("UPDATE_FAILED", false),
            ("UPDATE_ROLLBACK_FAILED", false),
            ("UPDATE_IN_PROGRESS", true),
            ("UPDATE_COMPLETE", true),
        ] {
            assert_eq!(seen(stack, "", "").lets_old_revisions_go(), go, "{stack}");
        }
        assert!(Seen::default().lets_old_revisions_go(), "nothing is known");
    }

    #[test]
    fn a_late_request_is_over_where_its_stack_has_no_such_resource_any_more() {
        for resource in ["DELETE_COMPLETE", ""] {
            let gone = Seen {
                resource: Some(SeenResource {
                    status: resource.into(),
                    physical_id: None,
                    since: None,
                }),
                ..seen("UPDATE_IN_PROGRESS", "", "")
            };
            for request_type in [Create, Update] {
                assert_eq!(gone.at_start(request_type, ID, true), AtStart::Over, "{resource}");
                let early = gone.at_start(request_type, ID, false);
                assert_eq!(early, AtStart::Open, "{resource}: the view may be behind");
            }
        }
        let going_on = seen("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "");
        assert_eq!(going_on.at_start(Create, ID, true), AtStart::Open);
        let unknown = seen("UPDATE_IN_PROGRESS", "", "");
        assert_eq!(unknown.at_start(Create, ID, true), AtStart::Open);
    }

    #[test]
    fn a_create_is_over_where_its_resource_has_gone_on_under_another_id() {
        for stack in [
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_COMPLETE",
            "DELETE_IN_PROGRESS",
            "DELETE_COMPLETE",
        ] {
            let renamed = seen(stack, "UPDATE_COMPLETE", OTHER);
            assert_eq!(renamed.at_start(Create, ID, true), AtStart::Over, "{stack}");
        }
        let early = seen("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", OTHER);
        assert_eq!(early.at_start(Create, ID, false), AtStart::Open);
        let made_anew = seen("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", OTHER);
        assert_eq!(made_anew.at_start(Create, ID, true), AtStart::Open);
        // An id that CloudFormation invents for a Create that it has cancelled.
        let invented = seen(
            "ROLLBACK_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            "pipelines-Ruby-CS4PIR2VTLBC",
        );
        assert_eq!(invented.at_start(Create, ID, true), AtStart::Cancelled);
    }

    #[test]
    fn nothing_is_open_in_a_stack_with_no_operation_in_progress() {
        for stack in [
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_COMPLETE",
        ] {
            assert_eq!(
                seen(stack, "", "").at_start(Update, ID, false),
                AtStart::Over,
                "{stack}"
            );
            assert_eq!(
                seen(stack, "UPDATE_COMPLETE", ID).at_start(Create, ID, false),
                AtStart::Over,
                "{stack}"
            );
        }
        assert_eq!(
            seen("UPDATE_COMPLETE", "", "").at_start(Create, ID, false),
            AtStart::Over
        );
    }

    #[test]
    fn a_create_under_rollback_or_deletion_is_cancelled_unless_its_resource_stands_or_is_kept() {
        for stack in [
            "ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            "ROLLBACK_COMPLETE",
            "DELETE_COMPLETE",
        ] {
            assert_eq!(
                seen(stack, "CREATE_FAILED", "").at_start(Create, ID, false),
                AtStart::Cancelled,
                "{stack}"
            );
            assert_eq!(
                seen(stack, "CREATE_COMPLETE", ID).at_start(Create, ID, false),
                AtStart::Over,
                "{stack}"
            );
            assert_eq!(
                seen(stack, "DELETE_SKIPPED", ID).at_start(Create, ID, false),
                AtStart::Over,
                "{stack}"
            );
        }
    }

    #[test]
    fn a_create_that_ends_given_up_leaves_nothing() {
        let began = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "");
        for (stack, resource) in [
            ("ROLLBACK_IN_PROGRESS", ""),
            ("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"),
            ("UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED"),
            ("UPDATE_COMPLETE", "DELETE_COMPLETE"),
            ("DELETE_COMPLETE", ""),
        ] {
            assert_eq!(
                seen(stack, resource, "").at_end(Create, ID, false, &began, MADE),
                AtEnd::Destroy,
                "{stack} {resource}"
            );
        }
        let making = |since: u64| Seen {
            resource: Some(SeenResource {
                status: "CREATE_IN_PROGRESS".to_owned(),
                physical_id: None,
                since: i64::try_from(since * 1000).ok(),
            }),
            ..seen("UPDATE_IN_PROGRESS", "", "")
        };
        let end = |making: Seen| making.at_end(Create, ID, false, &began, MADE);
        assert_eq!(end(making(MADE)), AtEnd::Keep);
        assert_eq!(end(making(MADE + 10)), AtEnd::Destroy, "it is made again");
        for (stack, resource) in [
            ("CREATE_COMPLETE", "CREATE_COMPLETE"),
            ("UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE"),
            ("DELETE_IN_PROGRESS", "CREATE_COMPLETE"),
        ] {
            assert_eq!(
                seen(stack, resource, ID).at_end(Create, ID, false, &began, MADE),
                AtEnd::Keep,
                "{stack} {resource}"
            );
        }
    }

    #[test]
    fn an_update_in_place_leaves_what_the_records_say_and_a_rename_that_was_taken_back_leaves_nothing() {
        let began = seen("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", OTHER);
        let back = seen("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", OTHER);
        assert_eq!(back.at_end(Update, OTHER, false, &began, MADE), AtEnd::Keep);
        assert_eq!(back.at_end(Update, ID, true, &began, MADE), AtEnd::Destroy);
        assert_eq!(
            back.at_end(Update, ID, true, &back, MADE),
            AtEnd::DestroyIfOvertaken,
            "a reverse Update under a rollback, or a forward one that began late"
        );
        assert_eq!(
            back.at_end(Update, ID, true, &Seen::default(), MADE),
            AtEnd::DestroyIfOvertaken,
            "one of which it is not known when it began"
        );
        let unknown = Seen::default();
        assert_eq!(
            unknown.at_end(Update, ID, true, &unknown, MADE),
            AtEnd::DestroyIfOvertaken
        );
        assert_eq!(unknown.at_end(Update, ID, false, &unknown, MADE), AtEnd::Keep);
        assert_eq!(began.at_end(Update, ID, true, &began, MADE), AtEnd::Keep);
    }

    #[test]
    fn what_a_run_made_after_its_resource_went_on_under_another_id_is_taken_away() {
        let began = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "");
        let renamed = seen("UPDATE_COMPLETE", "UPDATE_COMPLETE", OTHER);
        assert_eq!(renamed.at_end(Create, ID, false, &began, MADE), AtEnd::Destroy);
        assert_eq!(renamed.at_end(Update, ID, false, &began, MADE), AtEnd::Destroy);
        assert_eq!(renamed.at_end(Update, OTHER, false, &began, MADE), AtEnd::Keep);
    }

    #[test]
    fn what_stood_before_its_resource_went_on_under_another_id_is_for_the_cleanup_or_kept() {
        let began = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "");
        for (stack, left) in [
            ("UPDATE_COMPLETE", AtEnd::DestroyMadeAfter(7)),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", AtEnd::Destroy),
        ] {
            let mut renamed = seen(stack, "UPDATE_COMPLETE", OTHER);
            renamed.resource.as_mut().unwrap().since = Some(7_999);
            assert_eq!(renamed.at_end(Create, ID, false, &began, MADE), left, "{stack}");
        }
    }

    #[test]
    fn a_rename_that_was_taken_back_leaves_nothing_also_of_what_is_older_than_its_resources_status() {
        let began = seen("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", OTHER);
        for stack in ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"] {
            let mut back = seen(stack, "UPDATE_COMPLETE", OTHER);
            back.resource.as_mut().unwrap().since = Some(7_999);
            let milliseconds = i64::try_from(MADE).unwrap() * 1000;
            for (updated, left) in [
                (milliseconds + 999, AtEnd::Destroy),
                (milliseconds - 60_000, AtEnd::Destroy),
                // Another update was taken back: what stood before it may be kept by a policy.
                (milliseconds + 60_000, AtEnd::DestroyMadeAfter(7)),
            ] {
                back.updated = Some(updated);
                assert_eq!(back.at_end(Update, ID, true, &began, MADE), left, "{stack}, {updated}");
            }
        }
    }

    #[test]
    fn a_delete_is_for_a_predecessor_only_while_the_very_id_stands_in_an_update() {
        let made = |updated: i64, mut seen: Seen| {
            seen.updated = Some(updated);
            if let Some(resource) = &mut seen.resource {
                resource.since = Some(10);
            }
            seen
        };
        assert!(made(10, seen("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", ID)).is_for_a_predecessor(ID));
        for other in [
            made(11, seen("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", ID)),
            made(9, seen("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", OTHER)),
            made(9, seen("UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", ID)),
            made(9, seen("DELETE_IN_PROGRESS", "CREATE_COMPLETE", ID)),
            made(9, seen("ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE", ID)),
            seen("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", ID),
            Seen::default(),
        ] {
            assert!(!other.is_for_a_predecessor(ID), "{other:?}");
        }
    }
}
