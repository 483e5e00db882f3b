//! The tables are sound: forms are patterns, names are ECS's, and every word has a value that is taken and one that is not.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::{container, left_out::LEFT_OUT, shape::Shape, task, volume, *};
use crate::properties::{
    Properties,
    tests::{places_in, validated},
};

/// Two sets of properties in which every word is used.
pub(crate) fn every_word() -> [Value; 2] {
    [include_str!("every_word.json"), include_str!("every_word_on_ec2.json")]
        .map(|document| serde_json::from_str(document).unwrap())
}

/// Every key of a table, those within others with them.
fn all_of(keys: &'static [Key], path: &str) -> Vec<(String, &'static Key)> {
    let mut all = Vec::new();
    for key in keys {
        let path = format!("{path}{}", key.name);
        all.push((path.clone(), key));
        all.extend(all_of(key.inner(), &format!("{path}.")));
    }
    all
}

fn all() -> Vec<(String, &'static Key)> {
    [container::KEYS, task::KEYS, volume::KEYS]
        .into_iter()
        .flat_map(|keys| all_of(keys, ""))
        .collect()
}

#[test]
fn every_form_is_a_pattern_and_says_what_would_be_right() {
    for (path, key) in all() {
        let each = match key.shape {
            Shape::List { each, .. } => *each,
            shape => shape,
        };
        let Shape::Text(form) = each else { continue };
        assert!(Regex::new(form.pattern).is_ok(), "{path}");
        assert_eq!(form.pattern.is_empty(), form.advice.is_empty(), "{path}");
    }
}

#[test]
fn what_a_template_calls_otherwise_and_what_is_nobodys_to_change_is_known() {
    assert_eq!(template_name("properties"), Some("ProxyConfigurationProperties"));
    assert_eq!(template_name("ulimits"), None);
    let maps = ["options", "dockerLabels", "driverOpts", "labels"];
    assert!(maps.into_iter().all(is_map) && !is_map("ulimits"));
}

#[test]
fn every_word_is_described_and_named_once() {
    for keys in [container::KEYS, task::KEYS, volume::KEYS] {
        let names: BTreeSet<&str> = keys.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), keys.len());
        for key in keys {
            assert!(key.about.ends_with('.'), "{}", key.name);
            let first = key.api_name().chars().next();
            assert!(first.is_some_and(char::is_lowercase), "{}", key.name);
        }
    }
    for one in LEFT_OUT {
        assert!(!all().iter().any(|(path, _)| *path == one.name), "{}", one.name);
    }
}

#[test]
fn every_word_is_in_a_document_that_is_accepted() {
    let mut found = BTreeSet::new();
    for written in every_word() {
        validated(&written).unwrap();
        let mut places = Vec::new();
        places_in(&written, "", &mut places);
        // Without the numbers of elements.
        let fields = (places.iter()).map(|(path, _)| path.split(['[', ']']).step_by(2).collect::<String>());
        found.extend(fields);
    }
    for (path, _) in all() {
        let places = ["AgentContainer.", "Sidecars.", "Volumes.", ""];
        assert!(
            places.iter().any(|place| found.contains(&format!("{place}{path}"))),
            "no document has {path}"
        );
    }
}

/// `Image` and one word of the agent's container.
fn with(name: &str, value: &Value, more: &Value) -> Result<Properties, crate::Faults> {
    let mut written =
        json!({"Image": "ruby", "TaskCpu": "2048", "TaskMemory": "4096", "AgentContainer": {name: value}});
    written
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    validated(&written)
}

#[test]
fn nothing_is_passed_on_of_what_says_nothing() {
    let bare = validated(&json!({"Image": "ruby", "TaskCpu": "2048", "TaskMemory": "4096"})).unwrap();
    for (name, nothing) in [
        ("LinuxParameters", json!({})),
        ("LinuxParameters", json!({"Capabilities": {"Add": []}})),
        ("Ulimits", json!([])),
        ("Ulimits", json!("")),
        ("DockerLabels", json!({})),
        ("User", json!("")),
        ("DnsServers", json!([])),
        ("ExtraHosts", json!([""])),
    ] {
        assert_eq!(with(name, &nothing, &json!({})).unwrap(), bare, "{name}");
    }
}

fn on(kinds: &Value, network: &str) -> Value {
    json!({"RequiresCompatibilities": kinds, "NetworkMode": network})
}

