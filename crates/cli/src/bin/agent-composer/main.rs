//! `agent-composer`, the command for whoever writes templates: its arguments, and what each subcommand is handed to.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command says what it has to say there"
)]

mod account;
mod migrate;
mod plan;
mod refused;

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
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
    Plan(plan::Arguments),
    /// Rewrites a template of the macro's, with Buildkite::ECS::TaskDefinition, for this provider.
    Migrate(migrate::Arguments),
    /// Prints the JSON schema of the properties, or of whole templates.
    Schema {
        /// That of whole templates, for the YAML language server.
        #[arg(long)]
        template: bool,
    },
    /// Prints what makes a shell complete the arguments.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Schema { template } => {
            let schema = if template {
                agent_composer_cli::schema::template()
            } else {
                agent_composer_cli::schema::resource()
            };
            println!("{schema:#}");
            ExitCode::SUCCESS
        }
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

/// A line for what is wrong.
fn error(text: &str) -> String {
    line(AnsiColor::Red, "error", text)
}

/// A line for what is worth knowing.
fn note(text: &str) -> String {
    line(AnsiColor::Cyan, "note", text)
}

fn line(color: AnsiColor, kind: &str, text: &str) -> String {
    let style: Style = color.on_default().bold();
    format!("{style}{kind}{style:#}: {text}")
}
