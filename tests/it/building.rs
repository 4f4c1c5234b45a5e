//! What the build script finds out for `hitl --version`.

use crate::process::in_repository;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn git(folder: &Path, arguments: &[&str]) {
    run(Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments));
}

/// The build script, compiled into that folder.
fn script(folder: &Path) -> PathBuf {
    let program = folder.join("build-script");
    run(Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&program).arg(in_repository("build.rs")));
    program
}

/// What it says of the commit in that folder when a release is built there.
fn commit(script: &Path, folder: &Path) -> Option<String> {
    let mut building = Command::new(script);
    building.current_dir(folder).env("CARGO_MANIFEST_DIR", folder).env("PROFILE", "release");
    let said = String::from_utf8(run(&mut building).stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=BUILT_FROM=")).map(str::to_owned)
}

#[test]
fn a_release_says_its_commit_and_whether_its_sources_were_changed_since() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (place, script) = (folder.path(), script(other.path()));
    fs::create_dir(place.join("src")).unwrap();
    fs::write(place.join("src/main.rs"), "fn main() {}").unwrap();
    assert_eq!(commit(&script, place), None, "from an archive, without git");

    git(place, &["init", "-q"]);
    git(place, &["add", "."]);
    git(place, &["commit", "-q", "-m", "one"]);
    let clean = commit(&script, place).unwrap();
    assert!(clean.len() == 12 && clean.chars().all(|c| c.is_ascii_hexdigit()), "{clean}");
    fs::write(place.join("notes"), "of what no program is made").unwrap();
    assert_eq!(commit(&script, place).as_ref(), Some(&clean));

    fs::write(place.join("src/new.rs"), "").unwrap();
    assert_eq!(commit(&script, place), Some(format!("{clean}, changed")));
    assert_eq!(commit(&script, &place.join("src")), None, "inside another repository");
}
