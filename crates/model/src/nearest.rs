//! The nearest known name for one that is unknown.

/// The one of `known` that `unknown` was most likely meant to be, if one is near.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let nearness = |name: &str| strsim::normalized_damerau_levenshtein(&unknown.to_lowercase(), &name.to_lowercase());
    let nearest = known
        .into_iter()
        .max_by(|one, other| nearness(one).total_cmp(&nearness(other)))?;
    (nearness(nearest) >= 0.5).then_some(nearest)
}
