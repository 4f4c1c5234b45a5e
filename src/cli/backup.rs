//! `hitl backup`: a copy of an SQLite database while a server works with it.

use super::{
    failure::Failure,
    output::Format,
    place::{Place, connect, missing, sqlite_file},
};
use anyhow::{Context, bail};
use serde_json::json;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf, absolute},
};
use tempfile::NamedTempFile;

const EXAMPLES: &str = "\
Examples:
  hitl backup /backup/hitl.db
  hitl backup --force /backup/hitl-$(date +%A).db      one for each day of the week

The copy is a database like the one it was made of, with all that was acknowledged before it began.
A server may be running. Nobody but its owner may read the file: it holds what the database holds.";

/// Copies the database.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Backup {
    /// Where the copy goes
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    format: Format,
}

impl Backup {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<()> {
        let settings = place.settings(vec![])?;
        let Some(database) = sqlite_file(&settings) else {
            let what = "Postgres makes its own copies: pg_dump --format=custom --file=hitl.dump \"$DATABASE_URL\"";
            return Err(Failure::Refused(what.to_owned()).into());
        };
        if !database.exists() {
            return Err(missing(&settings).into());
        }
        let file = absolute(&self.file)?;
        self.check_place(&database, &file)?;

        let folder = file.parent().context("the file has no folder")?;
        let copy = NamedTempFile::with_prefix_in(".hitl-backup-", folder) // nobody else may read it
            .with_context(|| format!("{} cannot be written to", folder.display()))?;
        let store = connect(&settings).await?;
        let made = store.back_up(copy.path()).await;
        store.close().await;
        let faults = made.with_context(|| format!("the copy {} cannot be made", copy.path().display()))?;
        if !faults.is_empty() {
            bail!("the copy is not sound, nor can the database be: {}", faults.join("; "));
        }
        let bytes = self.put_in_place(copy, &file)?;
        let url = settings.database_url_for_display();
        let json = json!({"database": url, "file": file.display().to_string(), "bytes": bytes});
        self.format.print(&json, || format!("Copied {url} to {}: {bytes} bytes, checked.", file.display()))
    }

    fn check_place(&self, database: &Path, file: &Path) -> Result<(), Failure> {
        let is_the_database =
            fs::canonicalize(database).is_ok_and(|it| fs::canonicalize(file).is_ok_and(|to| to == it));
        if is_the_database {
            return Err(Failure::Usage(format!("{} is the database itself", file.display())));
        }
        if file.is_dir() {
            return Err(Failure::Usage(format!("{} is a folder: name a file in it", file.display())));
        }
        if file.exists() && !self.force {
            return Err(Failure::Refused(format!("{} is there already: --force replaces it", file.display())));
        }
        // What is left of another database would be taken for this one's.
        for end in ["-wal", "-journal"] {
            let mut beside = OsString::from(file);
            beside.push(end);
            if Path::new(&beside).exists() {
                let beside = Path::new(&beside).display();
                return Err(Failure::Refused(format!("{beside} is there: a program works with {}", file.display())));
            }
        }
        Ok(())
    }

    /// On disk under its name, or not there at all; its size.
    fn put_in_place(&self, copy: NamedTempFile, file: &Path) -> anyhow::Result<u64> {
        copy.as_file().sync_all()?;
        let bytes = copy.as_file().metadata()?.len();
        let put = if self.force { copy.persist(file) } else { copy.persist_noclobber(file) };
        put.map_err(|failed| failed.error).with_context(|| format!("{} cannot be written", file.display()))?;
        #[cfg(unix)]
        if let Some(folder) = file.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(bytes)
    }
}
