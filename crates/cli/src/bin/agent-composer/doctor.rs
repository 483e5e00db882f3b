//! `agent-composer doctor`: its arguments, and what it prints where.

use std::process::ExitCode;

use agent_composer_cli::doctor::{self, Finding, Outcome};
use agent_composer_model::identity::Family;
use clap::ValueEnum;

use crate::{account::Account, looking, out};

/// Looks for what keeps the agents of a family from starting, and says what to do.
///
/// It writes nothing, and reads no secret: only whether each exists. What the caller may not look at is reported, and the rest
/// is looked at. Exits with 0 where nothing is wrong, with 1 where something is, and with 2 where the account can't be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The family: the name of the agent's task definition.
    #[arg(value_parser = family)]
    family: String,
    /// The Region; without it, the one of the environment or the profile.
    #[arg(long)]
    region: Option<String>,
    /// The cluster whose stopped tasks are looked at.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The role that starts the tasks; whether it may do so is looked at, too.
    #[arg(long, value_name = "ARN", value_parser = role)]
    scheduler_role: Option<String>,
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exits with 3 where nothing is wrong, but not everything could be looked at.
    #[arg(long)]
    exit_code: bool,
    /// The address of a cloud other than AWS.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines, with colours on a terminal.
    Text,
    /// JSON.
    Json,
}

fn family(text: &str) -> Result<String, String> {
    let family = Family::parse(text).ok_or("a family has up to 255 letters, digits, `-` and `_`, and is not an ARN")?;
    Ok(family.as_str().to_owned())
}

fn role(text: &str) -> Result<String, String> {
    let is_role = text.starts_with("arn:") && text.contains(":role/");
    is_role
        .then(|| text.to_owned())
        .ok_or("write arn:aws:iam::ACCOUNT:role/NAME".to_owned())
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::ended(examined(arguments))
}

fn examined(arguments: &Arguments) -> Result<ExitCode, String> {
    let Arguments {
        family,
        cluster,
        scheduler_role,
        ..
    } = arguments;
    let facts = looking::runtime()?.block_on(async {
        let account = Account::of(arguments.region.as_deref(), arguments.endpoint_url.as_deref()).await?;
        Box::pin(account.examination(family, cluster.as_deref(), scheduler_role.as_deref())).await
    })?;
    let findings = doctor::examine(&facts);
    match arguments.format {
        Format::Text => {
            out::print(&doctor::report(family, &findings))?;
            say(&findings);
        }
        Format::Json => out::print(&format!("{:#}\n", doctor::document(family, &facts.region, &findings)))?,
    }
    let code = match (count(&findings, Outcome::Wrong), count(&findings, Outcome::NotChecked)) {
        (0, 0) => 0,
        (0, _) if arguments.exit_code => 3,
        (0, _) => 0,
        _ => 1,
    };
    Ok(ExitCode::from(code))
}

fn count(findings: &[Finding], outcome: Outcome) -> usize {
    findings.iter().filter(|finding| finding.outcome == outcome).count()
}

fn say(findings: &[Finding]) {
    match count(findings, Outcome::NotChecked) {
        0 => {}
        1 => out::note("1 thing could not be looked at"),
        several => out::note(&format!("{several} things could not be looked at")),
    }
    match count(findings, Outcome::Wrong) {
        0 => {}
        1 => out::error("1 thing is wrong"),
        several => out::error(&format!("{several} things are wrong")),
    }
}
