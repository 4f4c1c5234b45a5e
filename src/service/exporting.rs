//! Giving out all that an account owns, a page at a time, as it was at one moment.

use super::Result;
use crate::{
    app::App,
    domain::{
        Account,
        export_files::Counts,
        exports::{KINDS, Kind},
        records::Record,
    },
    store::{
        exports::{self, Place},
        snapshots::Snapshot,
    },
};

/// Things a page: however many there are, no more are in memory.
const PAGE: i64 = 200;

/// What is being given out.
pub struct Export {
    account: Account,
    snapshot: Snapshot,
    /// What comes next, and where the page before ended.
    kinds: std::slice::Iter<'static, &'static Kind>,
    under_way: Option<(&'static Kind, Option<Place>)>,
    counts: Counts,
}

/// Begins to give out what is an account's now.
pub async fn begin(app: &App, account: Account) -> Result<Export> {
    let snapshot = app.store.snapshot().await?;
    Ok(Export { account, snapshot, kinds: KINDS.iter(), under_way: None, counts: Counts::new() })
}

impl Export {
    /// The next page; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>> {
        loop {
            let (kind, after) = match self.under_way.take() {
                Some(under_way) => under_way,
                None => match self.kinds.next() {
                    Some(kind) => (*kind, None),
                    None => return Ok(None),
                },
            };
            let (page, end) = exports::page(&mut self.snapshot, kind, self.account.id, after, PAGE).await?;
            if !page.is_empty() {
                self.under_way = Some((kind, end));
                *self.counts.entry(kind.name).or_default() += page.len() as u64;
                return Ok(Some(page));
            }
        }
    }

    /// How many things of each kind were given out.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }
}
