//! `agent-composer`, the command for people who write templates and run agents: its arguments, and what each subcommand is handed to.

#[cfg(feature = "account")]
mod account;
#[cfg(feature = "account")]
mod doctor;
mod given;
#[cfg(feature = "account")]
mod list;
#[cfg_attr(not(feature = "account"), path = "without_account.rs")]
mod looking;
mod migrate;
mod out;
mod plan;
#[cfg(feature = "account")]
mod refused;
mod sources;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Looks at templates with `Custom::BuildkiteAgent` before CloudFormation does, and at the agents that exist.
#[derive(Debug, Parser)]
#[command(name = "agent-composer", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Arguments),
    /// Rewrites a template of the macro's, with Buildkite::ECS::TaskDefinition, for this provider.
    Migrate(migrate::Arguments),
    #[cfg(feature = "account")]
    List(list::Arguments),
    #[cfg(feature = "account")]
    Doctor(doctor::Arguments),
    /// Prints the JSON schema of the properties, or of whole templates.
    Schema {
        /// The schema of whole templates, for the YAML language server.
        #[arg(long)]
        template: bool,
    },
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        #[cfg(feature = "account")]
        Command::List(arguments) => list::run(&arguments),
        #[cfg(feature = "account")]
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Schema { template } => {
            let schema = if template {
                agent_composer_cli::schema::template()
            } else {
                agent_composer_cli::schema::resource()
            };
            printed(&format!("{schema:#}\n"))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "agent-composer", &mut script);
            printed(&String::from_utf8_lossy(&script))
        }
    }
}

/// What the command ends with that prints a text and does nothing else.
fn printed(text: &str) -> ExitCode {
    out::ended(out::print(text).map(|()| ExitCode::SUCCESS))
}
