//! `hitl serve`: opens what the server needs, and hands over to it.

use super::place::{Place, open_prepared};
use crate::{
    app::App,
    serve,
    settings::Settings,
    telemetry,
    traces::{self, Exporting},
};
use anyhow::Context;
use tokio::net::TcpListener;

const EXAMPLES: &str = "\
Examples:
  hitl serve                             an SQLite file in the data folder, 127.0.0.1:8080
  hitl serve --listen 127.0.0.1:0        any free port: the log says which
  DATABASE_URL=postgres://hitl@db/hitl hitl serve --public-url https://hitl.example.com

The first start without accounts prints a link to make the owner's account with.
SIGTERM or SIGINT stops it: requests under way are finished first.";

/// Runs the server.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Where to listen; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The address people and programs reach the server by, such as `https://hitl.example.com`
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<()> {
        let flags = [("listen", self.listen), ("public_url", self.public_url)];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let (app, listener, exporting) = open(place.settings(flags.collect())?).await?;
        run(app, listener, exporting).await
    }
}

/// Everything that the server needs: logs and spans, the database up to date, and a place to listen.
pub(super) async fn open(settings: Settings) -> anyhow::Result<(App, TcpListener, Option<Exporting>)> {
    let exporting = traces::start(&settings.traces)?;
    telemetry::start(&settings.log, exporting.as_ref())?;
    let store = open_prepared(&settings, settings.postgres.connections).await?;
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {} (another address: --listen; any free port: port 0)", settings.listen)
    })?;
    let base_url = settings.base_url(listener.local_addr()?);
    Ok((App::new(store, settings, &base_url), listener, exporting))
}

/// Serves until the process is told to stop.
pub(super) async fn run(app: App, listener: TcpListener, exporting: Option<Exporting>) -> anyhow::Result<()> {
    let store = app.store.clone();
    let served = serve::run(app, listener).await;
    store.close().await;
    if let Some(exporting) = exporting {
        exporting.end().await;
    }
    served
}
