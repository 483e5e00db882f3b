//! The agents of a Region as a table that a person reads; colours are ANSI's, for a terminal.

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;

use super::agents::Agent;

const TITLE: Style = Style::new().bold();
const NAME: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const DUE: Style = AnsiColor::Yellow.on_default();
const ORPHAN: Style = AnsiColor::Red.on_default().bold();
const PLAIN: Style = Style::new();

const TITLES: [&str; 8] = [
    "FAMILY", "STACK", "RESOURCE", "REVISION", "VERSION", "STATE", "BOUNDARY", "IMAGE",
];

/// A text and how it is shown.
type Cell = (Style, String);

/// One row for each agent, below titles; empty where there is none.
#[must_use]
pub fn table(agents: &[Agent]) -> String {
    if agents.is_empty() {
        return String::new();
    }
    let titles = TITLES.map(|title| (TITLE, title.to_owned()));
    let rows: Vec<[Cell; 8]> = std::iter::once(titles).chain(agents.iter().map(row)).collect();
    let mut widths = [0; 8];
    for row in &rows {
        for (width, (_, text)) in widths.iter_mut().zip(row) {
            *width = display_width(text).max(*width);
        }
    }
    let lines = rows.iter().map(|row| {
        let last = row.len() - 1;
        let cells = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(index, ((style, text), width))| {
                // No white space at a line's end.
                let space = if index == last {
                    0
                } else {
                    width + 2 - display_width(text)
                };
                format!("{style}{text}{style:#}{}", " ".repeat(space))
            });
        cells.collect::<String>() + "\n"
    });
    lines.collect()
}

fn row(agent: &Agent) -> [Cell; 8] {
    let unknown = || (QUIET, "-".to_owned());
    let known = |text: Option<String>| text.map_or_else(unknown, |text| (PLAIN, text));
    let revision = agent.revision.as_ref();
    let state = if agent.is_orphan() {
        (ORPHAN, "orphan")
    } else if agent.is_behind {
        (DUE, "behind")
    } else {
        (PLAIN, "current")
    };
    let boundaries: Vec<&str> = (agent.boundaries().into_iter())
        .map(|arn| arn.split_once(":policy/").map_or(arn, |(_, name)| name))
        .collect();
    let boundary = match (agent.roles.is_empty(), boundaries.is_empty()) {
        (true, _) => unknown(),
        (false, true) => (QUIET, "none".to_owned()),
        (false, false) => (PLAIN, boundaries.join(", ")),
    };
    [
        (NAME, agent.family.clone()),
        (PLAIN, agent.stack.name.clone()),
        (PLAIN, agent.logical_id.clone()),
        known(revision.map(|revision| revision.number.to_string())),
        known(agent.version.clone()),
        (state.0, state.1.to_owned()),
        boundary,
        known(revision.and_then(|revision| revision.image.clone())),
    ]
}
