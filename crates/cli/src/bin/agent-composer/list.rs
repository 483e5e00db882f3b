//! `agent-composer list`: its arguments, and what it prints where.

use std::process::ExitCode;

use agent_composer_cli::inventory::{self, Agent};
use clap::ValueEnum;

use crate::{account::Account, looking, out};

/// Lists the agents in a Region, by the tags that the provider puts on everything that it makes.
///
/// It writes nothing. It also says which stacks need a new text for `Refresh`, and what is left of stacks that are gone. Ends
/// with 0, and with 2 where the account can't be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The Region; without it, the one of the environment or the profile.
    #[arg(long)]
    region: Option<String>,
    /// The version of the provider that every agent should be of; without it, the command's own.
    #[arg(long, value_name = "VERSION", value_parser = inventory::checked, default_value = env!("CARGO_PKG_VERSION"))]
    behind: String,
    /// A path to look for agents' roles under, beside those of the agents that are found; it can be given several times.
    #[arg(
        long = "role-path",
        value_name = "PATH",
        default_values = ["/BuildkiteAgentExecution/", "/BuildkiteAgentTask/"]
    )]
    role_paths: Vec<String>,
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Exits with 3 where an agent is behind or an orphan.
    #[arg(long)]
    exit_code: bool,
    /// The address of a cloud other than AWS.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, with colours on a terminal.
    Table,
    /// JSON, with every ARN.
    Json,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::ended(listed(arguments))
}

fn listed(arguments: &Arguments) -> Result<ExitCode, String> {
    let (found, region) = looking::runtime()?.block_on(async {
        let account = Account::of(arguments.region.as_deref(), arguments.endpoint_url.as_deref()).await?;
        let found = Box::pin(account.inventory(&arguments.role_paths)).await?;
        Ok::<_, String>((found, account.region().to_owned()))
    })?;
    let wanted = &arguments.behind;
    let agents = inventory::agents(&found, &region, wanted);
    match arguments.format {
        Format::Table => out::print(&inventory::table(&agents))?,
        Format::Json => out::print(&format!("{:#}\n", inventory::document(&agents, &region, wanted)))?,
    }
    if arguments.format == Format::Table {
        say(&agents, &region, wanted);
    }
    let is_due = agents.iter().any(|agent| agent.needs_refresh() || agent.is_orphan());
    Ok(ExitCode::from(if arguments.exit_code && is_due { 3 } else { 0 }))
}

fn say(agents: &[Agent], region: &str, wanted: &str) {
    if agents.is_empty() {
        out::note(&format!("no agent was found in {region}"));
    }
    for remark in inventory::behind(agents, wanted)
        .iter()
        .chain(&inventory::orphans(agents))
    {
        out::note(remark);
    }
}
