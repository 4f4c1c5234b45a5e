//! The documentation is run: every snippet of every page, in order, against a real server, and what it shows is what comes of it.

use crate::{
    harness::{World, on_both},
    operations::operations,
    process::in_repository,
    snippet_calls::{Calls, call, named, scopes_said, served},
    snippet_outputs::{Ids, compare},
    snippet_programs::Program,
    snippet_reader::Reader,
    snippets::{Language, blocks, page_text, pages},
};
use clap::error::ErrorKind;
use hitl_server::{
    cli::typed,
    http::{keyed, reviewed},
    settings::Settings,
};
use pulldown_cmark::{Event, Parser, Tag};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Snippets that no test runs: the page, how the snippet begins, and why.
const NOT_RUN: [(&str, &str, &str); 16] = [
    (
        "README.md",
        "cargo run --release -- dev",
        "it builds, and runs until it is stopped; the tests of the command line start it",
    ),
    ("README.md", "scripts/test", "it is what runs this test"),
    ("README.md", "cargo build --release", "it builds, and serves a database of the reader's"),
    (
        "docs/quick-start.md",
        "cargo install",
        "it builds, and runs until it is stopped; the page goes on against such a server",
    ),
    ("docs/clients.md", "n8n import", "it needs n8n"),
    ("docs/operations.md", "sudo -u postgres createuser", "it changes a Postgres server of the reader's"),
    ("docs/operations.md", "sudo useradd", "it changes the machine: accounts, /usr/local and systemd"),
    ("docs/operations.md", "scripts/release", "it builds what is released, for a quarter of an hour"),
    ("docs/operations.md", "docker compose up", "it needs Docker"),
    ("docs/operations.md", "docker build", "it needs Docker"),
    ("docs/operations.md", "docker exec", "it needs Docker"),
    ("docs/operations.md", "docker stop", "it needs Docker"),
    ("docs/operations.md", "docker compose", "it needs Docker"),
    ("docs/operations.md", "pg_dump", "it wants a database, and the tests' is a part of one"),
    ("docs/operations.md", "pg_restore", "it replaces a database that a server works with"),
    ("docs/operations.md", "sudo systemctl stop", "it needs systemd"),
];

/// The words beside a fence's language, but for `file=`: what is only for one engine is run there.
const WORDS: [&str; 4] = ["no-run", "refused", "sqlite", "postgres"];

