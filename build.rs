//! What `hitl --version` says beside the version, such as `commit 2516f7802b24`, or `commit 2516f7802b24, changed` where
//! something was changed since. Without git, or outside a checkout of this repository, it says no commit.

use std::{env, fs, path::Path, process::Command};

/// What the program is made from.
const SOURCES: &[&str] =
    &[".cargo", "Cargo.lock", "Cargo.toml", "assets", "build.rs", "config", "migrations", "src", "templates"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Not named as settings are: `cargo run` hands them to the program, which refuses a `HITL_` that it does not know.
    println!("cargo::rustc-env=BUILT_FOR={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rustc-env=BUILT_AS={}", profile().unwrap_or_default());
    // Not where one develops: with each commit everything would be built anew, the tests too.
    let is_released = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if let Some(commit) = is_released.then(commit).flatten() {
        println!("cargo::rustc-env=BUILT_FROM={commit}");
    }
}

/// By its name: `PROFILE` knows only two. The folder is `…/target/PROFILE/build/PACKAGE/out`.
fn profile() -> Option<String> {
    let folder = env::var("OUT_DIR").ok()?;
    Some(Path::new(&folder).ancestors().nth(3)?.file_name()?.to_str()?.to_owned())
}

fn commit() -> Option<String> {
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    // Unpacked inside another repository it would say that one's.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(here).ok()? {
        return None;
    }
    // These change with a commit or a checkout. Cargo would build each time because of one that is not there.
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&[&["--no-optional-locks", "status", "--porcelain", "--"], SOURCES].concat());
    Some(if changes.is_some() { format!("{commit}, changed") } else { commit })
}

fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
