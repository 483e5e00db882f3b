//! Pages: a list cut at a size, and the token that goes on after its last item.

use super::error::ApiError;

/// One page of a list.
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// Sorts items, each with its key, and cuts a page of at most `size` of them, beginning after `token`.
///
/// A token holds the key of the last item given, so that pages hold still while items come and go between them.
pub fn cut<T>(
    mut all: Vec<(String, T)>,
    order: Order,
    token: Option<&str>,
    size: usize,
    invalid: &ApiError,
) -> Result<Page<T>, ApiError> {
    all.sort_by(|(one, _), (other, _)| match order {
        Order::Ascending => one.cmp(other),
        Order::Descending => other.cmp(one),
    });
    if let Some(token) = token {
        let last = token.strip_prefix("after-").ok_or_else(|| invalid.clone())?;
        all.retain(|(key, _)| match order {
            Order::Ascending => key.as_str() > last,
            Order::Descending => key.as_str() < last,
        });
    }
    let rest = all.split_off(size.max(1).min(all.len()));
    let next = (!rest.is_empty())
        .then(|| all.last().map(|(key, _)| format!("after-{key}")))
        .flatten();
    let items = all.into_iter().map(|(_, item)| item).collect();
    Ok(Page { items, next })
}
