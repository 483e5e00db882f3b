//! The log: one line of JSON for each event, with the fields of its request, down to the level that Lambda names.

use std::fmt::Display;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Where Lambda says which lines it wants: the function's `ApplicationLogLevel`.
/// Source: docs/internals/aws.md, "Lambda's log".
pub const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the log of this process; `level` is the value of [`LEVEL`].
pub fn start(level: Option<&str>) {
    subscriber(level, std::io::stdout).init();
    // Lambda takes a line that is not JSON for one of level INFO, and drops it where fewer are wanted.
    std::panic::set_hook(Box::new(|panic| panicked(panic)));
}

fn subscriber(
    level: Option<&str>,
    to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> impl tracing::Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(to);
    tracing_subscriber::registry().with(levels(level)).with(lines)
}

/// This crate logs from the level on, and libraries never below warnings: what they log of requests could hold secrets.
fn levels(level: Option<&str>) -> Targets {
    let level = level.and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("agent_composer", level)
}

/// `panicked at` is what the template's alarm for panics looks for.
fn panicked(panic: &dyn Display) {
    tracing::error!("{panic}");
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};

    use super::*;
    use crate::request::{Request, tests::event};

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines of a log of that level.
    fn log(level: Option<&str>, write: impl Fn()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), write);
        let bytes = written.0.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(level: Option<&str>) -> Vec<String> {
        let lines = log(level, || {
            tracing::trace!("trace");
            tracing::debug!("debug");
            tracing::info!("info");
            tracing::warn!("warn");
            tracing::error!("error");
            tracing::info!(target: "library", "library's info");
            tracing::warn!(target: "library", "library's warn");
            tracing::error!(target: "library", "library's error");
        });
        let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
        lines.iter().map(message).collect()
    }

    #[test]
    fn each_level_shows_severer_lines_too_and_libraries_only_warnings_and_errors() {
        let all = ["debug", "info", "warn", "error", "library's warn", "library's error"];
        assert_eq!(messages(Some("DEBUG")), all);
        assert_eq!(messages(Some("INFO")), all[1..]);
        assert_eq!(messages(Some("WARN")), all[2..]);
        assert_eq!(messages(Some("ERROR")), ["error", "library's error"]);
    }

    #[test]
    fn without_a_known_level_the_log_has_the_way_of_requests() {
        assert_eq!(messages(None), messages(Some("INFO")));
        assert_eq!(messages(Some("LOUD")), messages(Some("INFO")));
    }

    #[test]
    fn a_line_shows_its_request_at_every_level() {
        let request = Request::parse(&event()).unwrap();
        let [line] = &log(Some("ERROR"), || {
            let _entered = crate::handler::span(&request.envelope, Some(&request)).entered();
            tracing::error!("not answered");
        })[..] else {
            panic!("one line");
        };
        assert_eq!(line["span"]["logical_id"], request.envelope.logical_id);
    }

    #[test]
    fn a_panic_is_one_line_at_the_level_that_every_setting_shows() {
        let shown = "panicked at src/run.rs:1:2:\nmessage";
        let lines = log(Some("ERROR"), || panicked(&shown));
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (&lines[0]["level"], &lines[0]["message"]),
            (&json!("ERROR"), &json!(shown))
        );
    }
}
