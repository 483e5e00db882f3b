//! The values that intrinsic functions have before a deployment, as far as they can be known; and what they name that
//! is not there.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Map, Value};

use super::{
    Call, Deployment, DynamicPiece, Entry, Extent, Form, Forms, Given, Kind, Mark, Node, SubPiece, Unknown, Weight,
    Wrong, dynamic_pieces, extent, is_loop, long_form, may_be_made, of_entry, of_key, restore, short_form, sub_pieces,
};
use agent_composer_model::nearest::nearest;

/// A value with the place of each path in it, such as `Secrets[1].ValueFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// The values, with stand-ins for what is not known.
    pub values: Map<String, Value>,
    /// Where each is written.
    pub places: BTreeMap<String, Extent>,
    /// Where the key of each is.
    pub keys: BTreeMap<String, Extent>,
    /// The paths of objects to which something is added that is not written here.
    pub added_to: Vec<String>,
}

/// Evaluates one template.
#[derive(Debug)]
pub struct Evaluator<'a> {
    template: &'a Node,
    given: &'a Given,
    mark: Mark,
    deployment: Deployment,
    conditions: BTreeMap<String, Option<bool>>,
    /// Names in evaluation now: one that is met again is a circle.
    open: Vec<String>,
    places: BTreeMap<String, Extent>,
    keys: BTreeMap<String, Extent>,
    added_to: Vec<String>,
    /// The stand-in of each expression: what is written twice has one value.
    texts: BTreeMap<String, String>,
    /// What could not be known so far.
    pub unknowns: Vec<Unknown>,
    /// What is wrong so far.
    pub wrong: Vec<Wrong>,
}

/// What a pseudo parameter is.
enum Pseudo {
    Known(String),
    Unknown,
    NoValue,
}

