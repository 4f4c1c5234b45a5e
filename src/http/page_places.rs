//! Links between the pages of a list. What it is narrowed by stays.

use crate::domain::request_filters::{Page, Query};
use url::form_urlencoded::Serializer;

/// A path with those of the query's values that are to stay, and one more.
pub(super) fn link(path: &str, query: &Query, kept: &[&str], more: Option<(&str, &str)>) -> String {
    let kept = kept.iter().filter_map(|name| Some((*name, query.value(name)?)));
    let link = Serializer::new(String::new()).extend_pairs(kept.chain(more)).finish();
    if link.is_empty() { path.to_owned() } else { format!("{path}?{link}") }
}

/// Of a list with so many entries in all: links to the pages before and after this one.
pub(super) fn around(page: Page, total: i64, link: impl Fn(i64) -> String) -> (Option<String>, Option<String>) {
    let next = page.offset.saturating_add(page.limit);
    let earlier = (page.offset > 0).then(|| link((page.offset - page.limit).max(0)));
    (earlier, (next < total).then(|| link(next)))
}
