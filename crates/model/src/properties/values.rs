//! What the agent is given in its environment: variables, secrets, the agent's configuration, and the keys for them.

use super::{
    KmsKey, SIGNING_KEY, Secret, Variable, agent_configuration, keys, secret, variables,
    wire::{Fields, Item},
};
use crate::{Faults, identity::StackId};

pub(super) struct Values {
    /// `Environment` as it is written.
    pub(super) variables: Vec<Item>,
    /// `Secrets` as they are written.
    pub(super) secret_items: Vec<Item>,
    pub(super) secrets: Vec<Secret>,
    pub(super) environment: Vec<Variable>,
    pub(super) ssh_agent_environment: Vec<Variable>,
    pub(super) agent_configuration: Vec<(&'static str, String)>,
    pub(super) signing_key: Option<String>,
    pub(super) secrets_kms_keys: Vec<KmsKey>,
}

impl Values {
    pub(super) fn read(fields: &Fields<'_>, stack: &StackId, with_ssh: bool, faults: &mut Faults) -> Self {
        let secret_items = fields.items("Secrets", "ValueFrom", faults);
        let variables = fields.items("Environment", "Value", faults);
        let secrets = secret::read(&secret_items, stack, faults);
        let environment = variables::read(&variables);
        variables::check_names(&variables, &secret_items, variables::reserved(with_ssh), faults);
        let ssh_variables = fields.items("SshAgentEnvironment", "Value", faults);
        let ssh_agent_environment = variables::read(&ssh_variables);
        variables::check_names(&ssh_variables, &[], &variables::OF_SSH_AGENT, faults);
        let agent_configuration = agent_configuration::read(fields, &variables, &secret_items, faults);
        let signing_key = signing_key(fields, &variables, &secret_items, stack, faults);
        let secrets_kms_keys = keys::read(fields, stack, faults);
        Self {
            variables,
            secret_items,
            secrets,
            environment,
            ssh_agent_environment,
            agent_configuration,
            signing_key,
            secrets_kms_keys,
        }
    }

    /// The names of all variables that the author sets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let items = self.variables.iter().chain(&self.secret_items);
        let configured = self.agent_configuration.iter().map(|(name, _)| *name);
        items.filter_map(|item| item.name.as_deref()).chain(configured)
    }
}

/// The key, of the Region in which the agent calls KMS.
fn signing_key(
    fields: &Fields<'_>,
    variables: &[Item],
    secrets: &[Item],
    stack: &StackId,
    faults: &mut Faults,
) -> Option<String> {
    let arn = fields.text("SigningKey", faults)?;
    if (variables.iter().chain(secrets)).any(|item| item.name.as_deref() == Some(SIGNING_KEY)) {
        faults.add(
            "SigningKey",
            format!("sets `{SIGNING_KEY}`, which `Environment` or `Secrets` sets, too; leave one of the two out"),
        );
    }
    keys::of_stacks_region("SigningKey", &arn, stack, faults)
}
