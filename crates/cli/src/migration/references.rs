//! References to what the macro made, in every form that CloudFormation has: rewritten, or reported.

use super::{
    draft::Draft,
    generated::{Generated, Part, Successor, log_group_arn},
};
use crate::template::{Entry, Kind, Node, Place};

/// A walk through the part of a template that belongs to one resource, one output or one section.
pub(super) struct References<'d, 't, 'g> {
    draft: &'d mut Draft<'t>,
    generated: &'g Generated,
    /// The macro's resource that the walk is in, which can't refer to itself.
    within: Option<&'d str>,
    /// How many references were rewritten.
    pub(super) rewritten: usize,
    /// Whether any of them has another value from now on.
    pub(super) changed: bool,
}

/// How a function is written: as a tag, or as a key.
#[derive(Clone, Copy)]
enum Form<'n> {
    Short(&'n Node),
    Long(&'n Entry),
}

impl<'n> Form<'n> {
    fn argument(self) -> &'n Node {
        match self {
            Self::Short(node) => node,
            Self::Long(entry) => &entry.value,
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Short(node) => node.start,
            Self::Long(entry) => entry.at,
        }
    }
}

impl<'d, 't, 'g> References<'d, 't, 'g> {
    pub(super) fn within(draft: &'d mut Draft<'t>, generated: &'g Generated, within: Option<&'d str>) -> Self {
        Self {
            draft,
            generated,
            within,
            rewritten: 0,
            changed: false,
        }
    }

    /// Walks through a node and all in it.
    pub(super) fn walk(&mut self, node: &Node) {
        if self.draft.layout.is_alias(node) {
            return;
        }
        if let Some(tag) = &node.tag {
            match tag.as_str() {
                "Ref" => return self.reference(Form::Short(node)),
                "GetAtt" => return self.attribute(Form::Short(node)),
                "Sub" => return self.substitution(Form::Short(node)),
                _ => {}
            }
        }
        match &node.kind {
            Kind::Scalar(text, _) => self.mention(node, text),
            Kind::Sequence(elements) => {
                for element in elements {
                    self.walk(element);
                }
            }
            Kind::Mapping(entries) => match entries.as_slice() {
                [entry] if entry.name == "Ref" => self.reference(Form::Long(entry)),
                [entry] if entry.name == "Fn::GetAtt" => self.attribute(Form::Long(entry)),
                [entry] if entry.name == "Fn::Sub" => self.substitution(Form::Long(entry)),
                entries => {
                    for entry in entries {
                        self.walk(&entry.value);
                    }
                }
            },
        }
    }

    fn mention(&mut self, node: &Node, text: &str) {
        if let Some(name) = self.generated.named_in(text) {
            self.draft.note(
                node.start,
                format!("`{name}` is named here in a text that is not a reference; no resource will have that name"),
            );
        }
    }

    fn reference(&mut self, form: Form<'_>) {
        let argument = form.argument();
        let Kind::Scalar(name, _) = &argument.kind else {
            return self.walk_arguments(argument);
        };
        let Some((resource, part)) = self.generated.get(name) else {
            return;
        };
        let successor = Successor::of_reference(part);
        let Some(successor) = self.possible(form.place(), &format!("!Ref {name}"), resource, part, successor) else {
            return;
        };
        match (successor, form) {
            (Successor::Attribute(attribute), Form::Short(node)) => {
                self.replace(node, format!("!GetAtt {resource}.{attribute}"));
            }
            (Successor::Attribute(attribute), Form::Long(entry)) => {
                let quoted = self.draft.layout.text[entry.at.offset..].starts_with('"');
                let list = if quoted {
                    format!("[\"{resource}\", \"{attribute}\"]")
                } else {
                    format!("[{resource}, {attribute}]")
                };
                self.rename_key(entry, "Fn::GetAtt");
                self.replace(&entry.value, list);
            }
            _ => {
                self.draft.rename(argument, name, resource);
                self.draft.note(form.place(), without_revision(resource));
            }
        }
    }

    fn attribute(&mut self, form: Form<'_>) {
        let argument = form.argument();
        let whole = match &argument.kind {
            Kind::Scalar(text, _) => text.split_once('.'),
            Kind::Sequence(elements) => match elements.as_slice() {
                [name, attribute] => name.text().zip(attribute.text()),
                _ => None,
            },
            Kind::Mapping(_) => None,
        };
        let Some((name, attribute)) = whole else {
            return self.walk_arguments(argument);
        };
        let Some((resource, part)) = self.generated.get(name) else {
            return self.walk_arguments(argument);
        };
        let successor = Successor::of_attribute(part, attribute);
        let reference = format!("!GetAtt {name}.{attribute}");
        match self.possible(form.place(), &reference, resource, part, successor) {
            Some(Successor::LogGroupArn) => self.log_group_arn(form, resource),
            Some(Successor::Attribute(new)) => match &argument.kind {
                Kind::Sequence(elements) => {
                    self.draft.rename(&elements[0], name, resource);
                    self.draft.rename(&elements[1], attribute, new);
                }
                _ => (self.draft).rename(argument, &format!("{name}.{attribute}"), &format!("{resource}.{new}")),
            },
            _ => {}
        }
    }

