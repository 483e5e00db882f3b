//! Requests that cross one another on their way: late, twice, or behind one whose run crashed.

use super::{
    regressions::{a_life, changed, deploy, holds, holds_often, of_family, played, quiet, trouble},
    story::{First, Operation, Other, Story, Trouble, What, Which},
    template::{Agent, PLAIN, Template},
};
use crate::account::Fault;

/// What goes wrong in a later request of an operation about the resource.
fn trouble_of(operation: usize, logical: &'static str, request: usize, what: What) -> Trouble {
    let of = Which {
        request,
        ..trouble(operation, logical, what.clone()).of
    };
    Trouble { of, what }
}

fn crash(run: usize, call: usize, fault: &Fault) -> What {
    let fault = fault.clone();
    What::Fault { run, call, fault }
}

/// A Create that is cancelled and overtaken by its Delete, and a newer one with another family.
fn made_again(pause: u64) -> Story {
    let mut story = quiet(vec![
        deploy(&[("Beta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", PLAIN), ("Alpha", PLAIN)], Other::FailsAfter(3000)),
        Operation::Wait(pause),
        deploy(&[("Beta", PLAIN), ("Alpha", of_family("shared"))], Other::Succeeds),
        Operation::Delete,
    ]);
    story.latency = 1000;
    story
}

#[test]
fn a_late_create_under_a_newer_create_with_another_family_makes_nothing() {
    // The newer one comes more than a minute after the late one, which no clock's error explains.
    let mut story = made_again(40);
    for seconds in 55..90 {
        story.troubles = vec![trouble(1, "Alpha", What::Late(seconds))];
        holds(&story);
    }
}

#[test]
fn the_delete_of_a_failed_create_under_an_invented_id_leaves_the_resource_that_was_made_again() {
    for first in [First::Delete, First::Create] {
        for call in [1, 3, 9] {
            let operation = |timeout| Operation::Deploy {
                template: Template::from([("Alpha", Agent { timeout, ..PLAIN })]),
                other: Other::Succeeds,
                keep: Some(first),
            };
            let mut story = quiet(vec![operation(Some(5)), operation(None), Operation::Delete]);
            let stall = What::Stall {
                run: 0,
                call,
                seconds: 30,
            };
            story.troubles = vec![trouble(0, "Alpha", stall)];
            holds_often(&story);
        }
    }
}

#[test]
fn a_deletes_late_duplicate_leaves_the_family_that_another_resource_takes() {
    let shared = || of_family("shared");
    let mut story = quiet(vec![
        deploy(&[("Alpha", shared()), ("Gamma", PLAIN)], Other::Succeeds),
        deploy(&[("Gamma", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", shared()), ("Gamma", PLAIN)], Other::Succeeds),
    ]);
    story.latency = 1000;
    for seconds in (0..40).chain([301, 600]) {
        story.troubles = vec![trouble(1, "Alpha", What::Again(seconds))];
        holds(&story);
    }
}

#[test]
fn a_crash_at_every_call_with_three_requests_behind_it_is_made_good_in_their_order() {
    for call in 1..18 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut story = quiet(vec![
                deploy(&[("Alpha", PLAIN)], Other::Succeeds),
                deploy(&[("Alpha", changed(1, 1))], Other::FailsAfter(3000)),
                deploy(&[("Alpha", changed(2, 2))], Other::Succeeds),
                Operation::Delete,
            ]);
            // SQS knows a body for five minutes, and the crashed run's message comes back after six.
            story.troubles = vec![
                trouble(1, "Alpha", crash(0, call, &fault)),
                trouble(1, "Alpha", What::Again(301)),
                trouble_of(1, "Alpha", 1, What::Again(302)),
                trouble_of(1, "Alpha", 1, crash(0, call, &fault)),
            ];
            holds(&story);
        }
    }
}

#[test]
fn a_cancelled_create_that_crashes_leaves_nothing_behind_its_delete() {
    for call in 1..18 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut story = quiet(vec![deploy(&[("Alpha", PLAIN)], Other::FailsAfter(2500))]);
            story.latency = 200;
            story.troubles = vec![
                trouble(0, "Alpha", crash(0, call, &fault)),
                trouble(0, "Alpha", What::Again(305)),
                trouble_of(0, "Alpha", 1, What::Again(301)),
            ];
            holds_few(&story);
        }
    }
}

#[test]
fn a_crash_while_old_revisions_are_pruned_sends_no_failure_after_the_success() {
    let agents = [(0, 0), (1, 0), (2, 0), (3, 0), (1, 1), (2, 1)];
    let deploys = agents.map(|(image, rights)| deploy(&[("Alpha", changed(image, rights))], Other::Succeeds));
    let mut story = quiet(deploys.into_iter().chain([Operation::Delete]).collect());
    let mut pruned = 0;
    for call in 1..24 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let troubles = [4, 5].map(|operation| trouble(operation, "Alpha", crash(0, call, &fault)));
            story.troubles = troubles.into();
            let chronicle = played(&story).chronicle();
            let mut answered = chronicle
                .lines()
                .skip_while(|line| !line.contains("0.4.Alpha.0.0 answers SUCCESS"));
            pruned += usize::from(answered.any(|line| line.contains("0.4.Alpha.0.0 ends: crashes")));
        }
    }
    assert!(pruned > 0, "none crashed after its answer");
}

#[test]
fn a_view_that_lags_behind_with_stamps_that_are_wrong_keeps_no_request_waiting() {
    for stamp in [-3, 1, 3] {
        for lag in [1, 3] {
            let mut story = quiet(a_life());
            (story.stamp, story.lag) = (stamp, lag);
            holds_few(&story);
        }
    }
}

#[track_caller]
fn holds_few(story: &Story) {
    for seed in 0..3 {
        holds(&Story { seed, ..story.clone() });
    }
}
