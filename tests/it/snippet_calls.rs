//! The calls that a page of the guide names, and those that its snippets make in each language: what the server counts meanwhile.

use crate::{
    process::Server,
    snippets::{Language, page_text},
};
use hitl_server::http::{keyed, reviewed, routes::Routes};
use pulldown_cmark::{Event, Parser};
use std::collections::{BTreeMap, BTreeSet};

/// What each call is shown in.
const LANGUAGES: [Language; 3] = [Language::Shell, Language::Python, Language::JavaScript];

/// Left out: it works once for a server, with the token that the first start prints. A reader's server has an owner already.
const ONCE: &str = "POST /reviewer/setup";

/// A call by its method and its path without the prefix, of which there are several: `GET /loops/{loop_id}`.
pub(crate) fn call(method: &str, path: &str) -> String {
    let bare = path.strip_prefix("/v1/api").or_else(|| path.strip_prefix("/v1")).unwrap_or(path);
    format!("{method} {bare}")
}

/// All calls that routes lead to.
pub(crate) fn served(routes: Routes) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for it in routes.operations {
        calls.extend(std::iter::once(&it.path).chain(&it.aliases).map(|path| call(it.method.as_str(), path)));
    }
    calls
}

/// What a page of the guide calls by name; nothing on other pages.
pub(crate) fn named(page: &str) -> BTreeSet<String> {
    if page.starts_with("docs/api") { named_in(&page_text(page)) } else { BTreeSet::new() }
}

fn named_in(text: &str) -> BTreeSet<String> {
    let codes = Parser::new(text).filter_map(|event| match event {
        Event::Code(code) => code.split_once(" /").map(|(method, path)| call(method, &format!("/{path}"))),
        _ => None,
    });
    codes.collect()
}

/// The calls that rows of a page's tables name, each with the scope that its row says it wants.
pub(crate) fn scopes_said(page: &str) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for row in page_text(page).lines().filter(|line| line.starts_with("| `")) {
        let Some(scope) = row.split(" | ").nth(1).filter(|cell| cell.contains(':')) else { continue };
        said.extend(named_in(row).into_iter().map(|call| (call, scope.trim_matches('`').to_owned())));
    }
    said
}

/// What the snippets of a page have called so far.
#[derive(Default)]
pub(crate) struct Calls {
    counted: BTreeMap<String, u64>,
    made: BTreeSet<(Language, String)>,
}

impl Calls {
    /// A snippet of that language has ended: it called what the server has done since the one before ended. Of what readers do not see
    /// they learn nothing.
    pub(crate) async fn made_by(&mut self, language: Language, is_shown: bool, server: &Server) {
        let counted = answered(&server.scrape().await);
        let grown = counted.iter().filter(|(call, count)| self.counted.get(*call) != Some(*count));
        if is_shown {
            self.made.extend(grown.map(|(call, _)| (language, call.clone())));
        }
        self.counted = counted;
    }

    /// The calls with a key or a session that a page names and does not make in each language. A stream is made once it begins:
    /// it is counted when its head is answered.
    pub(crate) fn missing(&self, named: &BTreeSet<String>) -> Vec<String> {
        let mut known: BTreeSet<_> = served(keyed()).into_iter().chain(served(reviewed())).collect();
        known.remove(ONCE);
        let wanted = named.intersection(&known).flat_map(|call| LANGUAGES.map(|language| (language, call.clone())));
        let missing = wanted.filter(|it| !self.made.contains(it));
        missing.map(|(language, call)| format!("`{call}` is named, and called by no snippet in {language:?}")).collect()
    }
}

/// How often each call has succeeded.
fn answered(metrics: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("hitl_http_requests_total{")) {
        let parts: Vec<_> = line.split('"').collect();
        let ["method=", method, ",route=", route, ",status=", status, count] = parts[..] else { panic!("{line}") };
        if status.starts_with('2') {
            *counts.entry(call(method, route)).or_default() += count.trim_start_matches("} ").parse::<u64>().unwrap();
        }
    }
    counts
}

#[test]
fn a_call_is_missing_in_each_language_that_does_not_make_it_and_a_refusal_is_none() {
    let text =
        "| `GET /loops`, `POST /loops` | `loops:read` | … a `GET`, `/loops`, `GET /nowhere`, `GET /v1/reviewer/me`";
    let mut named = named_in(text);
    assert_eq!(named.iter().collect::<Vec<_>>(), ["GET /loops", "GET /nowhere", "GET /reviewer/me", "POST /loops"]);
    named.insert(ONCE.to_owned());
    let series = |method, route, status| {
        format!("hitl_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} 2\n")
    };
    let metrics = ["/v1/loops", "/v1/api/loops"].map(|route| series("GET", route, "200")).concat();
    let counts = answered(&(metrics + &series("POST", "/v1/api/loops", "403") + "hitl_database_up 1\n"));
    assert_eq!(counts, BTreeMap::from([("GET /loops".to_owned(), 4)]));
    let calls = Calls { made: BTreeSet::from([(Language::Shell, "GET /loops".to_owned())]), ..Calls::default() };
    let missing = calls.missing(&named);
    assert_eq!(missing.len(), 8, "{missing:?}");
    assert!(!missing.iter().any(|it| it.contains("GET /loops") && it.contains("Shell")), "{missing:?}");
    assert!(served(reviewed()).contains(ONCE), "it is left out, and no longer there");
}
