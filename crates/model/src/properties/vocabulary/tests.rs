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
fn a_soft_limit_is_within_the_hard_one_and_minus_one_is_none() {
    for (soft, hard, is_taken) in [
        (1, 1, true),
        (2, 1, false),
        (-1, -1, true),
        (1, -1, true),
        (-1, 1, false),
    ] {
        let limits = json!([{"Name": "nofile", "SoftLimit": soft, "HardLimit": hard}]);
        assert_eq!(with("Ulimits", &limits, &json!({})).is_ok(), is_taken, "{limits}");
    }
}

#[test]
fn ports_and_what_is_of_the_network_are_as_the_network_has_them() {
    let control = |namespace: &str| json!({"SystemControls": [{"Namespace": namespace, "Value": "1"}]});
    let range = |range: &str| json!({"PortMappings": [{"ContainerPortRange": range}]});
    let ports = |mapping: Value| json!({"PortMappings": [mapping]});
    let published = |inside: i32, outside: i32| ports(json!({"ContainerPort": inside, "HostPort": outside}));
    for (words, network, is_taken) in [
        (control("net.core.somaxconn"), "bridge", true),
        (control("net.core.somaxconn"), "host", false),
        (control("kernel.sem"), "host", true),
        (range("1-2"), "awsvpc", true),
        (range("0-2"), "awsvpc", false),
        (range("2-2"), "awsvpc", false),
        (range("3-2"), "awsvpc", false),
        (range("65534-65535"), "awsvpc", true),
        (range("65535-65536"), "awsvpc", false),
        (
            ports(json!({"ContainerPortRange": "1-2", "HostPort": 1})),
            "awsvpc",
            false,
        ),
        (
            ports(json!({"ContainerPort": 1, "ContainerPortRange": "1-2"})),
            "awsvpc",
            false,
        ),
        (ports(json!({"ContainerPort": 80})), "awsvpc", true),
        (published(80, 80), "awsvpc", true),
        (published(80, 8080), "awsvpc", false),
        (published(80, 80), "host", true),
        (published(80, 8080), "host", false),
        (published(80, 8080), "bridge", true),
    ] {
        let mut written = on(&json!(["EC2"]), network);
        written["Image"] = "ruby".into();
        written["AgentContainer"] = words;
        assert_eq!(validated(&written).is_ok(), is_taken, "{written}");
    }
}

#[test]
fn ten_files_of_variables_are_taken() {
    for (count, is_taken) in [(10, true), (11, false)] {
        let file = |n| json!({"Type": "s3", "Value": format!("arn:aws:s3:::settings/{n}.env")});
        let files: Value = (0..count).map(file).collect();
        assert_eq!(
            with("EnvironmentFiles", &files, &json!({})).is_ok(),
            is_taken,
            "{count}"
        );
    }
}

#[test]
fn the_group_and_the_region_of_logs_are_names() {
    for (driver, option, value, is_taken) in [
        ("awslogs", "awslogs-group", "/a-b_c.d#1", true),
        ("awslogs", "awslogs-group", "a*", false),
        ("awslogs", "awslogs-group", "", false),
        ("awslogs", "awslogs-region", "us-east-1", true),
        ("awslogs", "awslogs-region", "us_east", false),
        ("awslogs", "awslogs-region", "", false),
        ("splunk", "awslogs-group", "a*", true),
    ] {
        let logs = json!({"LogDriver": driver, "Options": {option: value}});
        assert_eq!(with("LogConfiguration", &logs, &json!({})).is_ok(), is_taken, "{logs}");
    }
}

#[test]
fn a_routers_configuration_is_one_object_in_s3_or_a_file_of_its_image() {
    for (place, kind, value, is_taken) in [
        ("FARGATE", "file", "/etc/fluent-bit.conf", true),
        ("FARGATE", "s3", "arn:aws:s3:::settings/a", false),
        ("EC2", "file", "/etc/fluent-bit.conf", true),
        ("EC2", "s3", "arn:aws:s3:::settings/a", true),
        ("EC2", "s3", "arn:aws:s3:::settings/a/b.conf", true),
        ("EC2", "s3", "arn:aws-cn:s3:::settings/a", false),
        ("EC2", "s3", "arn:aws:s3:::settings", false),
        ("EC2", "s3", "arn:aws:s3:::settings/", false),
        ("EC2", "s3", "arn:aws:s3:::/a", false),
        ("EC2", "s3", "arn:aws:s3:::settings/*", false),
        ("EC2", "s3", "arn:aws:s3:::settings/?", false),
        ("EC2", "s3", "arn:aws:s3:::settings/${a}", false),
    ] {
        let router = json!({"Type": "fluentbit", "Options": {"config-file-type": kind, "config-file-value": value}});
        let place = json!({"RequiresCompatibilities": [place]});
        let taken = with("FirelensConfiguration", &router, &place).is_ok();
        assert_eq!(taken, is_taken, "{router} {place}");
    }
}

#[test]
fn a_volume_of_an_instance_is_where_the_instance_has_it() {
    let host = |path: &str| json!({"Host": {"SourcePath": path}});
    let docker = |docker: Value| json!({"DockerVolumeConfiguration": docker});
    for (volume, place, is_taken) in [
        (host("/var"), "MANAGED_INSTANCES", true),
        (host("/var/a"), "MANAGED_INSTANCES", true),
        (host("/tmp/a"), "MANAGED_INSTANCES", true),
        (host("/variable"), "MANAGED_INSTANCES", false),
        (host("/home/var"), "MANAGED_INSTANCES", false),
        (host("/"), "MANAGED_INSTANCES", false),
        (host("/home"), "EC2", true),
        (docker(json!({"Scope": "shared", "Autoprovision": "true"})), "EC2", true),
        (docker(json!({"Scope": "task", "Autoprovision": "true"})), "EC2", false),
        (docker(json!({"Autoprovision": "true"})), "EC2", false),
        (docker(json!({"Scope": "task"})), "EC2", true),
    ] {
        let mut volume = volume;
        volume["Name"] = "a".into();
        let written = json!({"Image": "ruby", "RequiresCompatibilities": [place], "Volumes": [volume]});
        assert_eq!(validated(&written).is_ok(), is_taken, "{written}");
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

#[test]
fn what_is_missing_or_of_another_shape_is_answered_with_what_would_be_right() {
    for (name, value, message) in [
        (
            "Ulimits",
            json!(["nofile"]),
            "`AgentContainer.Ulimits[0]` must be {Name, SoftLimit, HardLimit}, not a string",
        ),
        (
            "Ulimits",
            json!([{"SoftLimit": 1, "HardLimit": 1}]),
            "`AgentContainer.Ulimits[0].Name` is required; legal: core, cpu, data, fsize, locks, memlock, msgqueue, nice, \
             nofile, nproc, rss, rtprio, rttime, sigpending, stack",
        ),
        (
            "ExtraHosts",
            json!([{"Hostname": "a"}]),
            "`AgentContainer.ExtraHosts[0].IpAddress` is required; write an IP address",
        ),
        // Any text would be right.
        (
            "SystemControls",
            json!([{"Namespace": "kernel.sem"}]),
            "`AgentContainer.SystemControls[0].Value` is required",
        ),
    ] {
        let faults = with(name, &value, &on(&json!(["EC2"]), "bridge")).unwrap_err();
        assert_eq!(faults.to_string(), message);
    }
}
