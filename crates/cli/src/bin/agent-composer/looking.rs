//! A look at an account, from a command that otherwise waits for nothing.

use std::collections::BTreeMap;

use agent_composer_cli::{
    plan::{Existing, Plan},
    template::Given,
};

use crate::account::Account;

/// A look at an account, with what runs it.
pub(crate) struct Looking {
    runtime: tokio::runtime::Runtime,
    account: Account,
}

impl Looking {
    /// Adds what the account knows to what was given.
    pub(crate) fn begin(
        region: &str,
        endpoint: Option<&str>,
        stack_name: &str,
        given: &mut Given,
    ) -> Result<Self, String> {
        let runtime = runtime()?;
        let account = runtime.block_on(async {
            let account = Account::of(Some(region), endpoint).await?;
            account.complete(stack_name, given).await.map(|()| account)
        })?;
        Ok(Self { runtime, account })
    }

    pub(crate) fn existing(&self, plan: &Plan) -> Result<BTreeMap<String, Existing>, String> {
        self.runtime.block_on(async {
            let mut existing = BTreeMap::new();
            for (agent, composed) in plan.composed() {
                let found = Box::pin(self.account.existing(composed)).await?;
                existing.insert(agent.logical_id.clone(), found);
            }
            Ok(existing)
        })
    }
}

/// What runs the calls of a look.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())
}
