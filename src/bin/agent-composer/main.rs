//! `agent-composer`, the command for whoever writes templates: its arguments, and what each subcommand is handed to.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command says what it has to say there"
)]

mod migrate;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Looks at templates with `Custom::BuildkiteAgent` before CloudFormation does.
#[derive(Debug, Parser)]
#[command(name = "agent-composer", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the JSON schema of the properties, or of whole templates.
    Schema {
        /// That of whole templates, for the YAML language server.
        #[arg(long)]
        template: bool,
    },
    /// Rewrites a template of the macro's, with Buildkite::ECS::TaskDefinition, for this provider.
    Migrate(migrate::Arguments),
    /// Prints what makes a shell complete the arguments.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Schema { template } => {
            let schema = if template {
                agent_composer::schema::template()
            } else {
                agent_composer::schema::resource()
            };
            println!("{schema:#}");
            ExitCode::SUCCESS
        }
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "agent-composer",
                &mut std::io::stdout(),
            );
            ExitCode::SUCCESS
        }
    }
}
