//! What an IAM identity policy means: whether it allows an action on a resource under given condition keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The condition keys of a request; a key may have several values (`aws:TagKeys`).
pub type Context = BTreeMap<String, Vec<String>>;

/// One question put to the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// `iam:CreateRole`, …
    pub action: String,
    /// The ARN that policies are matched against; `*` where the action knows no resources.
    pub resource: String,
    /// How AWS names the resource in a denial.
    pub named: String,
    /// The condition keys.
    pub context: Context,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it, whatever others allow.
    Denied,
}

/// A policy that was understood whole.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    denies: bool,
    actions: Set,
    resources: Set,
    conditions: Vec<Condition>,
}

/// The patterns of `Action` or `Resource`, or with `inverted` those of `NotAction` or `NotResource`.
#[derive(Clone, Debug)]
struct Set {
    patterns: Vec<String>,
    inverted: bool,
}

#[derive(Clone, Debug)]
struct Condition {
    quantifier: Quantifier,
    test: Test,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    One,
    All,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equals { ignoring_case: bool, not: bool },
    Like { not: bool },
    Arn { not: bool },
    Null,
}

impl Policy {
    /// Reads a policy; anything that would not be evaluated as AWS does is an error.
    pub fn parse(document: &Value) -> Result<Self, String> {
        let list = match document.get("Statement") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(single @ Value::Object(_)) => std::slice::from_ref(single),
            _ => return Err("the policy has no Statement".to_owned()),
        };
        let statements = list.iter().map(Statement::parse).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// What this policy alone says.
    pub fn verdict(&self, demand: &Demand) -> Verdict {
        let mut applying = self
            .statements
            .iter()
            .filter(|statement| statement.applies(demand))
            .peekable();
        if applying.peek().is_none() {
            Verdict::NotAllowed
        } else if applying.any(|statement| statement.denies) {
            Verdict::Denied
        } else {
            Verdict::Allowed
        }
    }
}

/// What several policies say together: an explicit Deny in any of them wins.
pub fn verdict(policies: &[Policy], demand: &Demand) -> Verdict {
    let verdicts: Vec<Verdict> = policies.iter().map(|policy| policy.verdict(demand)).collect();
    [Verdict::Denied, Verdict::Allowed]
        .into_iter()
        .find(|decisive| verdicts.contains(decisive))
        .unwrap_or(Verdict::NotAllowed)
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, String> {
        let fields = statement
            .as_object()
            .ok_or_else(|| format!("a statement is not an object: {statement}"))?;
        for field in fields.keys() {
            let known = [
                "Sid",
                "Effect",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ];
            if !known.contains(&field.as_str()) {
                return Err(format!("a statement has an unknown element: {field}"));
            }
        }
        let denies = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => false,
            Some("Deny") => true,
            other => return Err(format!("a statement has no such Effect: {other:?}")),
        };
        let mut conditions = Vec::new();
        if let Some(Value::Object(operators)) = fields.get("Condition") {
            for (operator, keys) in operators {
                let keys = keys.as_object().ok_or_else(|| format!("{operator} is not an object"))?;
                for (key, values) in keys {
                    conditions.push(Condition::parse(operator, key, values)?);
                }
            }
        }
        Ok(Self {
            denies,
            actions: Set::parse(fields, "Action", "NotAction")?,
            resources: Set::parse(fields, "Resource", "NotResource")?,
            conditions,
        })
    }

    fn applies(&self, demand: &Demand) -> bool {
        let is_it = |pattern: &str| {
            if is_plain(pattern) {
                pattern.eq_ignore_ascii_case(&demand.action)
            } else {
                glob(&pattern.to_lowercase(), &demand.action.to_lowercase())
            }
        };
        self.actions.holds(is_it)
            && self.resources.holds(|pattern| arn_like(pattern, &demand.resource))
            && self.conditions.iter().all(|condition| condition.holds(&demand.context))
    }
}

