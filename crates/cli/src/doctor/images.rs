//! Whether the images that are in ECR exist, and whether the execution role may pull them. Others are not looked at.

use super::{
    facts::{Facts, RoleFact, Seen},
    finding::{Check, Finding},
    named::{EcrImage, Named},
    rights::{Demand, Verdict, may},
    secrets::judged,
};

const CHECK: Check = Check::Image;

/// What a pull needs on the repository.
const PULL: [&str; 3] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
];

pub(super) fn examine(facts: &Facts, named: &Named) -> Vec<Finding> {
    let each = named.images.iter();
    each.flat_map(|(reference, image)| examined(facts, named, reference, image))
        .collect()
}

fn examined(facts: &Facts, named: &Named, reference: &str, image: &EcrImage) -> Vec<Finding> {
    let EcrImage {
        container,
        repository,
        tag,
        digest,
    } = image;
    let what = format!("{reference} of `{container}`");
    let version = tag.as_deref().or(digest.as_deref()).unwrap_or_default();
    let mut found = vec![match facts.images.get(reference) {
        Some(Seen::Found(true)) => Finding::fine(CHECK, format!("{what} exists")),
        Some(Seen::Found(false)) => Finding::wrong(
            CHECK,
            format!("{what}: the repository {} has no image {version}", repository.name),
            "push it, or correct the image in the agent's properties; a lifecycle policy may have removed it",
        ),
        Some(Seen::Absent) => Finding::wrong(
            CHECK,
            format!(
                "{what}: there is no repository {} in {}",
                repository.name, repository.region
            ),
            "create it, or correct the image in the agent's properties; for a pull-through cache, pull the image once yourself",
        ),
        Some(Seen::Not(not_seen)) => Finding::not_checked(CHECK, &what, not_seen),
        None => Finding::left_out(CHECK, &what, &format!("it is in the account {}", repository.account)),
    }];
    if let Some(Seen::Found(role)) = named.execution_role.as_deref().map(|arn| facts.role(arn)) {
        let (action, verdict) = pull(role, &repository.arn);
        found.push(judged(CHECK, &what, action, &verdict));
    }
    found
}

/// The first right that is missing, or the last of all.
fn pull(role: &RoleFact, repository: &str) -> (&'static str, Verdict) {
    let demands = PULL.map(|action| (action, repository));
    let demands = std::iter::once(("ecr:GetAuthorizationToken", "*")).chain(demands);
    let mut last = ("ecr:GetAuthorizationToken", Verdict::Allowed);
    for (action, resource) in demands {
        let demand = Demand {
            action,
            resource,
            context: &[],
        };
        last = (action, may(role, &demand));
        if last.1 != Verdict::Allowed {
            return last;
        }
    }
    ("what a pull needs", last.1)
}
