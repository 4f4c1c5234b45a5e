//! JSON of programs' own as a tree to read: names and values, one below the other, nested as they are nested.

use askama::Template;
use serde_json::Value;

/// A value and all that is in it.
#[derive(Template)]
#[template(path = "tree.html")]
pub struct Tree<'a> {
    value: &'a Value,
}

impl<'a> Tree<'a> {
    /// The tree of a value.
    pub const fn of(value: &'a Value) -> Self {
        Self { value }
    }

    /// As HTML.
    pub fn html(&self) -> String {
        self.render().expect("our templates render")
    }
}

/// `customer_name` as people write it.
fn name(key: &str) -> String {
    let words = key.replace('_', " ");
    if words.trim().is_empty() { key.to_owned() } else { words }
}

/// Whether a text is an address to go to.
fn is_link(text: &str) -> bool {
    let scheme = ["https://", "http://"].into_iter().any(|scheme| text.starts_with(scheme));
    scheme && !text.contains(|c: char| c.is_whitespace() || c.is_control()) && url::Url::parse(text).is_ok()
}

/// Whether a value has values within, which are set apart.
fn is_nested(value: &Value) -> bool {
    value.as_object().is_some_and(|it| !it.is_empty()) || value.as_array().is_some_and(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn html(value: &Value) -> String {
        Tree::of(value).html().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_kind_of_value_is_readable() {
        let page = html(
            &json!({"customer_name": "Ann <b>", "_": 1.50, "paid": false, "nothing": null, "empty": [], "none": {}, "blank": ""}),
        );
        for part in ["<dt>customer name</dt>", "Ann &#60;b&#62;", "<dt>_</dt>", "1.5", "no", "none", "empty"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let nested = html(&json!({"order": {"lines": [{"sku": "A-1"}, "two"]}}));
        assert!(
            nested.contains("<dt>lines</dt>")
                && nested.contains("<dt>sku</dt>")
                && nested.contains("A-1")
                && nested.contains("two"),
            "{nested}"
        );
    }

    #[test]
    fn only_addresses_are_links() {
        let page = html(
            &json!({"a": "https://example.com/?q=<\"", "b": "javascript:alert(1)", "c": "https://x y", "d": "see https://a.test"}),
        );
        assert_eq!(page.matches("<a ").count(), 1, "{page}");
        assert!(
            page.contains("href=\"https://example.com/?q=&#60;&#34;\"")
                && page.contains("rel=\"noopener noreferrer nofollow\""),
            "{page}"
        );
    }

    #[test]
    fn a_deep_tree_is_drawn() {
        let deep = (0..120).fold(json!("bottom"), |inner, _| json!({"a": inner}));
        assert!(html(&deep).contains("bottom"));
    }
}
