//! The plan of a template: of one mind with the function, in the same words.

use agent_composer::settings::Settings;
use agent_composer_cli::{
    plan::{Finding, Outcome, Plan},
    template::Given,
};
use serde_json::{Value, json};

use crate::{
    refusals::malformed,
    stack::{Stack, cargo},
};

fn planned(properties: &Value) -> Plan {
    let mut properties = properties.clone();
    properties["ServiceToken"] = "arn:aws:lambda:us-east-1:111122223333:function:buildkite-agent-provider".into();
    let resource = json!({"Type": "Custom::BuildkiteAgent", "Properties": properties});
    let template = json!({"Resources": {"CargoPublish": resource}});
    let given = Given {
        region: Some("us-east-1".to_owned()),
        account: Some("111122223333".to_owned()),
        ..Given::default()
    };
    Plan::of(&template.to_string(), &given, &Settings::read(|_| None).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_the_functions_is_found_by_the_plan_with_the_same_sentence() {
    for (property, value) in malformed() {
        let stack = Stack::new();
        let mut properties = cargo("rust:1");
        properties[property] = value.clone();
        let reason = stack.create("CargoPublish", &properties).await.failure();
        let plan = planned(&properties);
        // The function has them in its own order, and the plan in the template's.
        let mut rest = reason.clone();
        for Finding { sentence, .. } in &plan.findings {
            assert!(rest.contains(sentence), "{property}: {value}\n{reason}\n{sentence}");
            rest = rest.replacen(sentence, "", 1);
        }
        let numbers: Vec<String> = (1..=plan.findings.len()).map(|number| format!("({number}) ")).collect();
        let without = match numbers.as_slice() {
            [_] => String::new(),
            several => format!("{} faults: {}", several.len(), several.join("; ")),
        };
        assert_eq!(rest, without, "{property}: {value}\n{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_is_what_is_made() {
    let stack = Stack::new();
    let created = stack.create("CargoPublish", &cargo("rust:1")).await.success();
    let plan = planned(&cargo("rust:1"));
    let [agent] = plan.agents.as_slice() else {
        panic!("one agent")
    };
    let Outcome::Composed(composed) = &agent.outcome else {
        panic!("{:?}", plan.findings)
    };
    assert_eq!(composed.identity.physical_id(), created.id);
    assert_eq!(composed.composition.log_group.name, created.data["LogGroupName"]);
}
