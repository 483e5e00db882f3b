//! `agent-composer plan`: its arguments, what it reads, and what it prints where.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use agent_composer_cli::{
    plan::{self, Plan, Standing},
    template::{self, Given, Node},
};
use agent_composer_model::settings::Settings;
use clap::ValueEnum;

use crate::account::Account;

/// Says what would be made of each `Custom::BuildkiteAgent` in a template, or what is wrong with it.
///
/// Ends with 0 where nothing is wrong, with 1 where the provider or CloudFormation would refuse something, and with 2
/// where the template or an argument can't be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The template, in YAML or JSON; `-` is standard input.
    template: PathBuf,
    /// A parameter's value; without it, its default.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// A file of parameters, as the AWS CLI takes it.
    #[arg(long, value_name = "FILE")]
    parameters_file: Option<PathBuf>,
    /// The value of an export that the template imports.
    #[arg(long = "import", value_name = "NAME=VALUE", value_parser = pair)]
    imports: Vec<(String, String)>,
    /// The Region; without it, what depends on it is not known.
    #[arg(long)]
    region: Option<String>,
    /// The account; without it, what depends on it is not known.
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// The stack's name.
    #[arg(long, value_name = "NAME")]
    stack_name: Option<String>,
    /// Looks at what stands in this Region, and says what the stack would change there. Nothing is written. What is not
    /// given is taken from the account: exports, and the stack's parameters and resources.
    #[arg(long, value_name = "REGION", requires = "stack_name", conflicts_with_all = ["region", "account"])]
    against: Option<String>,
    /// The address of another cloud than AWS.
    #[arg(long, value_name = "URL", requires = "against")]
    endpoint_url: Option<String>,
    /// Ends with 3 where something would change.
    #[arg(long, requires = "against")]
    exit_code: bool,
    /// A parameter of the provider's own stack that is not its default, such as PermissionsBoundaryArn.
    #[arg(long = "provider", value_name = "NAME=VALUE", value_parser = pair)]
    provider: Vec<(String, String)>,
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Format::Tree)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A tree, with colours on a terminal.
    Tree,
    /// All documents, and the faults with their places.
    Json,
    /// The template with native resources in the place of each agent.
    Template,
    /// A diagram for Mermaid.
    Mermaid,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn account(text: &str) -> Result<String, String> {
    let sound = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    sound
        .then(|| text.to_owned())
        .ok_or("an account has twelve digits".to_owned())
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match planned(arguments) {
        Ok(code) => code,
        Err(reason) => {
            anstream::eprintln!("{}", crate::error(&reason));
            ExitCode::from(2)
        }
    }
}

fn planned(arguments: &Arguments) -> Result<ExitCode, String> {
    let path = &arguments.template;
    let shown_path = path.display().to_string();
    let text = text_of(path)?;
    let unreadable = |error: template::Unreadable| format!("{shown_path}:{}: {error}", error.at);
    let mut given = given(arguments)?;
    let settings = settings(&arguments.provider)?;
    check_parameters(&template::read(&text).map_err(unreadable)?, &given)?;
    let account = match (&arguments.against, &arguments.stack_name) {
        (Some(region), Some(stack_name)) => Some(Looking::begin(region, arguments, stack_name, &mut given)?),
        _ => None,
    };
    let plan = Plan::of(&text, &given, &settings).map_err(unreadable)?;
    let standing = account.map(|account| account.standing(&plan)).transpose()?;

    let mut changes = 0;
    let mut refused = false;
    match (arguments.format, &standing) {
        (Format::Json, None) => println!("{:#}", plan::document(&plan)),
        (Format::Json, Some(standing)) => {
            let mut document = plan::document(&plan);
            (document["changes"], changes) = plan::changes(&plan, standing);
            println!("{document:#}");
        }
        (Format::Tree, Some(standing)) => {
            let text;
            (text, changes) = plan::differences(&plan, standing);
            anstream::print!("{text}");
        }
        (Format::Tree, None) => anstream::print!("{}", plan::tree(&plan)),
        (Format::Mermaid, _) => print!("{}", plan::mermaid(&plan)),
        (Format::Template, _) => {
            let native = plan::native(&plan);
            for note in native.notes {
                anstream::eprintln!("{}", crate::note(&note));
            }
            match native.template {
                Ok(template) => println!("{template:#}"),
                Err(faults) => {
                    for fault in &faults {
                        anstream::eprintln!("{}", crate::error(fault));
                    }
                    refused = true;
                }
            }
        }
    }
    anstream::eprint!("{}", plan::report(&plan.findings, &text, &shown_path));
    let (agents, faults) = (plan.agents.len(), plan.faults());
    if agents == 0 {
        anstream::eprintln!("{}", crate::note("the template has no Custom::BuildkiteAgent"));
    }
    if faults > 0 {
        let faults = if faults == 1 {
            "1 fault".to_owned()
        } else {
            format!("{faults} faults")
        };
        anstream::eprintln!("{}", crate::error(&format!("{faults} in {shown_path}")));
    }
    Ok(ExitCode::from(match (faults, changes) {
        (0, 1..) if arguments.exit_code => 3,
        (0, _) if !refused => 0,
        _ => 1,
    }))
}

