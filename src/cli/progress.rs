//! How far something is that takes long: a bar on a terminal, plain lines elsewhere. On stderr; stdout is for what came of it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{IsTerminal, Write, stderr},
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

/// Without a terminal it is said each time that so many more are done.
const LINE_EVERY: i64 = 1000;

/// How far it is.
pub(super) struct Progress {
    /// Only on a terminal.
    bar: Option<ProgressBar>,
    what: &'static str,
    said: AtomicI64,
}

impl Progress {
    /// Of those things.
    pub(super) fn of(what: &'static str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}, {per_sec}, {eta} to go");
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_message(what);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, what, said: AtomicI64::new(0) }
    }

    /// Says something in between.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| line(text)),
            None => line(text),
        }
    }

    /// So many are done, of so many.
    pub(super) fn at(&self, done: i64, total: Option<i64>) {
        let is_end = total == Some(done);
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(done).max(0).unsigned_abs());
            bar.set_position(done.max(0).unsigned_abs());
        } else if is_end || done - self.said.load(Relaxed) >= LINE_EVERY {
            self.said.store(done, Relaxed);
            let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
            line(&format!("{done}{of} {}", self.what));
        }
    }

    /// It is over.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// When stderr is closed nobody wants to know.
fn line(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}
