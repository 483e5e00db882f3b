//! Makes a failing story shorter: leaves things out, one at a time, as long as it still fails.

use super::{
    story::{Operation, Other, Story},
    template::{Agent, PLAIN},
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

/// Each makes one thing of an agent simpler; the first one all.
const SIMPLER: [fn(&mut Agent); 11] = [
    |agent| *agent = PLAIN,
    |agent| agent.rights = 0,
    |agent| agent.image = 0,
    |agent| agent.logs = 0,
    |agent| agent.infrequent = false,
    |agent| agent.family = None,
    |agent| agent.own_role = false,
    |agent| agent.malformed = false,
    |agent| agent.retain = None,
    |agent| agent.retain_replaced = false,
    |agent| agent.timeout = None,
];

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
    with(&|story| story.stamp = 0);
    with(&|story| story.lag = 0);
    with(&|story| story.outage = None);
    with(&|story| story.hurried = false);
    with(&|story| story.latency = 0);
    with(&|story| story.cancels = false);
    for stack in 0..story.stacks.len() {
        for (at, operation) in story.stacks[stack].iter().enumerate() {
            let Operation::Deploy { template, .. } = operation else {
                continue;
            };
            let mut change = |change: &dyn Fn(&mut Operation)| {
                with(&|story| change(&mut story.stacks[stack][at]));
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
                for simpler in SIMPLER {
                    change(&|operation| simplify(operation, logical, simpler));
                }
            }
        }
    }
    all
}

fn simplify(operation: &mut Operation, logical: &str, change: impl Fn(&mut Agent)) {
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

#[cfg(test)]
mod tests {
    use super::{Operation, Other, PLAIN, Story, shortest};
    use crate::simulator::{
        generate::{Scope, story},
        story::{Hypothesis, What},
    };

    /// Whether it has what this made-up defect needs: a late event about the second stack, which has rights.
    fn fails(story: &Story) -> bool {
        let late = |stack| {
            let mut troubles = story.troubles.iter();
            troubles.any(|trouble| trouble.of.stack == stack && matches!(trouble.what, What::Late(_)))
        };
        let mut stacks = story.stacks.iter().enumerate();
        stacks.any(|(at, operations)| late(at) && operations.iter().any(has_rights))
    }

    fn has_rights(operation: &Operation) -> bool {
        matches!(operation, Operation::Deploy { template, .. } if template.values().any(|agent| agent.rights > 0))
    }

    #[test]
    fn what_a_failure_does_not_need_is_left_out_and_the_rest_stays() {
        let stories = (0..2000).map(|seed| story(seed, Hypothesis::H2, Scope::Whole));
        let long: Vec<Story> = stories
            .filter(|story| fails(story) && story.stacks.len() == 2)
            .collect();
        assert!(long.len() > 20, "{}", long.len());
        for whole in long {
            let short = shortest(whole.clone(), fails);
            assert!(fails(&short));
            assert_eq!(short.hypothesis, whole.hypothesis);
            let [operations] = &short.stacks[..] else {
                panic!("{short:#?}");
            };
            let [trouble] = &short.troubles[..] else {
                panic!("{short:#?}");
            };
            // The trouble's own operation stays, as it goes with it; so does the one with the rights.
            assert!(
                operations.len() <= 2 && trouble.of.operation < operations.len(),
                "{short:#?}"
            );
            let with_rights: Vec<_> = operations.iter().filter(|one| has_rights(one)).collect();
            let [
                Operation::Deploy {
                    template,
                    other: Other::Succeeds,
                    keep: None,
                },
            ] = with_rights[..]
            else {
                panic!("{short:#?}");
            };
            let rights = template.values().next().unwrap().rights;
            let expected = crate::simulator::template::Agent { rights, ..PLAIN };
            assert_eq!(template.values().collect::<Vec<_>>(), [&expected], "{short:#?}");
            let Story {
                latency,
                unseen,
                settling,
                neighbours,
                cancels,
                ..
            } = short;
            assert_eq!(
                (latency, unseen, settling, neighbours, cancels),
                (0, 0, 0, false, false)
            );
        }
    }
}
