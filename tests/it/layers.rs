//! The layers of the house: no folder says a word that it must not know, and no file is too long.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Every line of the sources under a folder of `src`: the file below `src`, the line's number, the line.
fn lines(folder: &str) -> Vec<(String, usize, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src.join(folder));
    assert!(!files.is_empty(), "src/{folder} has no sources");
    let mut lines = Vec::new();
    for file in files {
        let name = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        lines.extend(text.lines().enumerate().map(|(number, line)| (name.clone(), number + 1, line.to_owned())));
    }
    lines
}

/// Asserts that no line under a folder, outside of the excepted files, has a word.
fn must_not_say(folder: &str, words: &[&str], except: &[&str]) {
    let lines = lines(folder).into_iter().filter(|(file, ..)| !except.iter().any(|start| file.starts_with(start)));
    let found: Vec<String> = lines
        .filter_map(|(file, number, line)| {
            let word = words.iter().find(|word| line.contains(**word))?;
            Some(format!("src/{file}:{number} says {word}: {}", line.trim()))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_domain_knows_nothing_outside_itself() {
    must_not_say(
        "domain",
        &["sqlx", "axum", "async", "await", "http::", "tokio", "store::", "service::", "crate::app"],
        &[],
    );
}

#[test]
fn the_store_knows_the_domain_alone() {
    must_not_say("store", &["axum", "crate::http", "http::", "service", "crate::app", "settings"], &[]);
}

#[test]
fn the_service_knows_no_wire() {
    must_not_say("service", &["axum", "StatusCode", "http::", "hyper"], &[]);
}

#[test]
fn only_the_store_speaks_sql() {
    must_not_say("", &["sqlx::", ".sql(", "fetch_all", "query_as"], &["store/"]);
}

#[test]
fn workers_go_through_the_services() {
    must_not_say("worker", &["axum", "crate::http", "StatusCode", ".sql("], &[]);
}

#[test]
fn statuses_are_for_the_wire_and_errors_get_theirs_in_one_place() {
    must_not_say("", &["StatusCode"], &["http/"]);
    let arms: Vec<_> = lines("http")
        .into_iter()
        .filter(|(file, _, line)| file != "http/error.rs" && line.contains("Error::") && line.contains("StatusCode::"))
        .collect();
    assert!(arms.is_empty(), "{arms:?}");
}

/// `cargo run` hands the program what the build script sets, and the program refuses settings that it does not know.
#[test]
fn what_the_build_says_is_not_taken_for_a_setting() {
    let script = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs")).unwrap();
    assert!(script.contains("cargo::rustc-env=") && !script.contains("cargo::rustc-env=HITL_"));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut lengths = std::collections::BTreeMap::new();
    for (file, number, _) in lines("") {
        lengths.insert(file, number);
    }
    lengths.retain(|_, length| *length > 400);
    assert!(lengths.is_empty(), "{lengths:?}");
}
