//! In the place of `looking.rs`, where the command is built without the feature `account`: no look at an account.

#![expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the signatures are those of looking.rs"
)]

use std::collections::BTreeMap;

use agent_composer_cli::{
    plan::{Existing, Plan},
    template::Given,
};

/// No arguments.
#[derive(Debug, clap::Args)]
// A group has its type's name, which plan's own has.
#[group(skip)]
pub(crate) struct Arguments {
    #[arg(skip)]
    pub(crate) exit_code: bool,
}

/// What never is.
pub(crate) enum Looking {}

impl Arguments {
    pub(crate) fn is_asked(&self) -> bool {
        false
    }
}

impl Looking {
    pub(crate) fn begin(_: &Arguments, _: Option<&str>, _: &mut Given) -> Result<Option<Self>, String> {
        Ok(None)
    }

    pub(crate) fn existing(&self, _: &Plan) -> Result<BTreeMap<String, Existing>, String> {
        match *self {}
    }
}
