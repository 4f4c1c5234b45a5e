//! A copy of an SQLite file, made while it is written to.

use super::{Engine, Error, Result, Store, sqlite};
use std::path::Path;

impl Store {
    /// Copies an SQLite database into a file that is there and empty: all that was committed before is in it, and of what is
    /// committed meanwhile nothing. Writers go on. Says what is wrong with the copy, which should be nothing.
    pub async fn back_up(&self, copy: &Path) -> Result<Vec<String>> {
        let Engine::Sqlite { readers, .. } = &self.engine else {
            return Err(Error::Schema("only an SQLite database is copied as a file".to_owned()));
        };
        let copy = copy.to_owned();
        let work = move |connection: &rusqlite::Connection| {
            let name = copy.to_str().ok_or_else(|| Error::Schema("the file's path is no text".to_owned()))?;
            connection.execute("vacuum into $1", [name])?;
            faults(&copy)
        };
        readers.with_long(work).await
    }
}

/// What is wrong with a database file.
fn faults(file: &Path) -> Result<Vec<String>> {
    let opened = sqlite::open_reader(file)?;
    let mut found: Vec<(String,)> = sqlite::rows(&opened, "pragma integrity_check", &[], usize::MAX)?;
    found.retain(|(line,)| line != "ok");
    let orphans: Vec<(String,)> = sqlite::rows(&opened, "pragma foreign_key_check", &[], usize::MAX)?;
    let orphans = orphans.into_iter().map(|(table,)| format!("a row of {table} belongs to nothing"));
    Ok(found.into_iter().map(|(line,)| line).chain(orphans).collect())
}
