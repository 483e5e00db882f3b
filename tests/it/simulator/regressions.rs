//! Stories that once failed, by what they show.

use std::sync::Arc;

use super::{
    request::Kind,
    run::play,
    story::{First, Forged, Hypothesis, Operation, Other, Put, Story, Trouble, What, Which},
    template::{Agent, PLAIN, Retain, Template},
    world::World,
};
use crate::account::Fault;

pub(super) fn deploy(agents: &[(&'static str, Agent)], other: Other) -> Operation {
    let template: Template = agents.iter().cloned().collect();
    Operation::Deploy {
        template,
        other,
        keep: None,
    }
}

/// A story with nothing special.
pub(super) fn quiet(operations: Vec<Operation>) -> Story {
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
        stamp: 0,
        lag: 0,
        outage: None,
        hurried: false,
    }
}

#[track_caller]
pub(super) fn holds(story: &Story) {
    played(story);
}

/// The world after a story that holds.
#[track_caller]
pub(super) fn played(story: &Story) -> Arc<World> {
    play(story).unwrap_or_else(|breach| panic!("{}\n\n{}", breach.what, breach.chronicle))
}

/// The story, played with many seeds: latencies and pauses differ.
#[track_caller]
pub(super) fn holds_often(story: &Story) {
    for seed in 0..20 {
        holds(&Story { seed, ..story.clone() });
    }
}

/// What goes wrong in the first request about a resource in an operation.
pub(super) fn trouble(operation: usize, logical: &'static str, what: What) -> Trouble {
    let of = Which {
        stack: 0,
        operation,
        logical,
        request: 0,
    };
    Trouble { of, what }
}

pub(super) fn of_family(family: &'static str) -> Agent {
    Agent {
        family: Some(family),
        ..PLAIN
    }
}

pub(super) fn changed(image: u8, rights: u8) -> Agent {
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
fn a_cancelled_create_is_deleted_also_where_every_call_takes_seconds() {
    let mut story = quiet(vec![deploy(&[("Alpha", PLAIN)], Other::FailsAfter(6000))]);
    story.latency = 3000;
    holds_often(&story);
}

#[test]
fn what_a_policy_keeps_is_not_taken_for_cancelled_while_the_rollback_begins() {
    let kept = Agent {
        retain: Some(Retain::Always),
        ..PLAIN
    };
    let mut story = quiet(vec![deploy(&[("Beta", kept)], Other::FailsLast)]);
    story.latency = 1000;
    holds_often(&story);
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
        let denied = What::Fault {
            run: 0,
            call: 9,
            fault: Fault::Deny,
        };
        story.troubles.push(trouble(0, "Alpha", denied));
        holds(&story);
    }
}

#[test]
fn a_key_that_is_put_back_right_after_it_was_removed_is_in_the_tags_again() {
    let with = |logs, other| deploy(&[("Beta", Agent { logs, ..PLAIN })], other);
    let mut story = quiet(vec![with(2, Other::Succeeds), with(0, Other::FailsLast)]);
    story.unseen = 2;
    holds_often(&story);
}

#[test]
fn two_that_want_a_family_whose_log_group_is_nobodys_do_not_both_get_it() {
    let both = [("Gamma", of_family("gamma")), ("Delta", of_family("gamma"))];
    let mut race = quiet(vec![deploy(&both, Other::Succeeds)]);
    race.latency = 1000;
    race.neighbours = true;
    holds_often(&race);
}

#[test]
fn of_two_that_want_one_family_the_one_without_time_to_look_gives_way_in_its_rollback() {
    let mut race = quiet(vec![deploy(&[("Delta", of_family("gamma"))], Other::Succeeds)]);
    race.stacks.push(vec![deploy(&[("Gamma", PLAIN)], Other::Succeeds)]);
    (race.latency, race.neighbours) = (1000, true);
    for call in 10..20 {
        let fault = Fault::Hang;
        race.troubles = vec![trouble(0, "Delta", What::Fault { run: 0, call, fault })];
        holds_often(&race);
    }
}

#[test]
fn two_that_find_the_log_group_of_a_stack_that_is_gone_do_not_both_get_its_family() {
    let kept = Agent {
        retain: Some(Retain::Always),
        ..of_family("alpha")
    };
    let mut story = quiet(vec![
        deploy(&[("Gamma", kept)], Other::FailsLast),
        deploy(&[("Alpha", PLAIN), ("Gamma", of_family("alpha"))], Other::Succeeds),
    ]);
    story.latency = 1000;
    holds_often(&story);
    story.unseen = 4;
    holds_often(&story);
}

#[test]
fn a_log_group_that_was_just_taken_over_goes_with_its_new_owner() {
    let kept = Agent {
        retain: Some(Retain::Always),
        ..PLAIN
    };
    let mut story = quiet(vec![
        deploy(&[("Delta", kept)], Other::FailsLast),
        deploy(&[("Delta", PLAIN)], Other::FailsLast),
    ]);
    story.latency = 200;
    story.unseen = 2;
    holds_often(&story);
}

#[test]
fn a_rename_that_begins_under_the_rollback_leaves_nothing() {
    let mut story = quiet(vec![
        deploy(&[("Beta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", of_family("shared"))], Other::FailsAfter(1800)),
    ]);
    story.latency = 2000;
    story.settling = 15;
    holds_often(&story);
    // It writes when the reverse Update, whose answer is still to be taken, has looked for what it made.
    (story.latency, story.settling) = (0, 0);
    for call in 1..12 {
        let ends = vec![Put::Status500; 4];
        let stall = What::Stall {
            run: 0,
            call,
            seconds: 4,
        };
        story.troubles = vec![
            trouble(1, "Beta", What::Late(1)),
            trouble(1, "Beta", stall),
            trouble_in_reverse("Beta", What::Put { run: 0, ends }),
        ];
        holds(&story);
    }
}

#[test]
fn a_rename_that_ends_after_its_rollback_leaves_nothing_though_what_is_gone_is_still_shown() {
    let malformed = Agent {
        malformed: true,
        ..PLAIN
    };
    let own_role = Agent {
        own_role: true,
        ..changed(1, 0)
    };
    let before = Agent {
        family: Some("beta"),
        ..changed(1, 3)
    };
    let mut story = quiet(vec![
        deploy(&[("Delta", malformed)], Other::Succeeds),
        deploy(&[("Alpha", own_role), ("Delta", before)], Other::Succeeds),
        // The two would swap: Alpha is refused, and Delta goes on until its roles are known to ECS.
        deploy(
            &[("Alpha", of_family("beta")), ("Delta", changed(0, 3))],
            Other::Succeeds,
        ),
    ]);
    let ends = vec![Put::LostAnswer, Put::Reset];
    let mut lost = trouble(2, "Alpha", What::Put { run: 0, ends });
    lost.of.request = 1;
    story.troubles.push(lost);
    (story.hypothesis, story.seed) = (Hypothesis::H2, 3275);
    (story.latency, story.unseen, story.settling) = (1000, 4, 15);
    holds(&story);
}

#[test]
fn an_update_that_goes_on_after_its_rollback_takes_no_rights_from_what_exists() {
    let slow = Agent {
        timeout: Some(5),
        ..changed(0, 3)
    };
    // The last but one is the look at the records; what is under way after that can't be called back, and is mended.
    for call in 1..17 {
        let mut story = quiet(vec![
            deploy(&[("Alpha", PLAIN)], Other::Succeeds),
            deploy(&[("Alpha", slow.clone())], Other::Succeeds),
        ]);
        let stall = What::Stall {
            run: 0,
            call,
            seconds: 30,
        };
        story.troubles.push(trouble(1, "Alpha", stall));
        holds(&story);
    }
}

#[test]
fn a_cancelled_create_that_is_deleted_late_does_not_meet_the_next_one() {
    let mut story = quiet(vec![
        deploy(&[("Delta", PLAIN)], Other::Succeeds),
        deploy(&[("Alpha", changed(0, 2))], Other::FailsAfter(29_058)),
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
    ]);
    story.latency = 2000;
    story.settling = 15;
    for seed in 2000..2100 {
        story.seed = seed;
        holds(&story);
    }
}

#[test]
fn a_create_that_is_delivered_again_after_its_resource_was_removed_makes_nothing() {
    let mut story = quiet(vec![
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
        deploy(&[("Delta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", changed(1, 0))], Other::Succeeds),
    ]);
    let stall = What::Stall {
        run: 0,
        call: 2,
        seconds: 30,
    };
    let crash = What::Fault {
        run: 1,
        call: 14,
        fault: Fault::CrashAfter,
    };
    story.troubles = vec![
        trouble(3, "Beta", stall),
        trouble(0, "Alpha", What::Again(0)),
        trouble(0, "Alpha", crash),
    ];
    holds_often(&story);
}

/// What goes wrong in the reverse Update of an operation.
fn trouble_in_reverse(logical: &'static str, what: What) -> Trouble {
    let of = Which {
        request: 1,
        ..trouble(1, logical, what.clone()).of
    };
    Trouble { of, what }
}

fn first_call(fault: Fault) -> What {
    What::Fault { run: 0, call: 1, fault }
}

#[test]
fn a_rename_back_that_is_cut_off_leaves_what_others_may_be_rolled_back_to() {
    for hypothesis in [Hypothesis::H1, Hypothesis::H2, Hypothesis::H3] {
        let mut story = quiet(vec![
            deploy(&[("Delta", of_family("shared"))], Other::Succeeds),
            deploy(&[("Delta", PLAIN)], Other::FailsLast),
        ]);
        story.hypothesis = hypothesis;
        story.troubles = vec![trouble_in_reverse("Delta", first_call(Fault::Hang))];
        holds_often(&story);
    }
}

#[test]
fn a_run_that_ends_long_after_a_rename_leaves_what_a_policy_keeps() {
    let renamed = Agent {
        retain_replaced: true,
        ..of_family("shared")
    };
    let mut story = quiet(vec![
        deploy(&[("Delta", PLAIN)], Other::Succeeds),
        deploy(&[("Delta", renamed)], Other::Succeeds),
    ]);
    let hang = What::Fault {
        run: 0,
        call: 6,
        fault: Fault::Hang,
    };
    story.troubles = vec![trouble(0, "Delta", What::Again(1)), trouble(0, "Delta", hang)];
    holds_often(&story);
}

#[test]
fn a_create_that_is_delivered_again_long_after_a_rename_leaves_what_a_policy_keeps() {
    let renamed = Agent {
        retain_replaced: true,
        infrequent: true,
        ..PLAIN
    };
    // The class can't be changed: the last update fails and is taken back.
    let refused = Agent {
        infrequent: false,
        ..renamed.clone()
    };
    let deploys = [of_family("shared"), renamed, refused].map(|agent| deploy(&[("Delta", agent)], Other::Succeeds));
    for delete in [None, Some(Operation::Delete)] {
        for seconds in (10..60).step_by(2) {
            let mut story = quiet(deploys.iter().cloned().chain(delete.clone()).collect());
            story.hypothesis = Hypothesis::H2;
            story.troubles = vec![trouble(0, "Delta", What::Again(seconds))];
            holds(&story);
        }
    }
}

#[test]
fn a_stack_is_deleted_after_a_rollback_that_failed() {
    let mut story = quiet(vec![
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
        deploy(&[("Alpha", of_family("beta"))], Other::FailsLast),
        Operation::Delete,
    ]);
    story.hypothesis = Hypothesis::H3;
    story.latency = 2000;
    story.troubles = vec![trouble_in_reverse("Alpha", What::Deadline { run: 0, seconds: 20 })];
    holds_often(&story);
}

#[test]
fn what_a_policy_kept_goes_where_its_resource_goes_once_that_takes_it_up_again() {
    let renamed = Agent {
        retain_replaced: true,
        ..of_family("alpha")
    };
    holds_often(&quiet(vec![
        deploy(&[("Beta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", renamed), ("Delta", PLAIN)], Other::Succeeds),
        deploy(&[("Beta", PLAIN), ("Delta", of_family("beta"))], Other::Succeeds),
    ]));
}

#[test]
fn a_log_group_that_is_taken_over_from_a_stack_that_is_gone_comes_under_the_key_that_is_wanted() {
    for (left, wanted) in [(0, 2), (2, 0), (2, 3)] {
        let kept = Agent {
            logs: left,
            retain: Some(Retain::Always),
            ..PLAIN
        };
        let next = Agent { logs: wanted, ..PLAIN };
        holds(&quiet(vec![
            deploy(&[("Beta", kept)], Other::FailsLast),
            deploy(&[("Beta", next)], Other::Succeeds),
        ]));
    }
}

#[test]
fn a_log_group_of_another_class_that_a_stack_left_is_not_taken_over() {
    let kept = Agent {
        infrequent: true,
        retain: Some(Retain::Always),
        ..PLAIN
    };
    holds(&quiet(vec![
        deploy(&[("Beta", kept)], Other::FailsLast),
        deploy(&[("Beta", PLAIN)], Other::Succeeds),
    ]));
}

#[test]
fn a_key_that_an_update_set_before_it_failed_is_taken_back() {
    for (old, new) in [(0, 2), (2, 0), (2, 3)] {
        for call in 1..14 {
            let mut story = quiet(vec![
                deploy(&[("Alpha", Agent { logs: old, ..PLAIN })], Other::Succeeds),
                deploy(&[("Alpha", Agent { logs: new, ..PLAIN })], Other::Succeeds),
            ]);
            let denied = What::Fault {
                run: 0,
                call,
                fault: Fault::Deny,
            };
            story.troubles = vec![trouble(1, "Alpha", denied)];
            holds(&story);
        }
    }
}

#[test]
fn what_is_kept_except_on_create_goes_with_the_rollback_of_its_create() {
    let kept = Agent {
        retain: Some(Retain::ExceptOnCreate),
        ..PLAIN
    };
    let first = deploy(&[("Beta", kept.clone())], Other::FailsLast);
    assert_eq!(played(&quiet(vec![first])).account.active_revisions("beta").len(), 0);
    let stack = vec![deploy(&[("Beta", kept)], Other::Succeeds), Operation::Delete];
    assert_eq!(played(&quiet(stack)).account.active_revisions("beta").len(), 1);
}

#[test]
fn a_group_whose_looks_contradict_each_other_goes_with_its_owner() {
    let (alpha, beta) = (Agent { rights: 2, ..PLAIN }, Agent { rights: 3, ..PLAIN });
    let shared = Some("shared");
    // The last Delete sees the group of the stack before, and then none.
    let mut story = quiet(vec![
        deploy(
            &[
                (
                    "Alpha",
                    Agent {
                        family: shared,
                        ..alpha.clone()
                    },
                ),
                ("Beta", beta),
            ],
            Other::Succeeds,
        ),
        deploy(&[("Alpha", alpha), ("Beta", of_family("shared"))], Other::Succeeds),
        Operation::Delete,
        deploy(&[("Alpha", PLAIN)], Other::FailsLast),
    ]);
    (story.seed, story.latency, story.unseen) = (1640, 20, 4);
    (story.hurried, story.cancels) = (true, false);
    holds(&story);
    for seed in 0..200 {
        holds(&Story { seed, ..story.clone() });
    }
}

#[test]
fn a_family_that_another_stack_just_gave_up_is_free() {
    let shared = |other| deploy(&[("Gamma", of_family("shared"))], other);
    for seconds in 0..16 {
        let mut story = quiet(vec![shared(Other::FailsLast)]);
        story
            .stacks
            .push(vec![Operation::Wait(seconds), shared(Other::Succeeds)]);
        story.unseen = 1;
        holds(&story);
    }
}

/// An Update of Alpha whose first write comes long after it was rolled back.
fn late_update(agent: &Agent) -> Story {
    let before = Agent {
        infrequent: true,
        ..PLAIN
    };
    let mut story = quiet(vec![
        deploy(&[("Alpha", before)], Other::Succeeds),
        deploy(&[("Alpha", agent.clone())], Other::FailsAfter(9606)),
    ]);
    let stall = What::Stall {
        run: 0,
        call: 3,
        seconds: 300,
    };
    story.troubles.push(trouble(1, "Alpha", stall));
    story
}

#[test]
fn an_update_that_fails_long_after_its_rollback_leaves_no_rights() {
    holds(&late_update(&changed(0, 1)));
}

#[test]
fn what_a_late_update_could_not_put_right_its_next_delivery_does() {
    let agent = Agent {
        infrequent: true,
        ..changed(1, 1)
    };
    for call in 6..30 {
        let mut story = late_update(&agent);
        let fault = Fault::Deny;
        story
            .troubles
            .push(trouble(1, "Alpha", What::Fault { run: 0, call, fault }));
        holds(&story);
    }
}

#[test]
fn an_update_that_is_cut_off_long_after_its_rollback_leaves_no_rights() {
    let agent = Agent {
        infrequent: true,
        ..changed(1, 1)
    };
    for call in 6..16 {
        let mut story = late_update(&agent);
        let fault = Fault::Hang;
        story
            .troubles
            .push(trouble(1, "Alpha", What::Fault { run: 0, call, fault }));
        holds(&story);
    }
}

#[test]
fn a_log_group_that_goes_while_it_is_taken_over_is_made_anew() {
    let gamma = |rights, other| {
        let gamma = Agent {
            infrequent: true,
            ..changed(0, rights)
        };
        deploy(&[("Gamma", gamma)], other)
    };
    let mut story = quiet(vec![
        gamma(0, Other::FailsAfter(7321)),
        gamma(2, Other::FailsAfter(2140)),
        gamma(2, Other::Succeeds),
    ]);
    let crash = What::Fault {
        run: 0,
        call: 8,
        fault: Fault::CrashAfter,
    };
    let stall = What::Stall {
        run: 0,
        call: 3,
        seconds: 30,
    };
    story.troubles = vec![trouble(1, "Gamma", stall), trouble(0, "Gamma", crash)];
    (story.seed, story.latency) = (16106, 2000);
    holds(&story);
    holds_often(&story);
}

#[test]
fn a_duplicate_that_ends_while_its_stack_is_deleted_takes_nothing_that_a_policy_keeps() {
    for retain in [None, Some(Retain::Always)] {
        let agent = Agent { retain, ..PLAIN };
        let mut story = quiet(vec![deploy(&[("Alpha", agent)], Other::Succeeds), Operation::Delete]);
        story.latency = 1000;
        for seconds in 1..16 {
            story.troubles = vec![trouble(0, "Alpha", What::Again(seconds))];
            holds(&story);
        }
    }
}

#[test]
fn a_task_role_that_was_made_without_the_other_goes_with_its_delete() {
    denied_alone(12, 26379);
}

#[test]
fn a_log_group_that_was_made_without_the_roles_goes_with_its_delete() {
    denied_alone(4, 42370);
}

/// One of the first writes of a Create is denied, so that the others' things stand alone, and are seen late.
#[track_caller]
fn denied_alone(unseen: u64, seed: u64) {
    for call in 6..10 {
        let mut story = quiet(vec![deploy(&[("Alpha", PLAIN)], Other::Succeeds)]);
        let fault = Fault::Deny;
        story
            .troubles
            .push(trouble(0, "Alpha", What::Fault { run: 0, call, fault }));
        story.unseen = unseen;
        holds_often(&story);
        holds(&Story { seed, ..story });
    }
}

#[test]
fn what_a_cancelled_create_left_goes_though_its_family_is_anothers_by_now() {
    let shared = |rights, other| {
        let shared = Agent {
            rights,
            ..of_family("shared")
        };
        deploy(&[("Delta", shared)], other)
    };
    let mut story = quiet(vec![shared(2, Other::FailsAfter(4244)), shared(0, Other::Succeeds)]);
    let crash = What::Fault {
        run: 0,
        call: 16,
        fault: Fault::CrashAfter,
    };
    story.troubles.push(trouble(0, "Delta", crash));
    (story.seed, story.latency) = (24721, 2000);
    holds(&story);
}

#[test]
fn a_late_duplicate_takes_no_rights_for_a_newest_request_that_failed() {
    let kept = |agents: &[(&'static str, Agent)]| Operation::Deploy {
        template: agents.iter().cloned().collect(),
        other: Other::Succeeds,
        keep: Some(First::Delete),
    };
    let before = Agent {
        infrequent: true,
        ..PLAIN
    };
    // The log group's class can't be changed, and nothing is rolled back.
    let mut story = quiet(vec![
        kept(&[("Alpha", PLAIN), ("Beta", before)]),
        kept(&[("Beta", changed(0, 3))]),
    ]);
    let denied = What::Fault {
        run: 0,
        call: 9,
        fault: Fault::Deny,
    };
    story.troubles = vec![trouble(0, "Alpha", denied), trouble(0, "Beta", What::Again(3000))];
    story.cancels = false;
    holds(&story);
}

/// A Create, three Updates and the Delete of one resource.
pub(super) fn a_life() -> Vec<Operation> {
    let agents = [PLAIN, changed(1, 1), changed(2, 2), changed(1, 0)];
    let deploys = agents.map(|agent| deploy(&[("Alpha", agent)], Other::Succeeds));
    deploys.into_iter().chain([Operation::Delete]).collect()
}

#[test]
fn requests_in_rapid_succession_leave_nothing() {
    let mut story = quiet(a_life());
    (story.latency, story.hurried) = (20, true);
    holds_often(&story);
}

#[test]
fn a_status_stamped_seconds_before_or_after_the_url_stops_no_request() {
    for stamp in [-20, -3, -1, 1, 3, 20] {
        let mut story = quiet(a_life());
        story.stamp = stamp;
        holds(&story);
    }
}

#[test]
fn a_create_that_arrives_after_its_own_delete_makes_nothing() {
    for seconds in [5, 30, 60, 1000] {
        let mut story = quiet(vec![deploy(&[("Alpha", PLAIN)], Other::FailsAfter(3000))]);
        story.troubles.push(trouble(0, "Alpha", What::Late(seconds)));
        holds_often(&story);
    }
}

#[test]
fn a_forward_rename_that_arrives_after_its_reverse_changes_nothing() {
    let mut story = quiet(vec![
        deploy(&[("Alpha", PLAIN)], Other::Succeeds),
        deploy(&[("Alpha", of_family("shared"))], Other::FailsAfter(3000)),
    ]);
    for seconds in [10, 60, 1000] {
        story.troubles = vec![trouble(1, "Alpha", What::Late(seconds))];
        holds_often(&story);
    }
}

#[test]
fn a_forged_request_for_a_resource_at_rest_or_from_the_future_changes_nothing() {
    for (kind, named) in [
        (Kind::Delete, None),
        (Kind::Delete, Some("alpha")),
        (Kind::Update, Some("alpha")),
        (Kind::Create, None),
    ] {
        for ahead in [0, 3600] {
            let forged = Forged {
                kind,
                logical: "Alpha",
                named,
                agent: changed(3, 3),
                ahead,
            };
            holds(&quiet(vec![
                deploy(&[("Alpha", PLAIN)], Other::Succeeds),
                Operation::Forge(forged),
                Operation::Wait(60),
                deploy(&[("Alpha", changed(1, 1))], Other::Succeeds),
            ]));
        }
    }
}

#[test]
fn a_run_that_starts_late_in_its_visibility_meets_no_other() {
    for seconds in [100, 340, 359, 361, 400] {
        let mut story = quiet(a_life());
        story.latency = 2000;
        story.troubles = vec![
            trouble(0, "Alpha", What::Start { run: 0, seconds }),
            trouble(1, "Alpha", What::Start { run: 0, seconds }),
        ];
        holds(&story);
    }
}

#[test]
fn queues_that_fail_for_a_minute_fail_no_request_for_good() {
    for from in [0, 3, 5, 12] {
        let mut story = quiet(a_life());
        story.outage = Some((from, from + 60));
        holds(&story);
    }
}

#[test]
fn a_crash_at_any_call_leaves_what_the_next_run_makes_whole() {
    for call in 1..16 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut story = quiet(a_life());
            story.troubles = [0, 1, 4]
                .map(|operation| {
                    let fault = fault.clone();
                    trouble(operation, "Alpha", What::Fault { run: 0, call, fault })
                })
                .into();
            holds(&story);
        }
    }
}

#[test]
fn a_message_at_its_last_receive_is_answered() {
    let mut story = quiet(a_life());
    story.troubles = (0..3)
        .map(|run| {
            let fault = Fault::CrashAfter;
            trouble(1, "Alpha", What::Fault { run, call: 3, fault })
        })
        .collect();
    assert!(played(&story).chronicle().contains("no attempt finished"));
}