#[test]
fn what_a_place_has_not_is_refused_there_with_where_it_is() {
    let mut messages = Vec::new();
    let [fargate, ec2, managed] = [
        json!({}),
        on(&json!(["EC2"]), "awsvpc"),
        on(&json!(["MANAGED_INSTANCES"]), "host"),
    ];
    for (name, value, place) in [
        ("DnsServers", json!(["10.0.0.2"]), &fargate),
        ("DnsSearchDomains", json!(["example.com"]), &managed),
        (
            "ExtraHosts",
            json!([{"Hostname": "a", "IpAddress": "10.0.0.1"}]),
            &fargate,
        ),
        ("ExtraHosts", json!([{"Hostname": "a", "IpAddress": "10.0.0.1"}]), &ec2),
        ("Hostname", json!("agent"), &ec2),
        ("DockerSecurityOptions", json!(["no-new-privileges"]), &fargate),
        ("ResourceRequirements", json!([{"Type": "GPU", "Value": 1}]), &fargate),
        ("LinuxParameters", json!({"Swappiness": 1}), &managed),
        (
            "LinuxParameters",
            json!({"Devices": [{"HostPath": "/dev/fuse"}]}),
            &fargate,
        ),
        (
            "LinuxParameters",
            json!({"Capabilities": {"Add": ["SYS_PTRACE", "SYS_ADMIN"]}}),
            &fargate,
        ),
        ("LogConfiguration", json!({"LogDriver": "syslog"}), &fargate),
        ("LogConfiguration", json!({"LogDriver": "gelf"}), &managed),
        (
            "PortMappings",
            json!([{"ContainerPort": 80, "HostPort": 8080}]),
            &managed,
        ),
        ("PortMappings", json!([{"ContainerPortRange": "80-90"}]), &managed),
        (
            "SystemControls",
            json!([{"Namespace": "net.core.somaxconn", "Value": 1}]),
            &managed,
        ),
    ] {
        messages.push(with(name, &value, place).unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_a_place_has_not_of_a_task_is_refused_there_with_where_it_is() {
    let mut messages = Vec::new();
    let [fargate, managed] = [json!({}), on(&json!(["MANAGED_INSTANCES"]), "host")];
    for (name, value, place) in [
        ("PidMode", json!("host"), &fargate),
        ("IpcMode", json!("task"), &fargate),
        (
            "PlacementConstraints",
            json!([{"Type": "memberOf", "Expression": "a"}]),
            &managed,
        ),
        ("ProxyConfiguration", json!({"ContainerName": "agent"}), &managed),
        (
            "Volumes",
            json!([{"Name": "a", "Host": {"SourcePath": "/var/a"}}]),
            &fargate,
        ),
        (
            "Volumes",
            json!([{"Name": "a", "Host": {"SourcePath": "/home"}}]),
            &managed,
        ),
        (
            "Volumes",
            json!([{"Name": "a", "DockerVolumeConfiguration": {"Scope": "task"}}]),
            &fargate,
        ),
        (
            "Volumes",
            json!([{"Name": "a", "ConfiguredAtLaunch": true}]),
            &on(&json!(["EXTERNAL"]), ""),
        ),
    ] {
        let mut more = place.clone();
        more[name] = value;
        messages.push(with("User", &json!(""), &more).unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_a_word_may_not_be_is_refused_with_what_would_be_right() {
    let mut messages = Vec::new();
    for (name, value) in [
        ("Ulimits", json!([{"Name": "files", "SoftLimit": 1, "HardLimit": 1}])),
        ("Ulimits", json!([{"Name": "nofile", "SoftLimit": 2, "HardLimit": 1}])),
        ("Ulimits", json!([{"Name": "nofile", "SoftLimit": -1, "HardLimit": 1}])),
        (
            "Ulimits",
            json!([{"Name": "nofile", "SoftLimit": -2, "HardLimit": "many"}]),
        ),
        ("Ulimits", json!([{"Name": "nofile"}])),
        ("SystemControls", json!([{"Namespace": "vm.max_map_count", "Value": 1}])),
        ("DockerLabels", json!(["team=platform"])),
        ("DockerLabels", json!({"team": ["platform"]})),
        ("PortMappings", json!([{"Protocol": "udp"}])),
        (
            "PortMappings",
            json!([{"ContainerPort": 1, "ContainerPortRange": "1-2"}]),
        ),
        ("PortMappings", json!([{"ContainerPortRange": "90-80", "HostPort": 80}])),
        ("PortMappings", json!([{"ContainerPort": 70000, "Name": "-a"}])),
        (
            "LinuxParameters",
            json!({"Tmpfs": [{"ContainerPath": "tmp", "Size": 0}]}),
        ),
        ("LinuxParameters", json!({"Capabilities": {"Drop": ["CAP_NET_RAW"]}})),
        ("LinuxParameters", json!({"Init": true})),
        (
            "EnvironmentFiles",
            json!([{"Type": "s3", "Value": "s3://settings/ruby.env"}]),
        ),
        (
            "EnvironmentFiles",
            json!([{"Type": "s3", "Value": "arn:aws:s3:::settings/ruby.txt"}]),
        ),
        (
            "EnvironmentFiles",
            json!([{"Type": "s3", "Value": "arn:aws:s3:::settings/*.env"}]),
        ),
        (
            "EnvironmentFiles",
            json!([{"Type": "s3", "Value": "arn:aws-cn:s3:::settings/a.env"}]),
        ),
        (
            "EnvironmentFiles",
            (0..11)
                .map(|n| json!({"Type": "s3", "Value": format!("arn:aws:s3:::settings/{n}.env")}))
                .collect(),
        ),
        ("LogConfiguration", json!({"Options": {}})),
        (
            "LogConfiguration",
            json!({"LogDriver": "awslogs", "Options": {"awslogs-group": "*", "awslogs-region": "a:b"}}),
        ),
        (
            "LogConfiguration",
            json!({"LogDriver": "splunk", "SecretOptions": [{"Name": "splunk-token", "ValueFrom": "a token?"}]}),
        ),
        ("LogConfiguration", json!({"LogDriver": "awsfirelens"})),
        ("FirelensConfiguration", json!({"Type": "logstash"})),
        (
            "FirelensConfiguration",
            json!({"Type": "fluentd", "Options": {"config-file-type": "s3", "config-file-value": "arn:aws:s3:::a"}}),
        ),
        ("VersionConsistency", json!("on")),
        ("Interactive", json!("maybe")),
        ("RestartPolicy", json!({"Enabled": true})),
        ("Links", json!(["a"])),
        ("Image", json!("ruby")),
        ("Command", json!(["start"])),
        ("Colour", json!("blue")),
        ("Memory", json!("8192")),
    ] {
        messages.push(with(name, &value, &json!({})).unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn who_routes_logs_and_who_is_the_proxy_must_be_there_once() {
    let router = |name: &str, logs: &str| json!({"Name": name, "Image": "fluent-bit", "FirelensConfiguration": {"Type": "fluentbit"}, "LogConfiguration": {"LogDriver": logs}});
    let mut messages = Vec::new();
    for (property, value) in [
        ("Sidecars", json!([router("one", "awslogs"), router("two", "awslogs")])),
        ("Sidecars", json!([router("one", "awsfirelens")])),
        ("ProxyConfiguration", json!({"ContainerName": "envoy"})),
        (
            "Volumes",
            json!([{"Name": "a", "ConfiguredAtLaunch": true}, {"Name": "b", "ConfiguredAtLaunch": true}]),
        ),
        (
            "Volumes",
            json!([{"Name": "a", "ConfiguredAtLaunch": true, "EFSVolumeConfiguration": {"FilesystemId": "fs-01234567"}}]),
        ),
        (
            "Volumes",
            json!([{"Name": "a", "FSxWindowsFileServerVolumeConfiguration": {}}]),
        ),
        (
            "SshAgentEnvironment",
            json!([{"Name": "IAM_SSH_AGENT_BACKEND_URL", "Value": "a"}]),
        ),
    ] {
        let written = json!({"Image": "ruby", property: value});
        messages.push(validated(&written).unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_the_keys_of_an_object_are_together_is_looked_at() {
    let [fargate, bridge, host, managed] = [
        json!({}),
        on(&json!(["EC2"]), "bridge"),
        on(&json!(["EC2"]), "host"),
        on(&json!(["MANAGED_INSTANCES"]), "awsvpc"),
    ];
    let limits = |soft: i32, hard: i32| json!([{"Name": "nofile", "SoftLimit": soft, "HardLimit": hard}]);
    let control = |namespace: &str| json!([{"Namespace": namespace, "Value": "1"}]);
    let range = |range: &str| json!([{"ContainerPortRange": range}]);
    let ports = |inside: i32, outside: i32| json!([{"ContainerPort": inside, "HostPort": outside}]);
    let files = |count: usize| {
        let file = |n| json!({"Type": "s3", "Value": format!("arn:aws:s3:::settings/{n}.env")});
        (0..count).map(file).collect::<Value>()
    };
    let logs = |driver: &str, option: &str, value: &str| json!({"LogDriver": driver, "Options": {option: value}});
    let router = |kind: &str, value: &str| json!({"Type": "fluentbit", "Options": {"config-file-type": kind, "config-file-value": value}});
    for (name, value, place, is_taken) in [
        // A limit of -1 is none.
        ("Ulimits", limits(1, 1), &fargate, true),
        ("Ulimits", limits(2, 1), &fargate, false),
        ("Ulimits", limits(-1, -1), &fargate, true),
        ("Ulimits", limits(1, -1), &fargate, true),
        ("Ulimits", limits(-1, 1), &fargate, false),
        ("SystemControls", control("net.core.somaxconn"), &bridge, true),
        ("SystemControls", control("net.core.somaxconn"), &host, false),
        ("SystemControls", control("kernel.sem"), &host, true),
        ("PortMappings", range("1-2"), &fargate, true),
        ("PortMappings", range("0-2"), &fargate, false),
        ("PortMappings", range("2-2"), &fargate, false),
        ("PortMappings", range("3-2"), &fargate, false),
        ("PortMappings", range("65534-65535"), &fargate, true),
        ("PortMappings", range("65535-65536"), &fargate, false),
        (
            "PortMappings",
            json!([{"ContainerPortRange": "1-2", "HostPort": 1}]),
            &fargate,
            false,
        ),
        (
            "PortMappings",
            json!([{"ContainerPort": 1, "ContainerPortRange": "1-2"}]),
            &fargate,
            false,
        ),
        ("PortMappings", json!([{"ContainerPort": 80}]), &fargate, true),
        ("PortMappings", ports(80, 80), &fargate, true),
        ("PortMappings", ports(80, 8080), &fargate, false),
        ("PortMappings", ports(80, 80), &host, true),
        ("PortMappings", ports(80, 8080), &host, false),
        ("PortMappings", ports(80, 8080), &bridge, true),
        ("EnvironmentFiles", files(10), &fargate, true),
        ("EnvironmentFiles", files(11), &fargate, false),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-group", "/a-b_c.d#1"),
            &fargate,
            true,
        ),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-group", "a*"),
            &fargate,
            false,
        ),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-group", ""),
            &fargate,
            false,
        ),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-region", "us-east-1"),
            &fargate,
            true,
        ),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-region", "us_east"),
            &fargate,
            false,
        ),
        (
            "LogConfiguration",
            logs("awslogs", "awslogs-region", ""),
            &fargate,
            false,
        ),
        (
            "LogConfiguration",
            logs("splunk", "awslogs-group", "a*"),
            &fargate,
            true,
        ),
        (
            "FirelensConfiguration",
            router("file", "/etc/fluent-bit.conf"),
            &fargate,
            true,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/a"),
            &fargate,
            false,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/a"),
            &bridge,
            true,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws-cn:s3:::settings/a"),
            &bridge,
            false,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings"),
            &bridge,
            false,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/"),
            &bridge,
            false,
        ),
        ("FirelensConfiguration", router("s3", "arn:aws:s3:::/a"), &bridge, false),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/*"),
            &bridge,
            false,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/?"),
            &bridge,
            false,
        ),
        (
            "FirelensConfiguration",
            router("s3", "arn:aws:s3:::settings/${a}"),
            &bridge,
            false,
        ),
    ] {
        assert_eq!(with(name, &value, place).is_ok(), is_taken, "{name}: {value} {place}");
    }
    let host = |path: &str| json!({"Name": "a", "Host": {"SourcePath": path}});
    let docker = |docker: Value| json!({"Name": "a", "DockerVolumeConfiguration": docker});
    for (volume, place, is_taken) in [
        (host("/var"), &managed, true),
        (host("/var/a"), &managed, true),
        (host("/tmp/a"), &managed, true),
        (host("/variable"), &managed, false),
        (host("/home/var"), &managed, false),
        (host("/"), &managed, false),
        (host("/home"), &bridge, true),
        (
            docker(json!({"Scope": "shared", "Autoprovision": "true"})),
            &bridge,
            true,
        ),
        (
            docker(json!({"Scope": "task", "Autoprovision": "true"})),
            &bridge,
            false,
        ),
        (docker(json!({"Autoprovision": "true"})), &bridge, false),
        (docker(json!({"Scope": "task"})), &bridge, true),
    ] {
        let mut more = place.clone();
        more["Volumes"] = json!([volume]);
        assert_eq!(with("User", &json!(""), &more).is_ok(), is_taken, "{more}");
    }
}

#[test]
fn what_says_nothing_may_be_where_the_word_is_not() {
    let external = on(&json!(["EXTERNAL"]), "");
    let launched = |value: Value| json!({"Name": "a", "ConfiguredAtLaunch": value});
    for (volume, is_taken) in [
        (launched(json!(true)), false),
        (launched(json!("true")), false),
        (launched(json!(false)), true),
        (launched(json!("False")), true),
        (launched(json!("")), true),
    ] {
        let mut more = external.clone();
        more["Volumes"] = json!([volume]);
        assert_eq!(with("User", &json!(""), &more).is_ok(), is_taken, "{more}");
    }
    for (name, value, is_taken) in [
        ("DnsServers", json!([]), true),
        ("DnsServers", json!(["10.0.0.2"]), false),
        ("LinuxParameters", json!({"Swappiness": 0}), false),
        ("LinuxParameters", json!({"Devices": []}), true),
    ] {
        assert_eq!(with(name, &value, &json!({})).is_ok(), is_taken, "{name}: {value}");
    }
}
