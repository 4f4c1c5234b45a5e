//! The secret that an account's callbacks are signed with, and the one before it.

use super::{Db, Result, columns::row};
use crate::domain::{Account, Id, Secret, Timestamp, signatures::Signing};

row!(Signing, |row| Self {
    secret: row.try_get("signing_secret")?,
    previous: row.try_get("previous_signing_secret")?,
    previous_until: row.try_get("previous_signing_until")?,
});

/// An account's.
pub async fn find(db: impl Db<'_>, account: Id<Account>) -> Result<Option<Signing>> {
    db.sql("select signing_secret, previous_signing_secret, previous_signing_until from accounts where id = $1")
        .bind(account)
        .optional()
        .await
}

/// Puts a new one in its place; the old one is the one before it, until then.
pub async fn rotate(db: impl Db<'_>, account: Id<Account>, new: &Secret, until: Timestamp) -> Result<Option<Signing>> {
    db.sql(
        "update accounts set signing_secret = $2, previous_signing_secret = signing_secret, previous_signing_until = $3 where id = $1
         returning signing_secret, previous_signing_secret, previous_signing_until",
    )
    .bind(account)
    .bind(new)
    .bind(until)
    .optional()
    .await
}
