//! `plan --against`: its arguments, and the async runtime for its calls.

use std::collections::BTreeMap;

use agent_composer_cli::{
    plan::{Existing, Plan},
    template::Given,
};

use crate::account::Account;

/// How `plan` is asked to look at an account.
#[derive(Debug, clap::Args)]
// A group has its type's name, which plan's own has.
#[group(skip)]
pub(crate) struct Arguments {
    /// Looks at what is in this Region, and says what the stack would change there. Nothing is written. What is not
    /// given is taken from the account: exports, and the stack's parameters and resources.
    #[arg(long, value_name = "REGION", requires = "stack_name", conflicts_with_all = ["region", "account"])]
    against: Option<String>,
    /// The address of a cloud other than AWS.
    #[arg(long, value_name = "URL", requires = "against")]
    endpoint_url: Option<String>,
    /// Exits with 3 where something would change.
    #[arg(long, requires = "against")]
    pub(crate) exit_code: bool,
}

/// A look at an account, with what runs it.
pub(crate) struct Looking {
    runtime: tokio::runtime::Runtime,
    account: Account,
}

impl Arguments {
    pub(crate) fn is_asked(&self) -> bool {
        self.against.is_some()
    }
}

impl Looking {
    /// Adds what the account knows to what was given; none where no look is asked for.
    pub(crate) fn begin(
        arguments: &Arguments,
        stack_name: Option<&str>,
        given: &mut Given,
    ) -> Result<Option<Self>, String> {
        let (Some(region), Some(stack_name)) = (&arguments.against, stack_name) else {
            return Ok(None);
        };
        let endpoint = arguments.endpoint_url.as_deref();
        let runtime = runtime()?;
        let account = runtime.block_on(async {
            let account = Account::of(Some(region), endpoint).await?;
            account.complete(stack_name, given).await.map(|()| account)
        })?;
        Ok(Some(Self { runtime, account }))
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
