//! What is wrong with the settings, and where it was written. Does not know the keys or their rules.

use std::{fmt, path::PathBuf};

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `config/default.toml`, compiled in.
    Default,
    /// The file named by `--config` or `HITL_CONFIG`.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, counted from 1; `None` where the file as a whole is meant.
        line: Option<usize>,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// A flag of the command line, as it is typed.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { path, line: None } => path.display().fmt(out),
            Self::File { path, line: Some(line) } => write!(out, "{} line {line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => out.write_str(name),
        }
    }
}

/// One thing that is wrong: printed as `place: what`, on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    /// Where it was written.
    pub place: Place,
    /// The key, what is wrong and what is allowed, without secrets.
    pub what: String,
}

/// Everything that is wrong with the settings, at once: printed as one line a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(out, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
