//! What RegisterTaskDefinition takes and what it refuses: a good registration, one thing changed.

use aws_sdk_ecs::types::builders::ContainerDefinitionBuilder;
use aws_sdk_ecs::types::{
    Compatibility, ContainerCondition, ContainerDependency, EphemeralStorage, HealthCheck, KernelCapabilities,
    KeyValuePair, LinuxParameters, LogConfiguration, LogDriver, MountPoint, NetworkMode, Secret, Tag, Volume,
    VolumeFrom,
};

use super::{bare, code, container, refusal, registration};
use crate::Account;

const ROLE: &str = "arn:aws:iam::111122223333:role/Agents/execution";

/// The message that a registration of these containers is refused with.
async fn refused(containers: Vec<ContainerDefinitionBuilder>) -> String {
    let account = Account::new();
    let clients = account.clients();
    let containers = containers.into_iter().map(ContainerDefinitionBuilder::build).collect();
    let result = bare(&clients, "web")
        .set_container_definitions(Some(containers))
        .send()
        .await;
    let (code, message) = refusal(result);
    assert_eq!(code, "ClientException", "{message}");
    assert!(account.revisions("web").is_empty());
    message
}

fn sidecar() -> ContainerDefinitionBuilder {
    container().name("sidecar").essential(false)
}

fn depends(on: &str, condition: ContainerCondition) -> ContainerDependency {
    ContainerDependency::builder()
        .container_name(on)
        .condition(condition)
        .build()
        .expect("whole")
}

#[tokio::test]
async fn the_answer_has_the_defaults_filled_in() {
    let account = Account::new();
    let clients = account.clients();
    let made = registration(&clients, "web")
        .cpu("1 vCPU")
        .memory("2 GB")
        .send()
        .await
        .expect("registers");
    let definition = made.task_definition.expect("has one");
    assert_eq!(definition.cpu(), Some("1024"));
    assert_eq!(definition.memory(), Some("2048"));
    assert_eq!(definition.container_definitions()[0].essential(), Some(true));
    assert_eq!(
        definition.compatibilities(),
        [Compatibility::Ec2, Compatibility::Fargate]
    );
}

#[tokio::test]
async fn fargate_has_its_pairs_and_no_others() {
    let account = Account::new();
    account.set_throttling(false);
    let clients = account.clients();
    for (cpu, memory) in [
        ("256", "2048"),
        ("4096", "30720"),
        ("8192", "20480"),
        ("16384", "122880"),
        ("32768", "249856"),
    ] {
        registration(&clients, "web")
            .cpu(cpu)
            .memory(memory)
            .send()
            .await
            .expect("exists");
    }
    for (cpu, memory) in [
        ("256", "4096"),
        ("512", "1536"),
        ("8192", "18432"),
        ("300", "512"),
        ("32768", "65536"),
        ("x", "512"),
    ] {
        let result = registration(&clients, "web").cpu(cpu).memory(memory).send().await;
        assert_eq!(
            refusal(result),
            (
                "ClientException".to_owned(),
                "No Fargate configuration exists for given values.".to_owned()
            ),
        );
    }
    let bridged = registration(&clients, "web")
        .network_mode(NetworkMode::Bridge)
        .send()
        .await;
    assert!(refusal(bridged).1.contains("awsvpc"));
    let small = EphemeralStorage::builder().size_in_gib(20).build();
    let result = registration(&clients, "web").ephemeral_storage(small).send().await;
    assert_eq!(refusal(result).1, "EphemeralStorage size should be at least 21");
}

#[tokio::test]
async fn names_are_checked() {
    let account = Account::new();
    let clients = account.clients();
    assert_eq!(code(registration(&clients, "a b").send().await), "ClientException");
    assert_eq!(
        code(registration(&clients, &"a".repeat(256)).send().await),
        "ClientException"
    );
    let volume = Volume::builder().name("a/b").build();
    assert_eq!(
        code(registration(&clients, "web").volumes(volume).send().await),
        "ClientException"
    );
    assert!(refused(vec![container().name("a.b")]).await.contains("Container.name"));
    assert!(
        refused(vec![container().image("a b")])
            .await
            .contains("Container.image")
    );
    assert!(refused(vec![container().image("")]).await.contains("Container.image"));
    assert!(refused(vec![container(), container()]).await.contains("Duplicate"));
    assert!(refused(vec![]).await.contains("empty"));
    let digest = format!("ruby@sha256:{}", "a".repeat(64));
    bare(&clients, "web")
        .container_definitions(container().image(digest).build())
        .send()
        .await
        .expect("a digest is an image");
}

#[tokio::test]
async fn a_role_needs_the_shape_of_one_and_need_not_exist() {
    let account = Account::new();
    let clients = account.clients();
    for bad in [
        "",
        "arn:aws:iam::111122223333:user/x",
        "arn:aws:s3:::bucket",
        "arn:aws:iam::1:role/x",
    ] {
        let result = registration(&clients, "web").task_role_arn(bad).send().await;
        assert_eq!(refusal(result).1, "Role is not valid", "{bad}");
    }
    registration(&clients, "web")
        .task_role_arn(ROLE)
        .send()
        .await
        .expect("nobody looks whether it is there");
}

#[tokio::test]
async fn tags_are_checked() {
    let account = Account::new();
    let clients = account.clients();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let cases: Vec<Vec<Tag>> = vec![
        vec![],
        vec![tag("aws:x", "1")],
        vec![tag("a", "1"), tag("a", "2")],
        vec![tag("a", "{}")],
        vec![tag("", "1")],
        vec![tag("a", &"x".repeat(257))],
        (0..51).map(|n| tag(&n.to_string(), "")).collect(),
    ];
    for tags in cases {
        let result = registration(&clients, "web").set_tags(Some(tags)).send().await;
        assert_eq!(code(result), "InvalidParameterException");
    }
}

