//! What the command prints, and where: what was asked for to standard output, all else to standard error. People get lines
//! as wide as their terminal; programs get them whole.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};

/// Prints what was asked for. A closed pipe is not a failure: `| head -1` has what it wants.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("can't be printed: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints something else to standard error; a closed pipe is not a failure there, either.
pub(crate) fn say(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(text.as_bytes());
}

/// Says that something is wrong.
pub(crate) fn error(text: &str) {
    say(&line(AnsiColor::Red, "error", text));
}

/// What a subcommand ends with: its own code, or 2 where it could not do what it is for, with the reason.
pub(crate) fn ended(result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|reason| {
        error(&reason);
        ExitCode::from(2)
    })
}

/// Says what is worth knowing.
pub(crate) fn note(text: &str) {
    say(&line(AnsiColor::Cyan, "note", text));
}

fn line(color: AnsiColor, kind: &str, text: &str) -> String {
    let style: Style = color.on_default().bold();
    wrapped(&format!("{style}{kind}{style:#}: {text}"), "  ") + "\n"
}

/// A line for people, in as many as their terminal takes, those after the first behind `indent`; for programs one.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    match width() {
        Some(width) => textwrap::fill(
            text,
            textwrap::Options::new(width)
                .subsequent_indent(indent)
                .break_words(false),
        ),
        None => text.to_owned(),
    }
}

/// How wide the terminal is that reads standard error, if one does.
pub(crate) fn width() -> Option<usize> {
    io::stderr().is_terminal().then(textwrap::termwidth)
}
