//! `agent-composer migrate`: its files, and what it says about them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use agent_composer_cli::{
    findings::{self, Finding, Level},
    migration::{self, Migration, Options, ServiceToken, Unread},
};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::{
    out,
    sources::{self, Source, text_of},
};

/// Something is left to do, or with `--check` at all.
const LEFT: u8 = 1;

/// A file could not be read or written.
const UNREADABLE: u8 = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The templates, in YAML or JSON, and folders of them.
    #[arg(required = true, value_name = "TEMPLATE")]
    templates: Vec<PathBuf>,
    /// Changes the files, instead of printing what one becomes.
    #[arg(long, conflicts_with_all = ["check", "retain"])]
    write: bool,
    /// Changes and prints nothing; says what there is to migrate, and exits with 1 if there is any.
    #[arg(long, conflicts_with = "retain")]
    check: bool,
    /// The provider: the name of the export that has its ARN, or the function's ARN.
    #[arg(long, value_name = "VALUE", default_value = "buildkite-agent-provider-ServiceToken")]
    service_token: ServiceToken,
    /// What the macro is called, if not Buildkite-Agents-DATE.
    #[arg(long = "macro", value_name = "NAME")]
    macro_name: Option<String>,
    /// Prints this processed template of the stack, with what the macro made kept: the step before the migration.
    #[arg(long, value_name = "PROCESSED")]
    retain: Option<PathBuf>,
    /// How to report remarks: `github`, `sarif` and `buildkite` go to standard output, and need `--write` or `--check`.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Passes over files that are not CloudFormation templates, also where they are named.
    #[arg(long)]
    templates_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people and editors.
    Text,
    /// GitHub's workflow commands.
    Github,
    /// SARIF 2.1.0.
    Sarif,
    /// Markdown for `buildkite-agent annotate`.
    Buildkite,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match tried(arguments) {
        Ok(exit) => exit,
        Err(message) => {
            out::error(&message);
            ExitCode::from(UNREADABLE)
        }
    }
}

fn tried(arguments: &Arguments) -> Result<ExitCode, String> {
    if let Some(processed) = &arguments.retain {
        return match arguments.templates.as_slice() {
            [template] => retain(template, processed),
            several => Err(format!("--retain is for one template, and {} are given", several.len())),
        };
    }
    let sources = sources::read(&arguments.templates, arguments.templates_only)?;
    let prints = !arguments.write && !arguments.check;
    if prints && (sources.len() > 1 || arguments.format != Format::Text) {
        return Err("several templates, or a --format other than text, need --write or --check".to_owned());
    }
    let options = Options {
        service_token: arguments.service_token.clone(),
        macro_name: arguments.macro_name.clone(),
    };
    let mut all = Vec::new();
    let mut code = 0;
    for source in &sources {
        code = code.max(migrate(source, &options, arguments, sources.len() > 1, &mut all)?);
    }
    match arguments.format {
        Format::Text => {}
        Format::Github => out::print(&findings::github(&all))?,
        Format::Sarif => out::print(&format!("{:#}\n", findings::sarif(&all)))?,
        Format::Buildkite => out::print(&findings::buildkite(&all))?,
    }
    Ok(ExitCode::from(code))
}

/// Migrates one template; what is found is added to `all`.
fn migrate(
    source: &Source,
    options: &Options,
    arguments: &Arguments,
    is_one_of_several: bool,
    all: &mut Vec<Finding>,
) -> Result<u8, String> {
    let Source { path, shown, text } = source;
    let migrated = match migration::migrate(text, options) {
        Ok(migrated) => migrated,
        Err(why) => {
            let finding = Finding::at(shown, why.at, why.to_string());
            say(std::slice::from_ref(&finding), arguments.format);
            all.push(finding);
            return Ok(UNREADABLE);
        }
    };
    let found: Vec<Finding> = (migrated.remarks.iter())
        .map(|remark| Finding::of_migration(shown, remark))
        .collect();
    say(&found, arguments.format);
    let is_left = found.iter().any(|finding| finding.level == Level::Warning);
    all.extend(found);
    let is_changed = migrated.text != *text;
    if arguments.write && is_changed {
        fs::write(path, &migrated.text).map_err(|why| format!("{shown}: can't be written: {why}"))?;
    } else if !arguments.write && !arguments.check {
        out::print(&migrated.text)?;
    }
    let summary = summary(&migrated, arguments.check);
    if arguments.format == Format::Text && (!is_one_of_several || is_changed || is_left) {
        out::say(&format!("{}\n", out::wrapped(&format!("{shown}: {summary}"), "  ")));
    }
    Ok(if is_left || arguments.check && is_changed {
        LEFT
    } else {
        0
    })
}

fn retain(template: &Path, processed: &Path) -> Result<ExitCode, String> {
    let (macros, text) = (text_of(template)?, text_of(processed)?);
    let retained = migration::retain(&macros, &text).map_err(|unread| match unread {
        Unread::Template(why) => format!("{}:{}: {why}", template.display(), why.at),
        Unread::Processed(why) => format!("{}:{}: {why}", processed.display(), why.at),
    })?;
    let shown = processed.display().to_string();
    let found: Vec<Finding> = (retained.remarks.iter())
        .map(|remark| Finding::of_migration(&shown, remark))
        .collect();
    say(&found, Format::Text);
    out::print(&retained.text)?;
    out::say(&format!("{shown}: {} to keep\n", count(retained.resources, "resource")));
    let is_left = found.iter().any(|finding| finding.level == Level::Warning);
    Ok(ExitCode::from(if is_left { LEFT } else { 0 }))
}

fn summary(migration: &Migration, check: bool) -> String {
    let Migration {
        resources,
        references,
        transform,
        stay,
        ..
    } = migration;
    let of_the_macro = if *transform {
        ", and the macro in `Transform`"
    } else {
        ""
    };
    let what = format!(
        "{}, {}{of_the_macro}",
        count(*resources, "resource"),
        count(*references, "reference")
    );
    let done = match (resources + references, transform, check) {
        (0, false, _) if *stay > 0 => "nothing is migrated".to_owned(),
        (0, false, _) => "nothing to migrate".to_owned(),
        (_, _, true) => format!("to migrate: {what}"),
        (_, _, false) => format!("migrated: {what}"),
    };
    match stay {
        0 => done,
        1 => format!("{done}; 1 resource stays the macro's, and the macro with it"),
        stay => format!("{done}; {stay} resources stay the macro's, and the macro with them"),
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Says each finding with its place, as compilers do, so that editors and CI find it.
fn say(found: &[Finding], format: Format) {
    if format != Format::Text {
        return;
    }
    for Finding { file, at, level, text } in found {
        let (label, colour) = match level {
            Level::Error => ("error", AnsiColor::Red),
            Level::Warning => ("warning", AnsiColor::Yellow),
            Level::Note => ("note", AnsiColor::Cyan),
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let line = format!("{file}:{}: {style}{label}:{style:#} {text}", at.start);
        out::say(&format!("{}\n", out::wrapped(&line, "  ")));
    }
}