#[tokio::test]
async fn conditions_fit_the_containers_that_they_are_about() {
    let agent = |on, condition| container().depends_on(depends(on, condition));
    assert!(
        refused(vec![agent("nobody", ContainerCondition::Start)])
            .await
            .contains("unknown")
    );
    assert!(
        refused(vec![agent("agent", ContainerCondition::Start)])
            .await
            .contains("unknown")
    );
    for condition in [ContainerCondition::Success, ContainerCondition::Complete] {
        let essential = sidecar().essential(true);
        assert!(
            refused(vec![agent("sidecar", condition), essential])
                .await
                .contains("essential")
        );
    }
    let unhealthy = refused(vec![agent("sidecar", ContainerCondition::Healthy), sidecar()]).await;
    assert!(unhealthy.contains("health check"));
    let circle = sidecar().depends_on(depends("agent", ContainerCondition::Start));
    assert!(
        refused(vec![agent("sidecar", ContainerCondition::Start), circle])
            .await
            .contains("circle")
    );
    assert!(refused(vec![sidecar()]).await.contains("essential"));
}

#[tokio::test]
async fn a_health_check_begins_with_cmd_and_keeps_its_ranges() {
    let health = |words: &[&str]| {
        HealthCheck::builder().set_command(Some(words.iter().map(|word| (*word).to_owned()).collect()))
    };
    let with = |check: aws_sdk_ecs::types::builders::HealthCheckBuilder| {
        container().health_check(check.build().expect("whole"))
    };
    assert!(
        refused(vec![with(health(&["test", "-S", "/ssh/socket"]))])
            .await
            .contains("CMD")
    );
    let good = || health(&["CMD", "true"]);
    for bad in [
        good().interval(4),
        good().timeout(1),
        good().retries(11),
        good().start_period(301),
    ] {
        assert!(refused(vec![with(bad)]).await.contains("healthCheck"));
    }
    for bad in [container().stop_timeout(121), container().start_timeout(1)] {
        assert!(refused(vec![bad]).await.contains("Timeout"));
    }
}

#[tokio::test]
async fn volumes_are_there_before_they_are_mounted() {
    let mount = MountPoint::builder().source_volume("none").container_path("/x").build();
    assert_eq!(
        refused(vec![container().mount_points(mount)]).await,
        "Unknown volume 'none'."
    );
    let from = VolumeFrom::builder().source_container("none").build();
    assert!(
        refused(vec![container().volumes_from(from)])
            .await
            .contains("volumesFrom")
    );
}

#[tokio::test]
async fn secrets_need_an_execution_role_and_names_of_their_own() {
    let account = Account::new();
    let clients = account.clients();
    let secret = || {
        Secret::builder()
            .name("TOKEN")
            .value_from("/token")
            .build()
            .expect("whole")
    };
    let variable = |name: &str| KeyValuePair::builder().name(name).value("1").build();
    assert!(
        refused(vec![container().secrets(secret())])
            .await
            .contains("executionRoleArn")
    );

    let both = container().secrets(secret()).environment(variable("TOKEN")).build();
    let result = bare(&clients, "web")
        .execution_role_arn(ROLE)
        .container_definitions(both)
        .send()
        .await;
    assert!(refusal(result).1.contains("must be unique"));

    let twice = container()
        .environment(variable("A"))
        .environment(variable("A"))
        .build();
    bare(&clients, "web")
        .container_definitions(twice)
        .send()
        .await
        .expect("AWS takes a variable twice");
}

#[tokio::test]
async fn awslogs_on_fargate_needs_its_options_and_a_role() {
    let account = Account::new();
    let clients = account.clients();
    let logging = |names: &[&str]| {
        let mut logging = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
        for name in names {
            logging = logging.options(*name, "x");
        }
        container().log_configuration(logging.build().expect("whole"))
    };
    let all = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
    assert!(refused(vec![logging(&all)]).await.contains("execution role"));
    let with_role = |names: &[&str]| {
        bare(&clients, "web")
            .execution_role_arn(ROLE)
            .container_definitions(logging(names).build())
            .send()
    };
    assert_eq!(
        refusal(with_role(&all[..2]).await).1,
        "Log driver awslogs requires options: awslogs-stream-prefix"
    );
    with_role(&all).await.expect("has all it needs");
}

#[tokio::test]
async fn fargate_lacks_what_needs_the_host() {
    assert!(refused(vec![container().privileged(true)]).await.contains("privileged"));
    assert!(refused(vec![container().links("x")]).await.contains("links"));
    let capability = KernelCapabilities::builder().add("SYS_ADMIN").build();
    let linux = LinuxParameters::builder().capabilities(capability).build();
    assert!(
        refused(vec![container().linux_parameters(linux)])
            .await
            .contains("SYS_PTRACE")
    );
    assert!(refused(vec![container().memory(1024)]).await.contains("memory"));
}

#[tokio::test]
async fn ten_containers_and_sixty_four_kilobytes_are_the_most() {
    let many = |count: usize| (0..count).map(|n| container().name(format!("c{n}"))).collect();
    assert!(refused(many(11)).await.contains("Too many"));
    let value = "x".repeat(66_000);
    let variable = KeyValuePair::builder().name("A").value(value).build();
    assert!(refused(vec![container().environment(variable)]).await.contains("65536"));
}
