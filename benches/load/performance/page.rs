//! The page that the tables stand on. Its prose is written by hand and stays; what lies between two markers is replaced.

use anyhow::{Context, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// A page with both markers.
pub(super) struct Page {
    path: PathBuf,
    before: String,
    after: String,
}

impl Page {
    /// Reads it: it is known before hours of measuring that there is a place for what comes of it.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.with_context(|| format!("{} has no {BEGIN} … {END}", path.display()))?;
        ensure!(!after.contains(BEGIN), "{} has the markers twice", path.display());
        Ok(Self { path: path.to_owned(), before: before.to_owned(), after: after.to_owned() })
    }

    /// Puts that between the markers.
    pub(super) fn write(&self, tables: &str) -> anyhow::Result<()> {
        let Self { path, before, after } = self;
        fs::write(path, format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim()))?;
        Ok(())
    }
}
