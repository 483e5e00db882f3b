//! `agent-composer migrate`: its files, and what it says about them.

use std::{
    fmt::Display,
    fs,
    io::{IsTerminal, Write, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use agent_composer_cli::{
    migration::{self, Migration, Options, Remark, ServiceToken, Unread, Weight},
    template::Unreadable,
};
use anstyle::{AnsiColor, Style};

/// Something is left to do, or with `--check` at all.
const LEFT: u8 = 1;

/// A file could not be read or written.
const UNREADABLE: u8 = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The template, in YAML or JSON.
    template: PathBuf,
    /// Changes the file, instead of printing what it becomes.
    #[arg(long, conflicts_with_all = ["check", "retain"])]
    write: bool,
    /// Changes and prints nothing; says what there is to migrate, and ends with 1 if there is any.
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
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match tried(arguments) {
        Ok(exit) => exit,
        Err(said) => {
            say(&said);
            ExitCode::from(UNREADABLE)
        }
    }
}

fn tried(arguments: &Arguments) -> Result<ExitCode, String> {
    let template = text_of(&arguments.template)?;
    if let Some(path) = &arguments.retain {
        let processed = text_of(path)?;
        let retained = migration::retain(&template, &processed).map_err(|unread| match unread {
            Unread::Template(why) => unreadable(&arguments.template, &why),
            Unread::Processed(why) => unreadable(path, &why),
        })?;
        remark(path, &retained.remarks);
        print(&retained.text)?;
        say(&format!(
            "{}: {} to keep",
            path.display(),
            count(retained.resources, "resource")
        ));
        return Ok(exit(left(&retained)));
    }

    let options = Options {
        service_token: arguments.service_token.clone(),
        macro_name: arguments.macro_name.clone(),
    };
    let path = &arguments.template;
    let migrated = migration::migrate(&template, &options).map_err(|why| unreadable(path, &why))?;
    remark(path, &migrated.remarks);
    let changed = migrated.text != template;
    if arguments.write && changed {
        fs::write(path, &migrated.text).map_err(|why| fault(path.display(), &format!("can't be written: {why}")))?;
    } else if !arguments.write && !arguments.check {
        print(&migrated.text)?;
    }
    say(&format!("{}: {}", path.display(), summary(&migrated, arguments.check)));
    Ok(exit(left(&migrated) || arguments.check && changed))
}

fn text_of(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| fault(path.display(), &format!("can't be read: {why}")))
}

fn unreadable(path: &Path, why: &Unreadable) -> String {
    fault(format!("{}:{}", path.display(), why.at), &why.to_string())
}

fn print(text: &str) -> Result<(), String> {
    (stdout().lock().write_all(text.as_bytes())).map_err(|why| format!("can't be printed: {why}"))
}

fn left(migration: &Migration) -> bool {
    (migration.remarks.iter()).any(|remark| remark.weight == Weight::Warning)
}

fn exit(left: bool) -> ExitCode {
    if left { ExitCode::from(LEFT) } else { ExitCode::SUCCESS }
}

fn summary(migration: &Migration, check: bool) -> String {
    let transform = if migration.transform {
        ", and the macro in `Transform`"
    } else {
        ""
    };
    let what = format!(
        "{}, {}{transform}",
        count(migration.resources, "resource"),
        count(migration.references, "reference")
    );
    match (migration.resources + migration.references, migration.transform, check) {
        (0, false, _) => "nothing to migrate".to_owned(),
        (_, _, true) => format!("to migrate: {what}"),
        (_, _, false) => format!("migrated: {what}"),
    }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Says each remark with its place, as compilers do, so that editors and CI find it.
fn remark(path: &Path, remarks: &[Remark]) {
    for Remark { weight, at, text } in remarks {
        let (label, colour) = match weight {
            Weight::Note => ("note", AnsiColor::Cyan),
            Weight::Warning => ("warning", AnsiColor::Yellow),
        };
        say(&labelled(format!("{}:{at}", path.display()), label, colour, text));
    }
}

fn fault(place: impl Display, text: &str) -> String {
    labelled(place, "error", AnsiColor::Red, text)
}

fn labelled(place: impl Display, label: &str, colour: AnsiColor, text: &str) -> String {
    let coloured = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let style = if coloured {
        Style::new().bold().fg_color(Some(colour.into()))
    } else {
        Style::new()
    };
    format!("{place}: {style}{label}:{style:#} {text}")
}

fn say(line: &str) {
    // That nobody listens is no reason to fail.
    let _ = writeln!(stderr(), "{line}");
}
