//! Faults: what can go wrong with a call, and the rules that say with which.

use std::collections::HashMap;

use super::authorise::{denial, pass_role};
use super::call::{Call, Service};
use super::ecs;
use super::error::ApiError;
use super::home::Home;
use super::policy::{Demand, Verdict};

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `Rate exceeded`, under the service's own code. Nothing happens.
    Throttle,
    /// HTTP 500 with the service's own code. Nothing happens.
    Status500,
    /// HTTP 503 `ServiceUnavailable`. Nothing happens.
    Unavailable,
    /// HTTP 502 from something in between, in HTML. Nothing happens.
    BadGateway,
    /// HTTP 500 although the call took effect.
    Late500,
    /// The connection breaks before the call arrives.
    Reset,
    /// The call takes effect and the connection breaks before its answer arrives.
    LostAnswer,
    /// The connector gives up waiting. Nothing happens.
    Timeout,
    /// The call takes effect and the connector gives up waiting for its answer.
    LateTimeout,
    /// The call is not allowed.
    Deny,
    /// RegisterTaskDefinition may be called, but passing the role is not allowed.
    DenyPassRole,
    /// Any error of the service's. Nothing happens.
    Error {
        /// The code.
        code: String,
        /// The message.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// Nothing happens and no answer ever comes.
    Hang,
    /// The call takes effect and no answer ever comes.
    HangAfter,
    /// The caller dies before the call arrives: [`Account::crashed`](super::Account::crashed) resolves, no answer comes.
    CrashBefore,
    /// The caller dies when the call has taken effect.
    CrashAfter,
}

impl Fault {
    /// An error of the service's.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Error {
            code: code.to_owned(),
            message: message.to_owned(),
            status,
        }
    }

    /// ECS: two registrations of one family at once (docs/internals/aws.md, "Registering").
    pub fn concurrent_revision() -> Self {
        Self::error(
            400,
            "ClientException",
            "Too many concurrent attempts to create a new revision of the specified family.",
        )
    }

    /// IAM: two changes of one role at once (docs/internals/aws.md, "Roles").
    pub fn concurrent_modification() -> Self {
        Self::error(
            409,
            "ConcurrentModification",
            "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        )
    }

    /// Logs: two changes of one group at once (docs/internals/aws.md, "CloudWatch Logs").
    pub fn operation_aborted() -> Self {
        Self::error(
            400,
            "OperationAbortedException",
            "A conflicting operation is currently in progress against this resource. Please try again.",
        )
    }

    /// Whether the call takes effect before the fault shows.
    pub fn strikes_after_effect(&self) -> bool {
        matches!(
            self,
            Self::Late500 | Self::LostAnswer | Self::LateTimeout | Self::HangAfter | Self::CrashAfter
        )
    }

    /// The error that the service answers with, if the fault is one that answers.
    pub fn answer(&self, call: &Call, home: &Home, demand: &Demand) -> Option<ApiError> {
        match self {
            Self::Throttle => Some(throttled(call.service)),
            Self::Status500 | Self::Late500 => Some(internal(call.service)),
            Self::Unavailable => Some(ApiError::new(
                503,
                "ServiceUnavailable",
                "Service Unavailable. Please try again later.",
            )),
            Self::Deny => Some(denial(call.service, home, demand, Verdict::NotAllowed)),
            Self::DenyPassRole => {
                let roles = ecs::passed_roles(&call.params);
                let role = roles.first().map_or("*", String::as_str);
                Some(denial(call.service, home, &pass_role(role, home), Verdict::NotAllowed))
            }
            Self::Error { code, message, status } => Some(ApiError::new(*status, code, message)),
            Self::BadGateway
            | Self::Reset
            | Self::LostAnswer
            | Self::Timeout
            | Self::LateTimeout
            | Self::Hang
            | Self::HangAfter
            | Self::CrashBefore
            | Self::CrashAfter => None,
        }
    }
}

/// `Rate exceeded`, as each service answers it: all with HTTP 400 (docs/internals/aws.md, "Rates" and "Roles").
pub fn throttled(service: Service) -> ApiError {
    let code = match service {
        Service::Sqs => "RequestThrottled",
        _ if service.speaks_json() => "ThrottlingException",
        _ => "Throttling",
    };
    ApiError::bad(code, "Rate exceeded")
}

fn internal(service: Service) -> ApiError {
    let (code, message) = match service {
        Service::Ecs => ("ServerException", "Service Unavailable. Please try again later."),
        Service::Logs => (
            "ServiceUnavailableException",
            "The service cannot complete the request.",
        ),
        Service::Iam => (
            "ServiceFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        ),
        Service::CloudFormation
        | Service::Sqs
        | Service::Ssm
        | Service::SecretsManager
        | Service::Ecr
        | Service::Unknown => (
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        ),
    };
    ApiError::new(500, code, message)
}

type Rule = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// The rules in force. Each sees every call, in the order of arrival; the first that names a fault wins.
#[derive(Default)]
pub struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&mut self, rule: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.rules.push(Box::new(rule));
    }

    /// Forgets all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What happens to a call.
    pub fn decide(&mut self, call: &Call) -> Option<Fault> {
        let mut decided = None;
        for rule in &mut self.rules {
            let fault = rule(call);
            decided = decided.or(fault);
        }
        decided
    }
}

/// A rule for the call of that number.
pub fn at(number: usize, fault: Fault) -> impl FnMut(&Call) -> Option<Fault> + Send {
    move |call| (call.number == number).then(|| fault.clone())
}

/// A rule for the `occurrence`th call, counted from 1, of an action.
pub fn on(action: &str, occurrence: usize, fault: Fault) -> impl FnMut(&Call) -> Option<Fault> + Send + use<> {
    let action = action.to_owned();
    let mut seen = 0;
    move |call| {
        seen += usize::from(call.action() == action);
        (call.action() == action && seen == occurrence).then(|| fault.clone())
    }
}

/// A rule for the first `times` attempts of every distinct call.
pub fn each(times: usize, fault: Fault) -> impl FnMut(&Call) -> Option<Fault> + Send {
    let mut attempts: HashMap<String, usize> = HashMap::new();
    move |call| {
        let attempt = attempts.entry(call.identity()).or_default();
        *attempt += 1;
        (*attempt <= times).then(|| fault.clone())
    }
}
