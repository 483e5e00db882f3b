//! Stories that once failed, by what they show.

use super::{
    generate::{Scope, story},
    run::tell,
    story::{First, Hypothesis, Operation, Other, Story, Trouble, What, Which},
    template::{Agent, PLAIN, Template},
};
use crate::account::Fault;

fn deploy(agents: &[(&'static str, Agent)], other: Other) -> Operation {
    let template: Template = agents.iter().cloned().collect();
    Operation::Deploy {
        template,
        other,
        keep: None,
    }
}

/// A story with nothing special.
fn quiet(operations: Vec<Operation>) -> Story {
    Story {
        seed: 1,
        hypothesis: Hypothesis::H1,
        stacks: vec![operations],
        troubles: Vec::new(),
        cancels: true,
        latency: 0,
        unseen: 0,
        settling: 0,
        neighbours: false,
    }
}

#[track_caller]
fn holds(story: &Story) {
    if let Err(breach) = tell(story) {
        panic!("{}\n\n{}", breach.what, breach.told);
    }
}

fn changed(image: u8, rights: u8) -> Agent {
    Agent { image, rights, ..PLAIN }
}

#[test]
fn a_stack_comes_up_under_the_rights_of_the_template_alone() {
    holds(&quiet(vec![
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
        Operation::Delete,
    ]));
}

#[test]
fn two_updates_in_a_row_that_are_rolled_back_leave_the_revisions_that_others_hold() {
    holds(&quiet(vec![
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
        deploy(&[("Alpha", changed(1, 1))], Other::FailsLast),
        deploy(&[("Alpha", changed(2, 2))], Other::FailsLast),
    ]));
}

#[test]
fn a_delete_beside_its_duplicate_does_not_take_the_others_work_for_a_denial() {
    for latency in [200, 1000, 3000] {
        let mut story = quiet(vec![deploy(&[("Beta", PLAIN)], Other::FailsLast)]);
        story.latency = latency;
        story.troubles.push(Trouble {
            of: Which {
                stack: 0,
                operation: 0,
                logical: "Beta",
                request: 1,
            },
            what: What::Again(0),
        });
        holds(&story);
    }
}

#[test]
fn a_cancelled_create_is_taken_away_also_where_every_call_takes_seconds() {
    for seed in 0..20 {
        let mut story = quiet(vec![deploy(&[("Alpha", PLAIN)], Other::FailsAfter(6000))]);
        story.seed = seed;
        story.latency = 3000;
        holds(&story);
    }
}

#[test]
fn what_a_policy_keeps_is_not_taken_for_cancelled_while_the_rollback_begins() {
    let kept = Agent { retain: true, ..PLAIN };
    for seed in 0..40 {
        let mut story = quiet(vec![deploy(&[("Beta", kept.clone())], Other::FailsLast)]);
        story.seed = seed;
        story.latency = 1000;
        holds(&story);
    }
}

#[test]
fn a_resource_that_is_made_again_survives_the_delete_of_the_one_that_failed() {
    for first in [First::Delete, First::Create] {
        let operation = |malformed, other| Operation::Deploy {
            template: Template::from([("Alpha", Agent { malformed, ..PLAIN })]),
            other,
            keep: Some(first),
        };
        let mut story = quiet(vec![
            operation(false, Other::Succeeds),
            operation(false, Other::Succeeds),
        ]);
        story.troubles.push(Trouble {
            of: Which {
                stack: 0,
                operation: 0,
                logical: "Alpha",
                request: 0,
            },
            what: What::Fault {
                run: 0,
                call: 9,
                fault: Fault::Deny,
            },
        });
        holds(&story);
    }
}

#[test]
fn two_that_want_a_family_whose_log_group_is_nobodys_do_not_both_get_it() {
    for seed in [281, 315] {
        for (scope, hypothesis) in [(Scope::Plain, Hypothesis::H1), (Scope::Whole, Hypothesis::H1)] {
            holds(&story(seed, hypothesis, scope));
        }
    }
    let wants = Agent {
        family: Some("beta"),
        ..PLAIN
    };
    for seed in 0..20 {
        let mut race = quiet(vec![deploy(
            &[("Gamma", wants.clone()), ("Delta", wants.clone())],
            Other::Succeeds,
        )]);
        race.seed = seed;
        race.latency = 1000;
        race.neighbours = true;
        holds(&race);
    }
}