impl<'a> Evaluator<'a> {
    /// Makes one for `template`, of which `mark` is not a part.
    #[must_use]
    pub fn new(template: &'a Node, given: &'a Given, mark: Mark) -> Self {
        Self {
            template,
            given,
            deployment: Deployment::of(given, &mark),
            mark,
            conditions: BTreeMap::new(),
            open: Vec::new(),
            places: BTreeMap::new(),
            keys: BTreeMap::new(),
            added_to: Vec::new(),
            texts: BTreeMap::new(),
            unknowns: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Where the template is deployed to.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Evaluates from now on as if that were where the template is deployed to. What conditions are known to be stays.
    pub fn deploy(&mut self, deployment: Deployment) {
        self.deployment = deployment;
    }

    /// What makes forms around the next stand-in.
    #[must_use]
    pub fn forms(&self) -> Forms<'_> {
        Forms {
            mark: &self.mark,
            deployment: &self.deployment,
            number: self.unknowns.len() + 1,
        }
    }

    /// The mark of what is not known.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// A resource's properties.
    pub fn properties(&mut self, node: &Node) -> Properties {
        self.places.clear();
        self.keys.clear();
        self.added_to.clear();
        let values = match self.value(node, Some("")) {
            Some(Value::Object(values)) => values,
            Some(_) | None => Map::new(),
        };
        Properties {
            values,
            places: std::mem::take(&mut self.places),
            keys: std::mem::take(&mut self.keys),
            added_to: std::mem::take(&mut self.added_to),
        }
    }

    /// The texts of a list; `None` where one of them can't be known.
    pub fn list(&mut self, node: &Node) -> Option<Vec<String>> {
        let Value::Array(elements) = self.value(node, None)? else {
            return None;
        };
        let known = |element: Value| Some(element.as_str().filter(|text| self.mark.leaves(text))?.to_owned());
        elements.into_iter().map(known).collect()
    }

    /// Whether a condition holds; `None` where that can't be known.
    pub fn condition(&mut self, name: &str, at: Extent) -> Option<bool> {
        if let Some(known) = self.conditions.get(name) {
            return *known;
        }
        let template = self.template;
        let Some(node) = template.get("Conditions").and_then(|all| all.get(name)) else {
            let all = template.get("Conditions").map(Node::entries).unwrap_or_default();
            self.not_there(at, "condition", &["Conditions"], name, all);
            return None;
        };
        if self.open.iter().any(|open| open == name) {
            self.add(
                Weight::Fault,
                at,
                format!("goes in a circle through the condition `{name}`"),
            );
            return None;
        }
        self.open.push(name.to_owned());
        let holds = self.test(node);
        self.open.pop();
        self.conditions.insert(name.to_owned(), holds);
        holds
    }

    fn test(&mut self, node: &Node) -> Option<bool> {
        let at = extent(node);
        let named = node.get("Condition").filter(|_| node.entries().len() == 1);
        if let Some(name) = named.and_then(Node::text) {
            return self.condition(name, at);
        }
        let call = Call::of(node)?;
        let arguments = || call.argument.elements().unwrap_or_default();
        match call.name.as_str() {
            "Condition" => self.condition(call.argument.text()?, at),
            "Equals" => {
                let [one, other] = arguments() else { return None };
                let (one, other) = (self.value(one, None)?, self.value(other, None)?);
                (self.mark.leaves_all(&one) && self.mark.leaves_all(&other)).then(|| one == other)
            }
            "Not" => self.test(arguments().first()?).map(|holds| !holds),
            // What decides is known even where the rest is not.
            "And" | "Or" => {
                let decisive = call.name == "Or";
                let all: Vec<Option<bool>> = arguments().iter().map(|one| self.test(one)).collect();
                if all.contains(&Some(decisive)) {
                    return Some(decisive);
                }
                all.iter().all(Option::is_some).then_some(!decisive)
            }
            _ => None,
        }
    }

    /// A value, with its places noted below `path` if it has one; `None` is `AWS::NoValue`.
    fn value(&mut self, node: &Node, path: Option<&str>) -> Option<Value> {
        if let Some(call) = Call::of(node) {
            return self.called(&call, node, path);
        }
        match &node.kind {
            Kind::Scalar(..) if node.is_null() => {
                self.add(
                    Weight::Fault,
                    extent(node),
                    "is null, which CloudFormation takes nowhere; write `!Ref AWS::NoValue`, or leave it out",
                );
                None
            }
            Kind::Scalar(text, _) => Some(self.resolved(text).into()),
            Kind::Sequence(elements) => {
                let mut values = Vec::new();
                for element in elements {
                    // NoValue leaves no gap.
                    let path = path.map(|path| format!("{path}[{}]", values.len()));
                    self.note(path.as_deref(), extent(element));
                    values.extend(self.value(element, path.as_deref()));
                }
                Some(values.into())
            }
            Kind::Mapping(entries) => {
                let mut values = Map::new();
                for entry in entries {
                    if entry.name == "Fn::Transform" || is_loop(&entry.name) {
                        self.added_to.extend(path.map(ToOwned::to_owned));
                        continue;
                    }
                    let path = path.map(|path| match path {
                        "" => entry.name.clone(),
                        path => format!("{path}.{}", entry.name),
                    });
                    self.note(path.as_deref(), of_entry(entry));
                    if let Some(path) = &path {
                        self.keys.insert(path.clone(), of_key(entry));
                    }
                    let value = self.value(&entry.value, path.as_deref());
                    values.extend(value.map(|value| (entry.name.clone(), value)));
                }
                Some(values.into())
            }
        }
    }

    fn called(&mut self, call: &Call, node: &Node, path: Option<&str>) -> Option<Value> {
        let argument = &call.argument;
        let value = match call.name.as_str() {
            "Ref" => return self.reference(argument.text().unwrap_or_default(), node),
            "GetAtt" => match call.attribute() {
                Some((id, attribute)) => self.attribute(&id, &attribute, node),
                None => None,
            },
            "If" => {
                let [name, then, otherwise] = argument.elements()? else {
                    self.add(
                        Weight::Fault,
                        extent(node),
                        "takes a condition and two values: [NAME, VALUE, VALUE]",
                    );
                    return None;
                };
                match self.condition(name.text().unwrap_or_default(), extent(name)) {
                    Some(true) => return self.value(then, path),
                    Some(false) => return self.value(otherwise, path),
                    None => None,
                }
            }
            "Sub" => self.substituted(argument, node),
            "Join" => self.joined(argument),
            "Select" => self.selected(argument),
            "Split" => self.split(argument),
            "FindInMap" => self.found_in_map(argument, node),
            "ImportValue" => {
                let name = self.value(argument, None);
                let value = name.and_then(|name| self.given.imports.get(name.as_str()?).cloned());
                value.map(Value::String)
            }
            "ToJsonString" => {
                let value = self.value(argument, None);
                value
                    .filter(|value| self.mark.leaves_all(value))
                    .map(|value| value.to_string().into())
            }
            "Length" => match self.value(argument, None) {
                Some(Value::Array(elements)) => Some(elements.len().to_string().into()),
                Some(_) | None => None,
            },
            _ => None,
        };
        Some(value.unwrap_or_else(|| self.unknown(node, None)))
    }

    fn reference(&mut self, name: &str, node: &Node) -> Option<Value> {
        match self.pseudo(name) {
            Some(Pseudo::NoValue) => return None,
            Some(Pseudo::Known(text)) => return Some(text.into()),
            Some(Pseudo::Unknown) => return Some(self.unknown(node, None)),
            None => {}
        }
        let template = self.template;
        if let Some(parameter) = template.get("Parameters").and_then(|all| all.get(name)) {
            return Some(
                self.parameter(name, parameter)
                    .unwrap_or_else(|| self.unknown(node, None)),
            );
        }
        if let Some(resource) = template.get("Resources").and_then(|all| all.get(name)) {
            if let Some(physical_id) = self.given.references.get(name) {
                return Some(physical_id.clone().into());
            }
            let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
            return Some(self.unknown(node, Some((kind, None))));
        }
        let names = ["Parameters", "Resources"];
        let sections = names.map(|section| template.get(section));
        let known: Vec<Entry> = sections
            .into_iter()
            .flatten()
            .flat_map(Node::entries)
            .cloned()
            .collect();
        self.not_there(extent(node), "parameter or resource", &names, name, &known);
        Some(self.unknown(node, None))
    }

    fn pseudo(&self, name: &str) -> Option<Pseudo> {
        let known = |value: &Option<String>| value.clone().map_or(Pseudo::Unknown, Pseudo::Known);
        Some(match name.strip_prefix("AWS::")? {
            "NoValue" => Pseudo::NoValue,
            "Region" => Pseudo::Known(self.deployment.region.clone()),
            "AccountId" => Pseudo::Known(self.deployment.account.clone()),
            "Partition" => Pseudo::Known(self.deployment.partition().to_owned()),
            "URLSuffix" => Pseudo::Known(self.deployment.dns_suffix().to_owned()),
            "StackName" => known(&self.given.stack_name),
            "StackId" => known(&self.given.stack_id),
            _ => Pseudo::Unknown,
        })
    }

    /// A parameter's value. One that is `NoEcho` is not to be shown, so it is not known either.
    fn parameter(&mut self, name: &str, parameter: &Node) -> Option<Value> {
        let text = |name: &str| parameter.get(name).and_then(Node::text);
        let kind = text("Type").unwrap_or("String");
        if text("NoEcho").is_some_and(|no_echo| no_echo.eq_ignore_ascii_case("true"))
            || kind.starts_with("AWS::SSM::Parameter::Value<")
        {
            return None;
        }
        let value = self.given.parameters.get(name).map(String::as_str);
        let value = value.or_else(|| text("Default"))?.to_owned();
        if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            let elements = value.split(',').map(|element| self.resolved(element.trim()).into());
            return Some(Value::Array(elements.collect()));
        }
        Some(self.resolved(&value).into())
    }

