//! How a command fails: in one readable line on stderr, and with an exit code that scripts can use.

use crate::{service, settings::Faults};
use std::{io::Write, process::ExitCode};

/// A failure that the command line itself finds.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// What was named does not exist.
    #[error("{0}")]
    Missing(String),
    /// The state of things does not allow it.
    #[error("{0}")]
    Refused(String),
    /// Whoever read the output has heard enough, as `head` has: not worth a word.
    #[error("the output was closed")]
    OutputClosed,
}

/// Says what went wrong; returns the exit code for it.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    let code = code(error);
    if code != 0 {
        let text = described(error);
        // When stderr is closed as well, the exit code is all that is left to say.
        let _ = writeln!(std::io::stderr().lock(), "error: {text}");
    }
    ExitCode::from(code)
}

fn described(error: &anyhow::Error) -> String {
    if let Some(faults) = error.downcast_ref::<Faults>() {
        return format!("the settings are wrong:\n{faults}");
    }
    match error.downcast_ref::<service::Error>() {
        // Its text holds that of its cause.
        Some(refusal) => refusal.to_string(),
        None => format!("{error:#}"),
    }
}

/// The exit codes of `--help`.
fn code(error: &anyhow::Error) -> u8 {
    if let Some(failure) = error.downcast_ref() {
        return match failure {
            Failure::OutputClosed => 0,
            Failure::Usage(_) => 2,
            Failure::Missing(_) => 3,
            Failure::Refused(_) => 4,
        };
    }
    match error.downcast_ref() {
        Some(service::Error::Store(_)) => 1,
        Some(service::Error::Missing(_)) => 3,
        Some(_) => 4,
        None if error.is::<Faults>() => 2,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Invalid, store};
    use anyhow::Context;

    #[test]
    fn each_kind_of_failure_has_its_code() {
        let of = |error: service::Error| code(&error.into());
        assert_eq!(of(service::Error::Store(store::Error::NotFound)), 1);
        assert_eq!(of(service::Error::Missing("Loop not found")), 3);
        assert_eq!(of(service::Error::Conflict("This key was revoked")), 4);
        assert_eq!(of(Invalid::failed("name must be …").into()), 4);
        assert_eq!(code(&Faults(vec![]).into()), 2);
        assert_eq!(code(&Failure::OutputClosed.into()), 0);
        assert_eq!(code(&std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()), 1);
    }

    #[test]
    fn nothing_is_said_twice() {
        let refusal: service::Error = Invalid::failed("limit must be …").into();
        assert_eq!(described(&refusal.into()), "Validation failed: limit must be …");
        let cause = std::io::Error::other("no space");
        assert_eq!(described(&anyhow::Error::new(cause).context("cannot write")), "cannot write: no space");
    }

    #[test]
    fn what_is_said_around_a_failure_does_not_change_its_code() {
        let failed: service::Result<()> = Err(service::Error::Missing("Loop not found"));
        assert_eq!(code(&failed.context("while looking").unwrap_err()), 3);
    }
}
