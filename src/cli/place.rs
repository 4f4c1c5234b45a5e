//! Which settings and which database a command works on. Does not know what it does there.

use super::failure::Failure;
use crate::{
    app::App,
    settings::{Faults, Settings, Sources},
    store::Store,
};
use anyhow::Context;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The flags that say where everything is; every command takes them.
#[derive(clap::Args)]
#[command(next_help_heading = "Where")]
pub(super) struct Place {
    /// The database, `sqlite:FILE` or `postgres://USER@HOST/NAME`; by default the file hitl.db in the data folder
    #[arg(long, global = true, value_name = "URL")]
    pub(super) database_url: Option<String>,
    /// A file of settings
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the SQLite file; by default the platform's folder for a user's data
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) data_dir: Option<String>,
}

/// What a command needs the database to be.
#[derive(Clone, Copy)]
pub(super) enum Opening {
    /// There, with the schema of this program.
    AsItIs,
    /// Made if it is not there, and brought up to date.
    Prepared,
}

impl Place {
    /// The settings, under the flags that a command has beside these.
    pub(super) fn settings(&self, more: Vec<(&'static str, String)>) -> Result<Settings, Faults> {
        let ours = [("database_url", &self.database_url), ("data_dir", &self.data_dir)];
        let ours = ours.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        Settings::load(&Sources::of_process(self.config.clone(), ours.chain(more).collect()))
    }

    /// Opens the database, does the work, and closes it.
    pub(super) async fn with_app(
        &self,
        opening: Opening,
        work: impl AsyncFnOnce(&App) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let settings = self.settings(vec![])?;
        let store = match opening {
            Opening::AsItIs => open_as_it_is(&settings).await?,
            Opening::Prepared => open_prepared(&settings, few(&settings)).await?,
        };
        let base_url = settings.base_url(settings.listen);
        let app = App::new(store, settings, &base_url);
        let done = work(&app).await;
        app.store.close().await;
        done
    }
}

/// The failure of there being no database.
pub(super) fn missing(settings: &Settings) -> Failure {
    let url = settings.database_url_for_display();
    let hint = "name it by --database-url or --data-dir, or make it by `hitl serve` or `hitl migrate`";
    Failure::Missing(format!("there is no database at {url}: {hint}"))
}

/// Opens the database, which must be there with the schema of this program.
pub(super) async fn open_as_it_is(settings: &Settings) -> anyhow::Result<Store> {
    // Opening would make an empty database out of a slip of the pen.
    if sqlite_file(settings).is_some_and(|file| !file.exists()) {
        return Err(missing(settings).into());
    }
    let store = connect(settings).await?;
    store.check().await?;
    Ok(store)
}

/// Opens the database for so many connections to Postgres, making it if it is not there, and brings its schema up to date.
pub(super) async fn open_prepared(settings: &Settings, connections: u32) -> anyhow::Result<Store> {
    let store = connect_with(settings, connections).await?;
    store.migrate().await?;
    Ok(store)
}

/// Opens the database as it is for a command; an SQLite file that is not there is made, with its folder.
pub(super) async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    connect_with(settings, few(settings)).await
}

/// Connections to Postgres for a command, which does one thing after another: the others are the servers'.
fn few(settings: &Settings) -> u32 {
    const FEW: u32 = 4;
    settings.postgres.connections.min(FEW)
}

async fn connect_with(settings: &Settings, connections: u32) -> anyhow::Result<Store> {
    if let Some(folder) = sqlite_file(settings).as_deref().and_then(Path::parent) {
        make_folder(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let opened = Store::connect(settings.database_url(), connections).await;
    opened.with_context(|| format!("the database {} cannot be opened", settings.database_url_for_display()))
}

/// The file of an SQLite database; `None` for Postgres.
pub(super) fn sqlite_file(settings: &Settings) -> Option<PathBuf> {
    Store::sqlite_file(settings.database_url())
}

/// Makes a folder that nobody else may look into, unless it is there.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