    fn attribute(&mut self, id: &str, attribute: &str, node: &Node) -> Option<Value> {
        let template = self.template;
        let resources = template.get("Resources");
        let Some(resource) = resources.and_then(|all| all.get(id)) else {
            let all = resources.map(Node::entries).unwrap_or_default();
            self.not_there(extent(node), "resource", &["Resources"], id, all);
            return None;
        };
        if let Some(known) = self.given.attributes.get(&format!("{id}.{attribute}")) {
            return Some(known.clone().into());
        }
        let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
        Some(self.unknown(node, Some((kind, Some(attribute)))))
    }

    fn substituted(&mut self, argument: &Node, node: &Node) -> Option<Value> {
        let (text, variables) = match argument.elements() {
            Some([text, variables]) => (text.text()?, variables.entries()),
            Some(_) => return None,
            None => (argument.text()?, &[][..]),
        };
        let mut whole = String::new();
        for piece in sub_pieces(text) {
            let name = match piece {
                SubPiece::Text(text) => {
                    whole.push_str(&text);
                    continue;
                }
                SubPiece::Name(name) => name,
            };
            let value = match variables.iter().find(|entry| entry.name == name) {
                Some(entry) => self.value(&entry.value, None),
                None => self.value(&named(&name, node), None),
            };
            match value {
                Some(Value::String(text)) => whole.push_str(&text),
                Some(_) | None => return None,
            }
        }
        Some(self.resolved(&whole).into())
    }

