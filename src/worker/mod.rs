//! What happens without a caller. Each worker is a `step` that a test can call; the loop around it is a few lines.

pub mod checkpoint;
pub mod deliver;
pub mod expire;
pub mod hear;
mod notify;
mod places;
pub mod sweep;
pub mod warn;

use crate::app::App;
use std::{future::Future, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts every worker; they end when the token is cancelled.
pub fn start(app: &App, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(deliver::run(app.clone(), stop.clone()));
    tasks.spawn(repeat(app.clone(), stop.clone(), "listening", hear::step));
    tasks.spawn(repeat(app.clone(), stop.clone(), "deadlines", expire::step));
    tasks.spawn(repeat(app.clone(), stop.clone(), "warnings", warn::step));
    tasks.spawn(repeat(app.clone(), stop.clone(), "sweeping", sweep::step));
    tasks.spawn(repeat(app.clone(), stop.clone(), "checkpoints", checkpoint::step));
}

/// How long a worker rests after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Steps, and rests as long as the work says, until told to stop. A failure is logged and tried again.
async fn repeat<F: Future<Output = anyhow::Result<Duration>> + Send>(
    app: App,
    stop: CancellationToken,
    name: &'static str,
    work: impl Fn(App) -> F + Send,
) {
    while !stop.is_cancelled() {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = work(app.clone()) => done,
        };
        let rest = done.unwrap_or_else(|error| {
            tracing::error!(worker = name, %error, "a worker failed and will try again");
            AFTER_FAILURE
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}