    fn log_group_arn(&mut self, form: Form<'_>, resource: &str) {
        let quote = if self.draft.layout.json { '"' } else { '\'' };
        let arn = format!("{quote}{}{quote}", log_group_arn(resource));
        match form {
            Form::Short(node) => self.replace(node, format!("!Sub {arn}")),
            Form::Long(entry) => {
                self.rename_key(entry, "Fn::Sub");
                // A list below its key may be indented as the key is, which a text may not.
                let (key, end) = (entry.until.offset, self.draft.layout.end(&entry.value));
                self.draft.edits.replace(key..end, format!(": {arn}"));
            }
        }
    }

    fn substitution(&mut self, form: Form<'_>) {
        let argument = form.argument();
        let (template, variables) = match &argument.kind {
            Kind::Sequence(elements) => match elements.as_slice() {
                [template, variables] => (template, variables.entries()),
                [template] => (template, &[][..]),
                _ => return,
            },
            Kind::Scalar(..) => (argument, &[][..]),
            Kind::Mapping(_) => return,
        };
        for variable in variables {
            self.walk(&variable.value);
        }
        let Kind::Scalar(text, _) = &template.kind else {
            return;
        };
        let is_variable = |name: &str| variables.iter().any(|variable| variable.name == name);
        let layout = self.draft.layout;
        let from = layout.content(template);
        let raw = &layout.text[from..layout.end(template)];
        let legible = names(raw).map(|(_, name)| name).eq(names(text).map(|(_, name)| name));
        for (at, name) in names(if legible { raw } else { text }) {
            let (id, attribute) = name
                .split_once('.')
                .map_or((name, None), |(id, attribute)| (id, Some(attribute)));
            let Some((resource, part)) = self.generated.get(id).filter(|_| !is_variable(name)) else {
                continue;
            };
            let successor = match attribute {
                None => Successor::of_reference(part),
                Some(attribute) => Successor::of_attribute(part, attribute),
            };
            let reference = format!("${{{name}}}");
            let Some(successor) = self.possible(template.start, &reference, resource, part, successor) else {
                continue;
            };
            let new = match successor {
                Successor::Attribute(attribute) => format!("${{{resource}.{attribute}}}"),
                Successor::LogGroupArn => log_group_arn(resource),
                _ => format!("${{{resource}}}"),
            };
            if successor == Successor::Reference {
                self.draft.note(template.start, without_revision(resource));
            }
            if layout.is_alias(template) {
                continue;
            }
            if !legible || is_variable(resource) {
                self.rewritten -= 1;
                (self.draft).warn(template.start, format!("`{reference}` is left as it is: write `{new}`"));
                continue;
            }
            self.draft.edits.replace(from + at..from + at + reference.len(), new);
        }
    }

    /// What takes a reference's place where something can; otherwise that is reported.
    fn possible(
        &mut self,
        at: Place,
        reference: &str,
        resource: &str,
        part: Part,
        successor: Successor,
    ) -> Option<Successor> {
        self.changed |= part.is_another_one();
        if self.within == Some(resource) {
            let message = format!("`{reference}` is left as it is: `{resource}` can't refer to itself");
            self.draft.warn(at, message);
            return None;
        }
        if let Successor::Nothing(advice) = successor {
            let advice = advice.replace("RESOURCE", resource);
            self.draft.warn(at, format!("`{reference}` is left as it is: {advice}"));
            return None;
        }
        self.rewritten += 1;
        Some(successor)
    }

    fn replace(&mut self, node: &Node, text: String) {
        let layout = self.draft.layout;
        if !layout.is_alias(node) {
            self.draft.edits.replace(layout.tagged(node)..layout.end(node), text);
        }
    }

    fn rename_key(&mut self, entry: &Entry, name: &str) {
        let range = entry.at.offset..entry.until.offset;
        if let Some(at) = self.draft.layout.text[range.clone()].find(&entry.name) {
            let start = range.start + at;
            self.draft.edits.replace(start..start + entry.name.len(), name);
        }
    }

    fn walk_arguments(&mut self, argument: &Node) {
        if let Kind::Sequence(elements) = &argument.kind {
            for element in elements {
                self.walk(element);
            }
        }
    }
}

fn without_revision(resource: &str) -> String {
    format!(
        "`!Ref {resource}` is the task definition's ARN without a revision, where the macro's had one: it runs the newest, and a policy that allows \
         `ecs:RunTask` on it needs `:*` behind it"
    )
}

/// What is written as `${NAME}` in a text, each with its place; `${!…}` is not a name.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("${").filter_map(move |(at, _)| {
        let name = text[at + 2..].split_once('}')?.0;
        (!name.starts_with('!')).then_some((at, name))
    })
}