    fn joined(&mut self, argument: &Node) -> Option<Value> {
        let [delimiter, list] = argument.elements()? else {
            return None;
        };
        let Value::Array(elements) = self.value(list, None)? else {
            return None;
        };
        let texts: Option<Vec<&str>> = elements.iter().map(Value::as_str).collect();
        let whole = texts?.join(delimiter.text()?);
        Some(self.resolved(&whole).into())
    }

    fn selected(&mut self, argument: &Node) -> Option<Value> {
        let [index, list] = argument.elements()? else {
            return None;
        };
        let index = self.value(index, None)?;
        let index: usize = index.as_str()?.parse().ok()?;
        match self.value(list, None)? {
            Value::Array(elements) => elements.get(index).cloned(),
            _ => None,
        }
    }

    fn split(&mut self, argument: &Node) -> Option<Value> {
        let [delimiter, text] = argument.elements()? else {
            return None;
        };
        let text = self.value(text, None)?;
        let text = text.as_str().filter(|text| self.mark.leaves(text))?;
        Some(text.split(delimiter.text()?).collect())
    }

    fn found_in_map(&mut self, argument: &Node, node: &Node) -> Option<Value> {
        let elements = argument.elements()?;
        let keys = elements.get(..3)?;
        let mut at = self.template.get("Mappings");
        if at.is_none() {
            let made = may_be_made(self.template, "Mappings");
            let weight = if made { Weight::Note } else { Weight::Fault };
            self.add(
                weight,
                extent(node),
                "looks into `Mappings`, which the template does not have",
            );
        }
        for (key, what) in keys
            .iter()
            .zip(["mapping", "key of this mapping", "key of this mapping"])
        {
            let name = self.value(key, None)?;
            let name = name.as_str().filter(|name| self.mark.leaves(name))?;
            let here = at?;
            let Some(found) = here.get(name) else {
                if let Some(default) = elements.get(3).and_then(|options| options.get("DefaultValue")) {
                    return self.value(default, None);
                }
                self.not_there(extent(node), what, &["Mappings"], name, here.entries());
                return None;
            };
            at = Some(found);
        }
        self.value(at?, None)
    }

    /// Notes something that can't be known, and gives its stand-in.
    fn unknown(&mut self, node: &Node, of: Option<(&str, Option<&str>)>) -> Value {
        let expression = long_form(node);
        let id = Call::of(node).and_then(|call| match call.attribute() {
            Some((id, _)) => Some(id),
            None => call.argument.text().map(ToOwned::to_owned),
        });
        let form = of.and_then(|(kind, attribute)| self.forms().of_resource(&id?, kind, attribute));
        self.stand_in_of(shown(node), expression, form)
    }