impl Set {
    fn parse(fields: &Map<String, Value>, plain: &str, inverse: &str) -> Result<Self, String> {
        let (held, inverted) = match (fields.get(plain), fields.get(inverse)) {
            (Some(held), None) => (held, false),
            (None, Some(held)) => (held, true),
            _ => return Err(format!("a statement needs one of {plain} and {inverse}")),
        };
        Ok(Self {
            patterns: strings(held)?,
            inverted,
        })
    }

    fn holds(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.inverted
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, values: &Value) -> Result<Self, String> {
        let (quantifier, rest) = match operator.split_once(':') {
            None => (Quantifier::One, operator),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return Err(format!("unknown condition operator: {operator}")),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let equals = |ignoring_case, not| Test::Equals { ignoring_case, not };
        let test = match name {
            "StringEquals" => equals(false, false),
            "StringNotEquals" => equals(false, true),
            "StringEqualsIgnoreCase" | "Bool" => equals(true, false),
            "StringNotEqualsIgnoreCase" => equals(true, true),
            "StringLike" => Test::Like { not: false },
            "StringNotLike" => Test::Like { not: true },
            // AWS treats these two the same.
            "ArnEquals" | "ArnLike" => Test::Arn { not: false },
            "ArnNotEquals" | "ArnNotLike" => Test::Arn { not: true },
            "Null" => Test::Null,
            _ => return Err(format!("unknown condition operator: {operator}")),
        };
        Ok(Self {
            quantifier,
            test,
            if_exists,
            key: key.to_owned(),
            values: strings(values)?,
        })
    }

    fn holds(&self, context: &Context) -> bool {
        // Condition keys are compared without case, their values with it.
        let given = context
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(&self.key))
            .map(|(_, values)| values.as_slice())
            .filter(|values| !values.is_empty());
        if self.test == Test::Null {
            let absent = given.is_none();
            return self.values.iter().any(|value| value == &absent.to_string());
        }
        let Some(given) = given else {
            // ForAllValues is true of nothing; so is a negated operator.
            return self.if_exists || self.quantifier == Quantifier::All || self.negated();
        };
        match self.quantifier {
            Quantifier::All => given.iter().all(|value| self.holds_for(value)),
            Quantifier::One | Quantifier::Any => given.iter().any(|value| self.holds_for(value)),
        }
    }

    fn negated(&self) -> bool {
        match self.test {
            Test::Equals { not, .. } | Test::Like { not } | Test::Arn { not } => not,
            Test::Null => false,
        }
    }

    fn holds_for(&self, given: &str) -> bool {
        let matched = self.values.iter().any(|value| match self.test {
            Test::Equals {
                ignoring_case: true, ..
            } => value.eq_ignore_ascii_case(given),
            Test::Equals { .. } => value == given,
            Test::Like { .. } => glob(value, given),
            Test::Arn { .. } => arn_like(value, given),
            Test::Null => false,
        });
        matched != self.negated()
    }
}

/// Whether an ARN pattern matches: each of the six parts by itself, so that no asterisk reaches over a colon
/// into the next, except in the last part, which may have colons of its own.
pub fn arn_like(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (mut patterns, mut parts) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if glob(pattern, part) => {}
            _ => return false,
        }
    }
}

/// Whether a pattern matches itself alone.
fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['*', '?'])
}

/// Whether `text` matches a pattern with `*` and `?`.
pub fn glob(pattern: &str, text: &str) -> bool {
    if is_plain(pattern) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut position) = (0, 0);
    // Where to go on when the last asterisk has to swallow one character more.
    let mut retry: Option<(usize, usize)> = None;
    while position < text.len() {
        if at < pattern.len() && pattern[at] == '*' {
            retry = Some((at, position));
            at += 1;
        } else if at < pattern.len() && (pattern[at] == '?' || pattern[at] == text[position]) {
            at += 1;
            position += 1;
        } else if let Some((star, swallowed)) = retry {
            retry = Some((star, swallowed + 1));
            at = star + 1;
            position = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

fn strings(value: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("not a string: {other}")),
    };
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}
