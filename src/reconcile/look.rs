//! What exists before the first write of a Create or Update; the reads run side by side.

use tokio::{join, time::sleep};

use super::{SECOND_LOOK, claim};
use crate::{
    aws::{Aws, Failure, Failures, ObservedRole, SideBySide},
    composition::{Composition, TaskRole},
    identity::Identity,
    ownership::{self, Ownership, Tags},
    revision::Revision,
};

/// What was observed of the family that a Create or Update wants.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Its newest ACTIVE revision.
    pub newest: Option<Revision>,
    /// The execution role, which has the mark.
    pub execution_role: Option<ObservedRole>,
    /// The role of `TaskRoleArn`.
    pub authors_role: Option<ObservedRole>,
    /// The rest, where the resource has the family already. Of a new family nothing else is expected to exist, and creating
    /// it shows more than a read that may lag behind.
    pub in_place: Option<InPlace>,
}

/// What was observed of a family that the resource already has.
#[derive(Clone, Debug)]
pub struct InPlace {
    /// The task role that the provider made.
    pub task_role: Option<ObservedRole>,
    /// The names of the execution role's inline policies.
    pub execution_policies: Vec<String>,
    /// The names of the task role's inline policies.
    pub task_policies: Vec<String>,
    /// The log group's tags.
    pub log_group: Option<Tags>,
}

/// Looks. `is_new` says that the resource does not have the family yet.
///
/// # Errors
/// Everything that AWS does not show, and a family that belongs to another resource.
pub async fn look(
    aws: &Aws<'_>,
    identity: &Identity,
    composition: &Composition,
    is_new: bool,
) -> Result<Observed, Failures> {
    let (newest, execution_role, authors_role, in_place) = join!(
        aws.ecs.newest_revision(&identity.family),
        aws.iam.role(&composition.execution_role.name),
        authors_role(aws, &composition.task_role),
        async {
            if is_new {
                Ok(None)
            } else {
                Box::pin(in_place(aws, identity, composition)).await.map(Some)
            }
        }
    );
    let mut failed = SideBySide::default();
    let reads = failed.take(newest).zip(failed.take(execution_role));
    let rest = failed.take(authors_role).zip(failed.take_all(in_place));
    let ((mut newest, execution_role), (authors_role, in_place)) = failed.or(reads.zip(rest))?;
    if check_owner(aws, identity, newest.as_ref()).await.is_err() {
        // Its owner's Delete may have deregistered it a moment ago.
        sleep(SECOND_LOOK).await;
        newest = aws.ecs.newest_revision(&identity.family).await?;
        check_owner(aws, identity, newest.as_ref()).await?;
    }
    Ok(Observed {
        newest,
        execution_role,
        authors_role,
        in_place,
    })
}

async fn authors_role(aws: &Aws<'_>, role: &TaskRole) -> Result<Option<ObservedRole>, Failure> {
    match role {
        TaskRole::Made(_) => Ok(None),
        TaskRole::Own(role) => {
            let found = aws.iam.authors_role(role).await?;
            check_not_the_providers(&found)?;
            check_boundary(&found, role.required_boundary.as_deref())?;
            Ok(Some(found))
        }
    }
}

/// Refuses a role that the provider made for a resource: its rights were given to that resource's image alone.
fn check_not_the_providers(role: &ObservedRole) -> Result<(), Failure> {
    let owner = (role.tags.get(ownership::STACK_ID), role.tags.get(ownership::LOGICAL_ID));
    let (stack_id, logical_id) = match owner {
        (None, None) => return Ok(()),
        (stack_id, logical_id) => (
            stack_id.map_or("?", String::as_str),
            logical_id.map_or("?", String::as_str),
        ),
    };
    Err(Failure::Taken(format!(
        "`TaskRoleArn` is {:?}, a role that the provider made for `{logical_id}` of the stack `{stack_id}`; leave `TaskRoleArn` out, \
         or give a role that you made",
        role.arn
    )))
}

/// Refuses a role without the provider's boundary: it could do more than any role that the provider makes.
fn check_boundary(role: &ObservedRole, required: Option<&str>) -> Result<(), Failure> {
    match required {
        Some(required) if role.boundary.as_deref() != Some(required) => Err(Failure::Taken(format!(
            "`TaskRoleArn` is {:?}, and that role's permissions boundary is {}; the provider accepts only roles with the boundary \
             `{required}`: set it on the role, or deploy the provider with TaskRoleArnNeedsBoundary=false",
            role.arn,
            role.boundary
                .as_deref()
                .map_or_else(|| "not set".to_owned(), |arn| format!("`{arn}`")),
        ))),
        _ => Ok(()),
    }
}

async fn in_place(aws: &Aws<'_>, identity: &Identity, composition: &Composition) -> Result<InPlace, Failures> {
    let (execution_role, task_role) = (&composition.execution_role.name, &identity.task_role_name());
    let group = &composition.log_group;
    let is_made = composition.task_role.made().is_some();
    let (task, execution_policies, task_policies, log_group) = join!(
        async {
            if is_made {
                aws.iam.role(task_role).await
            } else {
                Ok(None)
            }
        },
        aws.iam.inline_policies(execution_role),
        aws.iam.inline_policies(task_role),
        aws.logs.tags(&group.name, &group.arn)
    );
    let mut failed = SideBySide::default();
    let policies = failed.take(execution_policies).zip(failed.take(task_policies));
    let rest = failed.take(task).zip(failed.take(log_group));
    failed.or(policies.zip(rest)).map(
        |((execution_policies, task_policies), (task_role, log_group))| InPlace {
            task_role,
            execution_policies,
            task_policies,
            log_group,
        },
    )
}

/// Refuses a family if its newest revision belongs to another resource.
async fn check_owner(aws: &Aws<'_>, identity: &Identity, newest: Option<&Revision>) -> Result<(), Failure> {
    let Some(newest) = newest else { return Ok(()) };
    let owner = Ownership::from_tags(&newest.tags, &identity.owner);
    claim::check_owner(aws, identity, &owner, &format!("revision {}", newest.number)).await
}