    /// The stand-in of an expression.
    fn stand_in_of(&mut self, shown: String, expression: Value, form: Option<Form>) -> Value {
        let Deployment { region, account } = &self.deployment;
        let key = format!("{region} {account} {expression}");
        if let Some(text) = self.texts.get(&key) {
            return text.clone().into();
        }
        let text = if let Some(form) = form {
            self.unknowns.extend(form.unknowns(&shown, &expression));
            form.text
        } else {
            let text = self.mark.token(self.unknowns.len() + 1);
            self.unknowns.push(Unknown {
                text: text.clone(),
                shown,
                expression,
            });
            text
        };
        self.texts.insert(key, text.clone());
        text.into()
    }

    /// A text in which stand-ins are where CloudFormation puts the values of SSM's parameters.
    fn resolved(&mut self, text: &str) -> String {
        let mut whole = String::new();
        for piece in dynamic_pieces(text) {
            match piece {
                DynamicPiece::Text(text) => whole.push_str(text),
                DynamicPiece::Reference(reference) => {
                    let shown = restore::shown(reference, &self.unknowns);
                    let expression = restore::expression(reference, &self.unknowns);
                    let text = self.stand_in_of(shown, expression, None);
                    whole.push_str(text.as_str().unwrap_or_default());
                }
            }
        }
        whole
    }

    /// Lets a form stand for a whole value that can't be known, instead of the stand-ins in `before`.
    pub fn stand_in(&mut self, form: &Form, before: &str) {
        let (shown, expression) = self.meaning(before);
        self.unknowns.extend(form.unknowns(&shown, &expression));
    }

    /// What a text with stand-ins is, as its author wrote it and in the long form of a JSON template.
    #[must_use]
    pub fn meaning(&self, text: &str) -> (String, Value) {
        match self.unknowns.iter().find(|unknown| unknown.text == text) {
            Some(same) => (same.shown.clone(), same.expression.clone()),
            None => (
                restore::shown(text, &self.all_unknowns()),
                restore::expression(text, &self.all_unknowns()),
            ),
        }
    }

    /// What is not known so far, with what is not known of the deployment.
    #[must_use]
    pub fn all_unknowns(&self) -> Vec<Unknown> {
        [self.unknowns.clone(), self.deployment.unknowns(&self.mark)].concat()
    }

    fn note(&mut self, path: Option<&str>, at: Extent) {
        if let Some(path) = path {
            self.places.insert(path.to_owned(), at);
        }
    }

    fn add(&mut self, weight: Weight, at: Extent, problem: impl Into<String>) {
        let problem = problem.into();
        let wrong = Wrong { weight, at, problem };
        if !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }

    /// Says that a name is not there: a fault, or where something else may make it a note.
    fn not_there(&mut self, at: Extent, what: &str, sections: &[&str], name: &str, known: &[Entry]) {
        let near = nearest(name, known.iter().map(|entry| entry.name.as_str()));
        let hint = near.map_or(Cow::default(), |near| format!("; did you mean `{near}`?").into());
        if sections.iter().any(|section| may_be_made(self.template, section)) {
            self.add(
                Weight::Note,
                at,
                format!("`{name}` is not in the template; a transform or a loop may make it{hint}"),
            );
        } else {
            self.add(
                Weight::Fault,
                at,
                format!("`{name}` is not a {what} of the template{hint}"),
            );
        }
    }
}

fn shown(node: &Node) -> String {
    let Some(call) = Call::of(node) else {
        return short_form(node);
    };
    match (call.name.as_str(), call.attribute()) {
        ("Ref", _) => call.argument.text().unwrap_or_default().to_owned(),
        (_, Some((id, attribute))) => format!("{id}.{attribute}"),
        _ => short_form(node),
    }
}

