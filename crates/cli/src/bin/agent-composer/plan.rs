//! `agent-composer plan`: its arguments, what it reads, and what it prints where.

use std::{path::PathBuf, process::ExitCode};

use agent_composer_cli::{
    findings::{self, Finding, Level},
    plan::{self, Counted, Plan},
    template::{self, Given},
};
use agent_composer_model::settings::Settings;
use clap::ValueEnum;
use serde_json::Value;

use crate::{
    given,
    looking::{self, Looking},
    out,
    sources::{self, Source},
};

/// Says what would be made of each `Custom::BuildkiteAgent` in a template, or what is wrong with it.
///
/// Exits with 0 where nothing is wrong, with 1 where the provider or CloudFormation would refuse something, and with 2
/// where a template or an argument can't be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The templates, in YAML or JSON, and folders of them; `-` is standard input.
    #[arg(required = true, value_name = "TEMPLATE")]
    templates: Vec<PathBuf>,
    /// A parameter's value; without it, its default.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = given::pair)]
    pub(crate) parameters: Vec<(String, String)>,
    /// A file of parameters, as the AWS CLI takes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) parameters_file: Option<PathBuf>,
    /// The value of an export that the template imports.
    #[arg(long = "import", value_name = "NAME=VALUE", value_parser = given::pair)]
    pub(crate) imports: Vec<(String, String)>,
    /// The Region; without it, what depends on it is not known.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The account; without it, what depends on it is not known.
    #[arg(long, value_parser = given::account)]
    pub(crate) account: Option<String>,
    /// The stack's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) stack_name: Option<String>,
    #[command(flatten)]
    look: looking::Arguments,
    /// A parameter of the provider's own stack that is not its default, such as PermissionsBoundaryArn.
    #[arg(long = "provider", value_name = "NAME=VALUE", value_parser = given::pair)]
    pub(crate) provider: Vec<(String, String)>,
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Format::Tree)]
    format: Format,
    /// Exits with 1 where no template has an agent.
    #[arg(long)]
    require_agent: bool,
    /// Passes over files that are not CloudFormation templates, also where they are named.
    #[arg(long)]
    templates_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree, with colours on a terminal.
    Tree,
    /// All documents, and the faults with their places.
    Json,
    /// The template with native resources in the place of each agent.
    Template,
    /// A diagram for Mermaid.
    Mermaid,
    /// What is wrong, as GitHub's workflow commands.
    Github,
    /// What is wrong, as SARIF 2.1.0.
    Sarif,
    /// What is wrong, in Markdown for `buildkite-agent annotate`.
    Buildkite,
}

impl Format {
    /// Whether it is one document of one template.
    fn is_for_one(self) -> bool {
        matches!(self, Self::Template | Self::Mermaid)
    }

    /// Whether it says what is wrong to another program.
    fn is_of_findings(self) -> bool {
        matches!(self, Self::Github | Self::Sarif | Self::Buildkite)
    }
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::ended(planned(arguments))
}

/// The outcome over all templates.
#[derive(Default)]
struct Sum {
    findings: Vec<Finding>,
    documents: Vec<Value>,
    agents: usize,
    not_looked_at: Vec<String>,
    counted: Counted,
    is_unreadable: bool,
    is_refused: bool,
}

fn planned(arguments: &Arguments) -> Result<ExitCode, String> {
    let sources = sources::read(&arguments.templates, arguments.templates_only)?;
    if sources.len() > 1 && (arguments.format.is_for_one() || arguments.look.is_asked()) {
        return Err(format!(
            "{} templates are given, but --format template, --format mermaid and --against take only one",
            sources.len()
        ));
    }
    let settings = given::settings(&arguments.provider)?;
    let given = given::given(arguments)?;
    given::check_parameters(&sources, &given)?;
    let mut sum = Sum::default();
    for source in &sources {
        sum.add(source, arguments, &given, &settings, sources.len() > 1)?;
    }
    sum.print(arguments)?;
    sum.say(arguments, &sources);
    Ok(ExitCode::from(sum.exit_code(arguments)))
}

