//! Moving a grown installation into another database: all of it, or nothing.

use super::{Error, Result};
use crate::store::{Store, rows};

/// Rows moved at a time. They may be long: a request has up to a MiB.
const BATCH: i64 = 100;

/// How many rows of a table were moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The table.
    pub table: &'static str,
    /// Rows.
    pub rows: i64,
}

/// Copies every row of every table from one database into another, which must be empty and of the same schema, as they were at
/// one moment; counts them on both sides. In one transaction: a failure leaves the target as it was.
pub async fn copy(from: &Store, to: &Store) -> Result<Vec<Moved>> {
    for name in rows::tables() {
        if rows::count(to, name).await? > 0 {
            return Err(Error::Conflict(
                "The target holds something already: it must be empty, as `hitl migrate` makes it and no server has used it",
            ));
        }
    }
    let (mut source, mut target) = (from.begin(), to.begin());
    rows::stand_still(&mut source).await?;
    let mut moved = Vec::new();
    for name in rows::tables() {
        let (theirs, ours) = (rows::table(from, name).await?, rows::table(to, name).await?);
        if !theirs.is_like(&ours) {
            return Err(Error::Conflict("A table has other columns there: bring both up to date with `hitl migrate`"));
        }
        let mut batch = rows::after(&mut source, &theirs, None, BATCH).await?;
        while let Some(last) = batch.last().cloned() {
            rows::insert(&mut target, &ours, batch).await?;
            batch = rows::after(&mut source, &theirs, Some(&last), BATCH).await?;
        }
        let count = rows::count(&mut source, name).await?;
        if rows::count(&mut target, name).await? != count {
            return Err(Error::Conflict("Not every row arrived, so nothing was copied"));
        }
        moved.push(Moved { table: name, rows: count });
    }
    let last = rows::last_number(&mut source).await?;
    rows::go_on_after(&mut target, last).await?;
    target.commit().await?;
    Ok(moved)
}
