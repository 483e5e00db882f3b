//! Makes a failing story shorter: leaves things out, one at a time, as long as it still fails.

use super::{
    story::{Operation, Other, Story},
    template::PLAIN,
};

/// The shortest story found that still `fails`.
pub fn shortest(story: Story, fails: impl Fn(&Story) -> bool) -> Story {
    let mut best = story;
    loop {
        let Some(shorter) = shorter(&best).into_iter().find(&fails) else {
            return best;
        };
        best = shorter;
    }
}

/// Every story that has one thing less.
fn shorter(story: &Story) -> Vec<Story> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Story)| {
        let mut changed = story.clone();
        change(&mut changed);
        if changed != *story {
            all.push(changed);
        }
    };
    for stack in 0..story.stacks.len() {
        if story.stacks.len() > 1 {
            with(&|story| without_stack(story, stack));
        }
        for operation in 0..story.stacks[stack].len() {
            with(&|story| without_operation(story, stack, operation));
        }
    }
    for trouble in 0..story.troubles.len() {
        with(&|story| {
            story.troubles.remove(trouble);
        });
    }
    with(&|story| story.unseen = 0);
    with(&|story| story.settling = 0);
    with(&|story| story.neighbours = false);
    with(&|story| story.latency = 0);
    with(&|story| story.cancels = false);
    for stack in 0..story.stacks.len() {
        for (operation, told) in story.stacks[stack].iter().enumerate() {
            let Operation::Deploy { template, .. } = told else {
                continue;
            };
            let mut change = |change: &dyn Fn(&mut Operation)| {
                with(&|story| change(&mut story.stacks[stack][operation]));
            };
            change(&|operation| {
                if let Operation::Deploy { other, .. } = operation {
                    *other = Other::Succeeds;
                }
            });
            change(&|operation| {
                if let Operation::Deploy { keep, .. } = operation {
                    *keep = None;
                }
            });
            for logical in template.keys() {
                change(&|operation| {
                    if let Operation::Deploy { template, .. } = operation
                        && template.len() > 1
                    {
                        template.remove(logical);
                    }
                });
                change(&|operation| simplify(operation, logical, |agent| *agent = PLAIN));
                change(&|operation| simplify(operation, logical, |agent| agent.rights = 0));
                change(&|operation| simplify(operation, logical, |agent| agent.image = 0));
                change(&|operation| simplify(operation, logical, |agent| agent.family = None));
                change(&|operation| simplify(operation, logical, |agent| agent.own_role = false));
                change(&|operation| simplify(operation, logical, |agent| agent.malformed = false));
                change(&|operation| simplify(operation, logical, |agent| agent.retain = false));
                change(&|operation| simplify(operation, logical, |agent| agent.retain_replaced = false));
                change(&|operation| simplify(operation, logical, |agent| agent.timeout = None));
            }
        }
    }
    all
}

fn simplify(operation: &mut Operation, logical: &str, change: impl Fn(&mut super::template::Agent)) {
    if let Operation::Deploy { template, .. } = operation
        && let Some(agent) = template.get_mut(logical)
    {
        change(agent);
    }
}

fn without_stack(story: &mut Story, stack: usize) {
    story.stacks.remove(stack);
    story.troubles.retain(|trouble| trouble.of.stack != stack);
    for trouble in &mut story.troubles {
        trouble.of.stack -= usize::from(trouble.of.stack > stack);
    }
}

fn without_operation(story: &mut Story, stack: usize, operation: usize) {
    story.stacks[stack].remove(operation);
    story
        .troubles
        .retain(|trouble| trouble.of.stack != stack || trouble.of.operation != operation);
    for trouble in &mut story.troubles {
        let later = trouble.of.stack == stack && trouble.of.operation > operation;
        trouble.of.operation -= usize::from(later);
    }
}