/// `${NAME}` as a call, at the place of the text that it is in.
fn named(name: &str, at: &Node) -> Node {
    let function = if name.contains('.') { "GetAtt" } else { "Ref" };
    Node {
        kind: Kind::Scalar(name.to_owned(), true),
        tag: Some(function.to_owned()),
        start: at.start,
        end: at.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::read;

    const TEMPLATE: &str = "
Parameters:
  Image: {Type: String, Default: 'ruby:3.4'}
  Size: {Type: Number}
  Zones: {Type: CommaDelimitedList, Default: 'a, b'}
  Password: {Type: String, NoEcho: true, Default: hidden}
  Latest: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami}
Mappings:
  Sizes: {us-east-1: {Small: '256'}, eu-west-1: {Small: '512'}}
Conditions:
  IsRuby: !Equals [!Ref Image, 'ruby:3.4']
  IsSmall: !Equals [!Ref Size, '256']
  Both: !And [!Condition IsRuby, Condition: IsSmall]
  Either: !Or [!Condition IsRuby, !Condition IsSmall]
  Circle: !Not [!Condition Circle]
Resources:
  Password2: {Type: 'AWS::SecretsManager::Secret'}
  X:
    Type: T
    Properties:
";

    fn evaluated(properties: &str, given: &Given) -> (Value, Vec<String>, Vec<String>) {
        let indented = properties.replace('\n', "\n      ");
        let text = format!("{TEMPLATE}      {indented}");
        let template = read(&text).unwrap();
        let mut evaluator = Evaluator::new(&template, given, Mark::absent_from(&text));
        let node = template
            .get("Resources")
            .and_then(|all| all.get("X"))
            .and_then(|x| x.get("Properties"));
        let properties = evaluator.properties(node.unwrap());
        (
            properties.values.into(),
            evaluator.unknowns.into_iter().map(|unknown| unknown.shown).collect(),
            (evaluator.wrong.into_iter())
                .map(|wrong| format!("{} {}", wrong.at.start, wrong.problem))
                .collect(),
        )
    }

    #[test]
    fn what_is_known_is_evaluated_and_what_is_not_has_a_stand_in() {
        let given = Given {
            region: Some("eu-west-1".to_owned()),
            imports: [("a-Token".to_owned(), "arn".to_owned())].into(),
            ..Given::default()
        };
        let (values, unknowns, wrong) = evaluated(
            "A: !Ref Image
B: !Sub '${Image}-${AWS::Region}-${!Literal}-${Other}'
B2: !Sub ['${Image}-${V}', {V: !FindInMap [Sizes, !Ref AWS::Region, Small]}]
C: !If [IsRuby, [1, !Ref AWS::NoValue, 2], 3]
D: !If [Either, yes, no]
E: !If [Both, yes, no]
F: !Join [',', !Ref Zones]
G: !Select [1, !Split ['/', a/b/c]]
H: !ImportValue a-Token
I: !ImportValue b-Token
J: !GetAtt Other.Arn
K: !Ref Password
L: {'Fn::Sub': 'x${Latest}'}
M: !Ref AWS::NoValue
N: !Ref Password2
O: !If [Circle, 1, 2]
P: null
Q: !FindInMap [Sizes, us-west-2, Small]
R: !Ref Imag
",
            &given,
        );
        insta::assert_json_snapshot!(values);
        insta::assert_json_snapshot!((unknowns, wrong));
    }

    #[test]
    fn every_path_has_the_place_where_it_is_written() {
        let text = "a: 1\nb:\n  - c: !Ref AWS::NoValue\n  - !If [X, {d: 2}, 3]\nConditions: {X: !Equals [1, 1]}\n";
        let template = read(text).unwrap();
        let given = Given::default();
        let mut evaluator = Evaluator::new(&template, &given, Mark::absent_from(text));
        let places = evaluator.properties(&template).places;
        let shown: Vec<String> = places.iter().map(|(path, at)| format!("{path} {}", at.start)).collect();
        assert!(shown.contains(&"a 1:4".to_owned()), "{shown:?}");
        assert!(shown.contains(&"b 2:1".to_owned()), "{shown:?}");
        assert!(shown.contains(&"b[1].d 4:17".to_owned()), "{shown:?}");
    }
}