impl Sum {
    fn add(
        &mut self,
        source: &Source,
        arguments: &Arguments,
        given: &Given,
        settings: &Settings,
        is_one_of_several: bool,
    ) -> Result<(), String> {
        let mut given = given.clone();
        given::keep_parameters_of(&source.text, &mut given);
        let looking = Looking::begin(&arguments.look, arguments.stack_name.as_deref(), &mut given)?;
        let plan = match Plan::of(&source.text, &given, settings) {
            Ok(plan) => plan,
            Err(unreadable) => {
                self.is_unreadable = true;
                self.unreadable(source, &unreadable, arguments.format);
                return Ok(());
            }
        };
        let existing = looking.map(|looking| looking.existing(&plan)).transpose()?;
        match (arguments.format, &existing) {
            (Format::Json, existing) => {
                let mut document = plan::document(&plan);
                if let Some(existing) = existing {
                    (document["changes"], self.counted) = plan::changes(&plan, existing);
                }
                document["file"] = source.shown.clone().into();
                self.documents.push(document);
            }
            (Format::Tree, Some(existing)) => {
                let text;
                (text, self.counted) = plan::differences(&plan, existing);
                out::print(&text)?;
            }
            (Format::Tree, None) => {
                let heading = if is_one_of_several && !plan.agents.is_empty() {
                    format!("{}\n\n", source.shown)
                } else {
                    String::new()
                };
                let after = if heading.is_empty() { "" } else { "\n" };
                out::print(&format!("{heading}{}{after}", plan::tree(&plan)))?;
            }
            (Format::Mermaid, _) => out::print(&plan::mermaid(&plan))?,
            (Format::Template, _) => self.print_native(&plan)?,
            (Format::Github | Format::Sarif | Format::Buildkite, _) => {}
        }
        if !arguments.format.is_of_findings() {
            out::say(&plan::report(&plan, &source.text, &source.shown, out::width()));
        }
        let found = plan.findings.iter();
        self.findings
            .extend(found.map(|finding| Finding::of_plan(&source.shown, finding)));
        self.agents += plan.agents.len();
        self.not_looked_at.extend(plan.not_looked_at);
        Ok(())
    }

    fn unreadable(&mut self, source: &Source, unreadable: &template::Unreadable, format: Format) {
        let finding = Finding::at(&source.shown, unreadable.at, unreadable.to_string());
        if !format.is_of_findings() {
            out::error(&format!("{}:{}: {unreadable}", source.shown, unreadable.at));
        }
        self.findings.push(finding);
    }

    fn print_native(&mut self, plan: &Plan) -> Result<(), String> {
        let native = plan::native(plan);
        for note in &native.notes {
            out::note(note);
        }
        match native.template {
            Ok(template) => out::print(&format!("{template:#}\n")),
            Err(faults) => {
                for fault in &faults {
                    out::error(fault);
                }
                self.is_refused = true;
                Ok(())
            }
        }
    }

    fn print(&self, arguments: &Arguments) -> Result<(), String> {
        let is_one_file = matches!(arguments.templates.as_slice(), [one] if !one.is_dir());
        match arguments.format {
            Format::Json => match self.documents.as_slice() {
                [one] if is_one_file => out::print(&format!("{one:#}\n")),
                all => out::print(&format!("{:#}\n", Value::from(all.to_vec()))),
            },
            Format::Github => out::print(&findings::github(&self.findings)),
            Format::Sarif => out::print(&format!("{:#}\n", findings::sarif(&self.findings))),
            Format::Buildkite => out::print(&findings::buildkite(&self.findings)),
            Format::Tree | Format::Template | Format::Mermaid => Ok(()),
        }
    }

    fn faults(&self) -> usize {
        let faults = self.findings.iter().filter(|finding| finding.level == Level::Error);
        faults.count()
    }

    fn say(&self, arguments: &Arguments, sources: &[Source]) {
        let where_they_are = match sources {
            [one] => one.shown.clone(),
            several => format!("{} templates", several.len()),
        };
        if self.agents == 0 && (arguments.require_agent || !sources.is_empty()) {
            let mut what = format!("no agent was found in {where_they_are}");
            if !self.not_looked_at.is_empty() {
                what += ", but not all was looked at: ";
                what += &self.not_looked_at.join(", ");
            }
            if arguments.require_agent {
                out::error(&what);
            } else {
                out::note(&what);
            }
        }
        match self.faults() {
            0 => {}
            1 => out::error(&format!("1 fault in {where_they_are}")),
            faults => out::error(&format!("{faults} faults in {where_they_are}")),
        }
    }

    fn exit_code(&self, arguments: &Arguments) -> u8 {
        let is_wrong = self.faults() > 0
            || self.is_refused
            || self.counted.refused > 0
            || arguments.require_agent && self.agents == 0;
        match (self.is_unreadable, is_wrong) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) if arguments.look.exit_code && self.counted.changes > 0 => 3,
            (false, false) => 0,
        }
    }
}
