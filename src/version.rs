//! What this program is: its version, the commit it was built from, what it was built for and how.

use std::sync::LazyLock;

/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, where it was built from git to be released, and whether anything was changed since.
pub const COMMIT: Option<&str> = option_env!("BUILT_FROM");
/// The platform, such as `x86_64-unknown-linux-gnu`.
pub const TARGET: &str = env!("BUILT_FOR");
/// How it was built: `debug`, `release` or `dist`.
pub const PROFILE: &str = env!("BUILT_AS");

/// All of it, a line each, for whoever asks for the version.
pub fn described() -> &'static str {
    static DESCRIBED: LazyLock<String> = LazyLock::new(|| {
        let commit = COMMIT.map(|commit| format!("commit {commit}\n")).unwrap_or_default();
        format!("{VERSION}\n{commit}target {TARGET}\nprofile {PROFILE}")
    });
    &DESCRIBED
}
