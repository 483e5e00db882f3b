//! Whether CloudFormation waits for a request: its view is asked for, again where it may lag behind, and the marks of the
//! families that the request and the view name are read.

use std::time::Duration;

use tokio::{time::sleep, try_join};

use crate::{
    admission::{Admission, Stack, Status, View, admit_untimed},
    aws::{Aws, Failure, ObservedResource, ObservedRole},
    handler::Provider,
    identity::Identity,
    mark::Mark,
    ownership::Tags,
    reconcile::look,
    request::{Request, RequestType},
    response_url::Signed,
    settings::Settings,
};

/// How far ahead of this function's clock a request's time may be, in seconds. A time further ahead is not CloudFormation's.
pub(crate) const AHEAD: u64 = 300;

/// The pauses before CloudFormation's view is asked for again, where it may lag behind.
const LOOKS_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// How many seconds after a request the view does not lag behind it any more.
const VIEW_LAG: u64 = 60;

/// Whether a request is to be carried out.
pub(crate) enum Admitted {
    /// It is, by this view of the resource, which shows that physical id.
    Yes { view: View, shown_id: Option<String> },
    /// It is over, and is answered so.
    Over,
    /// It is over and has been answered: the view is newer than the request.
    Answered,
}

impl Provider {
    /// Asks CloudFormation's view whether it waits for the request, again where the view may lag behind.
    pub(crate) async fn admit(
        &self,
        aws: &Aws<'_>,
        request: &Request,
        identity: &Identity,
        made: u64,
    ) -> Result<Admitted, Failure> {
        let mut pauses = LOOKS_AGAIN.into_iter();
        loop {
            let (admission, view, shown_id) = self.look_at(aws, request, identity, made).await?;
            if admission == Admission::Act {
                return Ok(Admitted::Yes { view, shown_id });
            }
            // A Create or Update that CloudFormation waits for would show by now.
            let is_old = self.now() >= made.saturating_add(VIEW_LAG) && request.request_type != RequestType::Delete;
            let is_closed = is_old && !matches!(view.status, Status::Creating | Status::Updating);
            if !view.may_lag || is_closed {
                return Ok(Admitted::Answered);
            }
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Ok(Admitted::Over),
            }
        }
    }

    /// The same for a Create or Update. If it is admitted, and only then, since CloudFormation allows few looks at stacks, it
    /// reads the stack's tags, and the execution role of the family that the resource shows, if the request does not name that
    /// family.
    pub(crate) async fn admit_and_ask(
        &self,
        aws: &Aws<'_>,
        request: &Request,
        identity: &Identity,
        made: u64,
        settings: &Settings,
    ) -> (Result<Admitted, Failure>, Result<(Tags, Option<ObservedRole>), Failure>) {
        let admitted = self.admit(aws, request, identity, made).await;
        let known = match &admitted {
            Ok(Admitted::Yes { shown_id, .. }) => try_join!(
                stack_tags(aws, request, settings),
                shown_role(aws, request, identity, shown_id.as_deref())
            ),
            Ok(Admitted::Over | Admitted::Answered) | Err(_) => Ok((Tags::new(), None)),
        };
        (admitted, known)
    }

    /// One such look, for a request whose properties are not validated. Also returns the physical id that the resource shows.
    pub(crate) async fn look_at_resource(
        &self,
        aws: &Aws<'_>,
        request: &Request,
        made: u64,
    ) -> Result<(Admission, View, Option<String>), Failure> {
        let identity = match request.request_type {
            RequestType::Create | RequestType::Update => request.identity(request.family_in(&request.properties)),
            RequestType::Delete => request.removes(),
        };
        self.look_at(aws, request, &identity, made).await
    }

    async fn look_at(
        &self,
        aws: &Aws<'_>,
        request: &Request,
        identity: &Identity,
        made: u64,
    ) -> Result<(Admission, View, Option<String>), Failure> {
        let resource: Option<ObservedResource> = aws.cloudformation.resource(&request.owner).await?;
        let view = View::of(request.request_type, made, &identity.physical_id(), resource.as_ref());
        let is_timed = Signed::of(&request.envelope.response_url).is_some();
        let admit = |stack| {
            if is_timed {
                view.admit(stack)
            } else {
                admit_untimed(stack)
            }
        };
        let mut admission = admit(Stack::NotAsked);
        if admission == Admission::AskStack {
            let status = aws.cloudformation.stack_status(request.owner.stack_id.as_str()).await?;
            admission = admit(Stack::of(status.as_ref()));
        }
        Ok((admission, view, resource.and_then(|resource| resource.physical_id)))
    }

    /// Whether a role has the mark of a request that CloudFormation made later. A mark too far ahead is not CloudFormation's.
    pub(crate) fn is_overtaken<'a>(&self, made: u64, roles: impl Iterator<Item = &'a ObservedRole>) -> bool {
        let latest = self.now().saturating_add(AHEAD);
        roles
            .filter_map(Mark::on)
            .any(|mark| mark.time > made && mark.time <= latest)
    }
}

/// Whether the execution role has the mark of this very request.
pub(crate) fn has_begun(request: &Request, made: u64, observed: Option<&look::Observed>) -> bool {
    let role = observed.and_then(|observed| observed.execution_role.as_ref());
    let mark = role.and_then(Mark::on);
    mark.is_some_and(|mark| mark.is_of(made, &request.envelope.request_id))
}

/// The families that a request names beside the wanted one: that of its physical id and that of its old properties.
fn other_families(request: &Request, wanted: &Identity) -> Vec<Identity> {
    let of_id = request.family_of_physical_id();
    let old = request.abandons(wanted);
    of_id.into_iter().chain(old).filter(|other| other != wanted).collect()
}

/// The execution roles of the other families that a request names.
pub(crate) async fn other_roles(
    aws: &Aws<'_>,
    request: &Request,
    wanted: &Identity,
) -> Result<Vec<ObservedRole>, Failure> {
    let mut roles = Vec::new();
    for other in other_families(request, wanted) {
        roles.extend(aws.iam.role(&other.execution_role_name()).await?);
    }
    Ok(roles)
}

/// The execution role of the family that the resource shows, where the request does not name it: a later update has renamed
/// the family, and only that one's role has its mark.
async fn shown_role(
    aws: &Aws<'_>,
    request: &Request,
    wanted: &Identity,
    shown_id: Option<&str>,
) -> Result<Option<ObservedRole>, Failure> {
    let shown = shown_id.and_then(|id| Identity::family_of(id, &request.owner.stack_id));
    let Some(shown) = shown.map(|family| request.identity(family)) else {
        return Ok(None);
    };
    if shown == *wanted || other_families(request, wanted).contains(&shown) {
        return Ok(None);
    }
    aws.iam.role(&shown.execution_role_name()).await
}

/// The tags of the request's stack, where what is made gets them.
async fn stack_tags(aws: &Aws<'_>, request: &Request, settings: &Settings) -> Result<Tags, Failure> {
    if !settings.stack_tags {
        return Ok(Tags::new());
    }
    aws.cloudformation.stack_tags(request.owner.stack_id.as_str()).await
}