/// A look at an account, with what runs it.
struct Looking {
    runtime: tokio::runtime::Runtime,
    account: Account,
}

impl Looking {
    /// Adds what the account knows to what was given.
    fn begin(region: &str, arguments: &Arguments, stack_name: &str, given: &mut Given) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let account = runtime.block_on(async {
            let account = Account::of(region, arguments.endpoint_url.as_deref()).await;
            account.complete(stack_name, given).await.map(|()| account)
        })?;
        Ok(Self { runtime, account })
    }

    fn standing(&self, plan: &Plan) -> Result<BTreeMap<String, Standing>, String> {
        self.runtime.block_on(async {
            let mut standing = BTreeMap::new();
            for (agent, composed) in plan.composed() {
                let found = Box::pin(self.account.standing(composed)).await?;
                standing.insert(agent.logical_id.clone(), found);
            }
            Ok(standing)
        })
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| format!("{}: {error}", path.display()))
}

fn given(arguments: &Arguments) -> Result<Given, String> {
    let mut parameters = BTreeMap::new();
    if let Some(file) = &arguments.parameters_file {
        let text = text_of(file)?;
        let read = template::parameters(&text);
        parameters = read.map_err(|error| format!("{}:{}: {error}", file.display(), error.at))?;
    }
    parameters.extend(arguments.parameters.iter().cloned());
    Ok(Given {
        parameters,
        imports: arguments.imports.iter().cloned().collect(),
        region: arguments.region.clone(),
        account: arguments.account.clone(),
        stack_name: arguments.stack_name.clone(),
        ..Given::default()
    })
}

/// CloudFormation refuses a parameter that the template does not have.
fn check_parameters(template: &Node, given: &Given) -> Result<(), String> {
    let known = template.get("Parameters").map(Node::entries).unwrap_or_default();
    let unknown = given
        .parameters
        .keys()
        .find(|name| !known.iter().any(|entry| entry.name == **name));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = known.iter().map(|entry| entry.name.as_str()).collect();
            Err(format!(
                "the template has no parameter `{name}`; it has: {}",
                known.join(", ")
            ))
        }
    }
}

/// The provider's settings by the names of its template's parameters.
fn settings(given: &[(String, String)]) -> Result<Settings, String> {
    let named: BTreeMap<String, &str> = (given.iter())
        .map(|(name, value)| (variable(name), value.as_str()))
        .collect();
    let known = Settings::VARIABLES;
    if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(&variable(name).as_str())) {
        return Err(format!("`{name}` is no parameter of the provider's that matters here"));
    }
    Settings::read(|name| named.get(name).map(|value| (*value).to_owned()))
        .map_err(|faults| format!("the provider would not work so: {faults}"))
}

/// `TaskRolePath` is `TASK_ROLE_PATH` to the function.
fn variable(parameter: &str) -> String {
    parameter
        .chars()
        .enumerate()
        .fold(String::new(), |mut name, (index, c)| {
            if c.is_ascii_uppercase() && index > 0 {
                name.push('_');
            }
            name.push(c.to_ascii_uppercase());
            name
        })
}