/// Runs a page from top to bottom; what is wrong with it is told all at once, as far as it could be run. What it names of the API's calls
/// its snippets must make, in each language.
async fn run_page(world: &World, page: &str) {
    let (mut blocks, reader) = (blocks(page), Reader::of(world, page).await);
    let other = if world.app.store.engine() == "sqlite" { "postgres" } else { "sqlite" };
    blocks.retain(|block| !block.has(other));
    let run: Vec<_> = blocks.iter().enumerate().filter_map(|(number, it)| Some((number, it, it.program()?))).collect();
    let mut programs = BTreeMap::new();
    for (_, _, language) in &run {
        let of_it = run.iter().filter(|(.., its)| its == language);
        let snippets: Vec<_> =
            of_it.map(|(number, it, _)| (*number, reader.as_run(&it.text), it.has("refused"))).collect();
        let start = || Program::start(*language, &snippets, reader.folder(), reader.command(*language));
        programs.entry(*language).or_insert_with(start);
    }
    let (mut wrong, mut ids, mut calls, named) = (Vec::new(), Ids::default(), Calls::default(), named(page));
    for (number, block, language) in run {
        let printed = match programs.get_mut(&language).expect("it was started").turn(number).await {
            Ok(printed) => reader.as_shown(&printed),
            Err(why) => {
                wrong.push(format!("{} does not end well:\n{}\n{why}", block.place, block.text));
                break;
            }
        };
        if !named.is_empty() {
            calls.made_by(language, block.is_shown, reader.server()).await;
        }
        let empty = reader.empty_variables();
        if !empty.is_empty() {
            wrong.push(format!("{} leaves {empty:?} empty:\n{}", block.place, block.text));
            break;
        }
        let Some(shown) = blocks.get(number + 1).filter(|next| next.is_output()) else { continue };
        if let Err(why) = compare(&mut ids, &shown.text, &printed, shown.language == "json") {
            wrong.push(format!("{}: {why}; this was printed:\n{printed}", shown.place));
        }
    }
    drop(programs);
    reader.leave().await;
    if wrong.is_empty() {
        wrong.extend(calls.missing(&named));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

macro_rules! each_page_is_run {
    ($($name:ident: $page:literal,)+) => {
        /// The pages that are run.
        const RUN: &[&str] = &[$($page),+];
        on_both! { $(async fn $name(world: World) { run_page(&world, $page).await; })+ }
    };
}

each_page_is_run! {
    the_readme_is_run: "README.md",
    the_page_on_waiting_is_run: "docs/waiting.md",
    the_page_on_webhooks_is_run: "docs/webhooks.md",
    the_quick_start_is_run: "docs/quick-start.md",
    the_guide_is_run: "docs/api.md",
    the_guide_to_loops_is_run: "docs/api-loops.md",
    the_guide_to_requests_is_run: "docs/api-requests.md",
    the_guide_to_forms_is_run: "docs/api-forms.md",
    the_guide_to_answers_is_run: "docs/api-answers.md",
    the_guide_to_webhooks_is_run: "docs/api-webhooks.md",
    the_guide_to_reviewing_is_run: "docs/api-reviewer.md",
    the_page_on_clients_is_run: "docs/clients.md",
    the_page_on_security_is_run: "docs/security.md",
    the_page_on_operations_is_run: "docs/operations.md",
}

#[test]
fn every_page_with_a_snippet_is_run() {
    for page in pages() {
        let runs = blocks(&page).iter().any(|block| block.program().is_some());
        assert_eq!(runs, RUN.contains(&page.as_str()), "{page}");
    }
}

#[test]
fn what_is_not_run_has_a_reason() {
    let mut found = Vec::new();
    for page in pages() {
        found.extend(blocks(&page).into_iter().filter(|it| it.has("no-run")).map(|it| (page.clone(), it)));
    }
    for (page, block) in &found {
        let known = NOT_RUN.iter().any(|(of, beginning, _)| of == page && block.text.starts_with(beginning));
        assert!(known, "{} is not run, without a reason", block.place);
    }
    for (page, beginning, reason) in NOT_RUN {
        let is_there = found.iter().any(|(of, block)| of == page && block.text.starts_with(beginning));
        assert!(is_there && !reason.is_empty(), "{page}: {beginning} is no longer there");
    }
}

/// The commands of ours that a page names in its text, or in what is not run.
fn commands(page: &str) -> Vec<String> {
    let text = page_text(page);
    let named = Parser::new(&text).filter_map(|event| match event {
        Event::Code(code) => code.strip_prefix("hitl ").map(str::to_owned),
        _ => None,
    });
    let shown: Vec<_> = blocks(page).into_iter().filter(|block| block.has("no-run")).collect();
    let lines = shown.iter().flat_map(|block| block.text.lines()).map(|line| line.split(" #").next().unwrap_or(line));
    let shown = lines.filter_map(|line| line.rsplit_once("hitl ").map(|(_, arguments)| arguments.to_owned()));
    // An account, an image or a database may be called as the program is.
    let is_word = |first: &str| {
        let (head, rest) = first.split_at(1);
        first == "--config"
            || first != "hitl"
                && head.chars().all(|it| it.is_ascii_lowercase())
                && rest.chars().all(|it| it.is_ascii_lowercase() || it == '-')
    };
    let ours = |it: &String| it.split_whitespace().next().is_some_and(is_word);
    named.chain(shown).filter(ours).collect()
}

/// What is wrong with a command, apart from what is left out in it or stands for something.
fn misspelt(command: &str) -> Option<String> {
    let words = command.split_whitespace().filter(|word| *word != "…").map(|word| word.trim_matches('"'));
    let error = typed().try_get_matches_from(std::iter::once("hitl").chain(words)).err()?;
    let unknown = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
    unknown.then(|| error.to_string())
}

#[test]
fn commands_that_are_named_and_not_run_exist() {
    assert!(misspelt("keys create --limit 5000 …").is_none() && misspelt("keys rotate ID --overlap 0").is_none());
    assert!(misspelt("keys make").is_some() && misspelt("keys create --limits 5000").is_some());
    let mut found = 0;
    for page in pages() {
        for command in commands(&page) {
            found += 1;
            assert_eq!(misspelt(&command), None, "{page}: hitl {command}");
        }
    }
    assert!(found > 50, "{found} were found");
}

#[test]
fn every_fence_says_what_it_holds_and_json_is_what_something_printed() {
    for page in pages() {
        let blocks = blocks(&page);
        for (number, block) in blocks.iter().enumerate() {
            let known = Language::named(&block.language).is_some()
                || ["json", "text", "toml", "yaml", "ini", "caddyfile", "nginx"].contains(&block.language.as_str());
            assert!(known, "{} is in no language", block.place);
            let words = block.words.iter().all(|it| WORDS.contains(&it.as_str()) || it.starts_with("file="));
            assert!(words, "{}: {:?}", block.place, block.words);
            if block.language == "json" && block.is_output() {
                let before = number.checked_sub(1).map(|before| &blocks[before]);
                assert!(before.is_some_and(|it| it.program().is_some()), "{}: nothing printed it", block.place);
            }
        }
    }
}

/// Where a call is named it is made, in each language, or the page fails.
#[test]
fn every_call_of_the_api_is_named_by_a_page_of_the_guide_that_is_run() {
    let guide: BTreeSet<_> = RUN.iter().flat_map(|page| named(page)).collect();
    for call in served(keyed()).union(&served(reviewed())) {
        assert!(guide.contains(call), "`{call}` is in no page of docs/api*.md");
    }
}

#[test]
fn calls_want_the_scope_that_the_guide_says() {
    let said: Vec<_> = RUN.iter().flat_map(|page| scopes_said(page)).collect();
    for operation in operations().filter(|it| !it.scope.is_empty()) {
        let call = call(operation.method, operation.path);
        let of_it: BTreeSet<_> = said.iter().filter(|(it, _)| *it == call).map(|(_, scope)| scope.as_str()).collect();
        assert_eq!(of_it, BTreeSet::from([operation.scope]), "{call}");
    }
}

#[test]
fn links_lead_somewhere_and_the_readme_leads_everywhere() {
    for page in pages() {
        let text = page_text(&page);
        for event in Parser::new(&text) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else { continue };
            let (target, anchor) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
            if target.contains("://") {
                continue;
            }
            let from = in_repository(&page);
            let file = if target.is_empty() { from.clone() } else { from.with_file_name(target) };
            assert!(file.exists(), "{page} links to {dest_url}");
            if !anchor.is_empty() {
                let headings = fs::read_to_string(&file).unwrap();
                let mut anchors = headings.lines().filter(|line| line.starts_with('#')).map(slug);
                assert!(anchors.any(|it| it == anchor), "{page} links to {dest_url}");
            }
        }
    }
    let readme = page_text("README.md");
    for page in pages().iter().filter(|page| page.starts_with("docs/")) {
        assert!(readme.contains(&format!("({page})")), "the README does not link to {page}");
    }
}

#[test]
fn settings_that_pages_show_exist() {
    let known = Settings::default().to_json();
    for block in pages().iter().flat_map(|page| blocks(page)).filter(|it| it.language == "toml") {
        for (name, value) in
            block.text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{}: {error}", block.place))
        {
            let keys = match &value {
                toml::Value::Table(section) => section.keys().map(|key| format!("{name}.{key}")).collect(),
                _ => vec![name],
            };
            for key in keys {
                assert!(known.get(&key).is_some(), "{} shows {key}, which is no setting", block.place);
            }
        }
    }
}

#[test]
fn files_that_pages_name_are_there() {
    for page in pages() {
        for word in page_text(&page).split('`').skip(1).step_by(2) {
            let named = ["src/", "tests/", "migrations/", "config/", "deploy/", "benches/"]
                .iter()
                .any(|it| word.starts_with(it));
            assert!(!named || in_repository(word).exists(), "{page} names {word}");
        }
    }
}

/// How a heading is linked to.
fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn files_of_the_pages_that_are_json_are_json() {
    for block in pages().iter().flat_map(|page| blocks(page)).filter(|it| it.language == "json" && it.file().is_some())
    {
        serde_json::from_str::<Value>(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
    }
}
