//! A migration in the making: the text as it is, the edits to it, and the remarks about it.

use super::{
    edits::Edits,
    layout::Layout,
    remark::{Remark, Weight},
};
use crate::template::{Node, Place};

pub(super) struct Draft<'t> {
    pub(super) layout: Layout<'t>,
    pub(super) edits: Edits,
    pub(super) remarks: Vec<Remark>,
}

impl<'t> Draft<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            layout: Layout::of(text),
            edits: Edits::default(),
            remarks: Vec::new(),
        }
    }

    /// Says what one should know.
    pub(super) fn note(&mut self, at: Place, text: impl Into<String>) {
        self.remark(Weight::Note, at, text.into());
    }

    /// Says what is left to do.
    pub(super) fn warn(&mut self, at: Place, text: impl Into<String>) {
        self.remark(Weight::Warning, at, text.into());
    }

    fn remark(&mut self, weight: Weight, at: Place, text: String) {
        self.remarks.push(Remark { weight, at, text });
    }

    /// Replaces the word that a scalar is. An alias is renamed where its anchor is.
    pub(super) fn rename(&mut self, scalar: &Node, from: &str, to: &str) {
        if self.layout.is_alias(scalar) {
            return;
        }
        let start = self.layout.content(scalar);
        let written = &self.layout.text[start..self.layout.end(scalar)];
        match written.find(from) {
            Some(at) => self.edits.replace(start + at..start + at + from.len(), to),
            None => self.warn(
                scalar.start,
                format!("`{from}` is written with escapes here: write `{to}`"),
            ),
        }
    }

    /// The new text, and the remarks in the order of their places.
    pub(super) fn done(mut self) -> (String, Vec<Remark>) {
        self.remarks.sort_by_key(|remark| remark.at);
        self.remarks.dedup();
        (self.edits.applied_to(self.layout.text), self.remarks)
    }
}
