//! Stories that once failed, by what they show.
