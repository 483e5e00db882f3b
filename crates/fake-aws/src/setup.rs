//! What a test can put into the account behind everybody's back: no fault, no rate, no right, no journal.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Account;
use super::call::{Call, Service};
use super::cloudformation::{Stack, StackResource};
use super::ecs::tasks::Task;
use super::sqs::{Message, Queue, QueueSettings};
use super::tags::{ECS, IAM, Tags};

/// Tags from pairs.
fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

// Other people's things.
impl Account {
    /// Performs any operation as somebody else would.
    ///
    /// # Panics
    ///
    /// If the operation is refused.
    pub fn plant(&self, service: Service, operation: &str, params: Value) -> Value {
        let call = Call {
            number: 0,
            caller: "somebody else".to_owned(),
            service,
            operation: operation.to_owned(),
            params,
        };
        let mut inside = self.lock();
        let scene = inside.scene();
        let outcome = inside.state.perform(&call, &scene);
        assert!(outcome.is_ok(), "can't plant with {operation}: {outcome:?}");
        outcome.unwrap_or_default()
    }

    /// Registers a small revision of a family by hand and gives its ARN.
    pub fn plant_revision(&self, family: &str, image: &str, pairs: &[(&str, &str)]) -> String {
        let mut params = json!({
            "family": family,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{ "name": "main", "image": image }],
        });
        if !pairs.is_empty() {
            params["tags"] = ECS.list(&tags(pairs));
        }
        let answer = self.plant(Service::Ecs, "RegisterTaskDefinition", params);
        string(&answer, "/taskDefinition/taskDefinitionArn")
    }

    /// Deregisters a revision by hand.
    pub fn plant_deregistration(&self, arn: &str) {
        let params = json!({ "taskDefinition": arn });
        self.plant(Service::Ecs, "DeregisterTaskDefinition", params);
    }

    /// Makes a role that ECS tasks may assume and gives its unique id.
    pub fn plant_role(&self, path: &str, name: &str, pairs: &[(&str, &str)]) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "ecs-tasks.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }],
        });
        let params = json!({
            "RoleName": name,
            "Path": path,
            "AssumeRolePolicyDocument": trust.to_string(),
            "Tags": IAM.list(&tags(pairs)),
        });
        let answer = self.plant(Service::Iam, "CreateRole", params);
        string(&answer, "/Role/RoleId")
    }

    /// Makes a log group.
    pub fn plant_log_group(&self, name: &str, pairs: &[(&str, &str)]) {
        let mut params = json!({ "logGroupName": name });
        if !pairs.is_empty() {
            params["tags"] = json!(tags(pairs));
        }
        self.plant(Service::Logs, "CreateLogGroup", params);
    }

    /// Switches a log group's deletion protection.
    pub fn set_deletion_protection(&self, name: &str, on: bool) {
        let params = json!({ "logGroupIdentifier": name, "deletionProtectionEnabled": on });
        self.plant(Service::Logs, "PutLogGroupDeletionProtection", params);
    }
}

// What agents are started with, and what became of them.
impl Account {
    /// Makes an SSM parameter, of the type SecureString if it is encrypted with a key.
    pub fn set_parameter(&self, name: &str, key: Option<&str>) {
        let kind = if key.is_some() { "SecureString" } else { "String" };
        let shown = json!({ "Name": name, "Type": kind, "KeyId": key });
        self.lock().state.supplies.parameters.insert(name.to_owned(), shown);
    }

    /// Makes a secret, with any other fields that Describe shows; gives its ARN.
    pub fn set_secret(&self, name: &str, fields: Value) -> String {
        let mut inside = self.lock();
        let arn = inside.home.secret(name);
        let mut shown = json!({ "ARN": arn, "Name": name });
        if let (Some(shown), Value::Object(fields)) = (shown.as_object_mut(), fields) {
            shown.extend(fields);
        }
        inside.state.supplies.secrets.insert(arn.clone(), shown);
        arn
    }

    /// Makes a repository with images of these tags.
    pub fn set_repository(&self, name: &str, tags: &[&str]) {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.lock().state.supplies.repositories.insert(name.to_owned(), tags);
    }

    /// Adds a task of a family to a cluster, as Describe shows it.
    pub fn set_task(&self, cluster: &str, family: &str, shown: Value) {
        let mut inside = self.lock();
        let tasks = &mut inside.state.ecs.tasks;
        if !tasks.clusters.iter().any(|known| known == cluster) {
            tasks.clusters.push(cluster.to_owned());
        }
        tasks.all.push(Task {
            cluster: cluster.to_owned(),
            family: family.to_owned(),
            shown,
        });
    }
}

// Queues, and what Lambda's event source mapping does with them.
impl Account {
    /// Makes a FIFO queue; returns its URL.
    pub fn set_queue(&self, name: &str, settings: QueueSettings) -> String {
        let mut inside = self.lock();
        inside.state.sqs.queues.insert(name.to_owned(), Queue::new(settings));
        let home = &inside.home;
        format!("https://sqs.{}.amazonaws.com/{}/{name}", home.region, home.account)
    }

    /// The queue's ARN.
    pub fn queue_arn(&self, name: &str) -> String {
        self.lock().home.queue(name)
    }

