//! `hitl dev`: the server on this machine alone, with somebody to sign in as and lines to paste.

use super::{credentials, failure::Failure, first_steps, output::print, place::Place, serve};
use crate::domain::targets::Targets;
use std::net::SocketAddr;

const DATA_DIR: &str = ".hitl";
const EXAMPLES: &str = "\
Examples:
  hitl dev
  hitl dev --listen 127.0.0.1:0 --data-dir /tmp/hitl

Everything is kept in the data folder, by default .hitl here: the SQLite file, and
credentials.json with the password and the API key in plain text. Delete it to begin anew.";

/// Runs the server for development.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Dev {
    /// Where to listen, on this machine only [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

impl Dev {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<()> {
        if place.database_url.is_some() {
            let what = "hitl dev keeps its database in a folder (--data-dir); use another one by hitl serve";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let folder = std::path::absolute(place.data_dir.as_deref().unwrap_or(DATA_DIR))?;
        // A DATABASE_URL or public address that is set for production is not meant here.
        let mut flags = ["database_url", "database_url_file", "public_url"].map(|key| (key, String::new())).to_vec();
        flags.push(("data_dir", folder.display().to_string()));
        flags.extend(self.listen.map(|address| ("listen", address)));
        let mut settings = place.settings(flags)?;
        // What is being developed receives its webhooks on this machine.
        settings.webhooks.targets.allowed.extend(Targets::loopback());
        only_this_machine(settings.listen)?;

        let database_url = settings.database_url().to_owned();
        let (app, listener, exporting) = serve::open(settings).await?;
        let (credentials, origin) = credentials::recall(&app, &folder).await?;
        print(&first_steps::text(&app.base_url, &folder, &database_url, &credentials, origin)?)?;
        serve::run(app, listener, exporting).await
    }
}

fn only_this_machine(listen: SocketAddr) -> Result<(), Failure> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "hitl dev listens on this machine only, such as --listen 127.0.0.1:8080, not on {listen}: \
         for others to reach it, run hitl serve"
    )))
}