    /// Receives the next message, if there is one to receive.
    pub fn receive(&self, queue: &str) -> Option<Message> {
        self.with_queue(queue, Queue::receive)
    }

    /// Deletes a message by the receipt of its newest receive; returns whether it was there.
    pub fn delete_message(&self, queue: &str, receipt: &str) -> bool {
        self.with_queue(queue, |queue, now| queue.delete(receipt, now))
    }

    /// The messages that are neither deleted nor dead.
    pub fn waiting_messages(&self, queue: &str) -> Vec<Message> {
        self.with_queue(queue, |queue, _| queue.waiting().to_vec())
    }

    /// Whether a message is hidden under that receipt: received, not deleted, and its visibility has not run out.
    pub fn holds_message(&self, queue: &str, receipt: &str) -> bool {
        self.with_queue(queue, |queue, now| queue.holds(receipt, now))
    }

    /// Whether a group has a message, in flight or not.
    pub fn has_message(&self, queue: &str, group: &str) -> bool {
        self.with_queue(queue, |queue, _| {
            queue.waiting().iter().any(|message| message.group == group)
        })
    }

    /// How long it takes until a hidden message comes back.
    pub fn next_return(&self, queue: &str) -> Option<Duration> {
        self.with_queue(queue, |queue, now| {
            let milliseconds = queue.next_return(now)? - now;
            Some(Duration::from_millis(milliseconds.unsigned_abs()))
        })
    }

    /// The bodies of the dead letters.
    pub fn dead_letters(&self, queue: &str) -> Vec<String> {
        self.with_queue(queue, |queue, _| {
            queue.dead.iter().map(|dead| dead.body.clone()).collect()
        })
    }

    fn with_queue<T>(&self, name: &str, act: impl FnOnce(&mut Queue, i64) -> T) -> T {
        let mut inside = self.lock();
        let now = inside.scene().now;
        act(inside.state.sqs.queues.get_mut(name).expect("the queue"), now)
    }
}

// CloudFormation's side, which has no writes of its own here.
impl Account {
    /// The ARN of a stack, where `unique` distinguishes stacks of one name.
    pub fn stack_id(&self, name: &str, unique: &str) -> String {
        self.lock().home.stack(name, unique)
    }

    /// The ARN of a function of that name in this account.
    pub fn function_arn(&self, name: &str) -> String {
        let home = &self.lock().home;
        format!(
            "arn:{}:lambda:{}:{}:function:{name}",
            home.partition, home.region, home.account
        )
    }

    /// Makes a stack, or sets its status.
    pub fn set_stack(&self, id: &str, status: &str) {
        let name = id.split('/').nth(1).unwrap_or(id).to_owned();
        let mut inside = self.lock();
        let now = inside.scene().now;
        inside.state.stacks.changes(id, now);
        let stack = inside.state.stacks.all.entry(id.to_owned()).or_insert_with(|| Stack {
            name,
            status: String::new(),
            updated: None,
            tags: BTreeMap::new(),
            resources: BTreeMap::new(),
        });
        if status == "UPDATE_IN_PROGRESS" && stack.status != status {
            stack.updated = Some(now);
        }
        status.clone_into(&mut stack.status);
    }

    /// Sets the tags of a stack that exists.
    ///
    /// # Panics
    /// If it does not exist.
    pub fn set_stack_tags(&self, id: &str, tags: &[(&str, &str)]) {
        let mut inside = self.lock();
        let now = inside.scene().now;
        inside.state.stacks.changes(id, now);
        let stack = inside.state.stacks.all.get_mut(id).expect("the stack exists");
        let tags = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        stack.tags = tags.collect();
    }

    /// Forgets a stack: even its id is unknown, as ninety days after its deletion.
    pub fn forget_stack(&self, id: &str) {
        let mut inside = self.lock();
        let now = inside.scene().now;
        inside.state.stacks.changes(id, now);
        inside.state.stacks.all.remove(id);
    }

    /// Makes or changes a resource of a stack; without a physical id it is still being created.
    pub fn set_stack_resource(
        &self,
        id: &str,
        logical: &str,
        physical: Option<&str>,
        resource_type: &str,
        status: &str,
    ) {
        let mut inside = self.lock();
        let resource = StackResource {
            physical_id: physical.map(str::to_owned),
            resource_type: resource_type.to_owned(),
            status: status.to_owned(),
            since: inside.scene().now,
        };
        inside.state.stacks.changes(id, resource.since);
        if let Some(stack) = inside.state.stacks.all.get_mut(id) {
            stack.resources.insert(logical.to_owned(), resource);
        }
    }

    /// Sets since when a resource has its status, in seconds since 1970.
    pub fn stamp_stack_resource(&self, id: &str, logical: &str, seconds: i64) {
        if let Some(stack) = self.lock().state.stacks.all.get_mut(id)
            && let Some(resource) = stack.resources.get_mut(logical)
        {
            resource.since = seconds * 1000;
        }
    }

    /// Removes a resource of a stack.
    pub fn remove_stack_resource(&self, id: &str, logical: &str) {
        let mut inside = self.lock();
        let now = inside.scene().now;
        inside.state.stacks.changes(id, now);
        if let Some(stack) = inside.state.stacks.all.get_mut(id) {
            stack.resources.remove(logical);
        }
    }
}

fn string(answer: &Value, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}
