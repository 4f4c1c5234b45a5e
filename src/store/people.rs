//! People as the server's owners see them: accounts with what they are in, and who owns the server.

use super::{Db, Result, columns::row, requests::pattern, sql::Sql};
use crate::domain::{Account, AccountStatus, Id, Role, Timestamp, request_filters::Page};

/// An account, and what is known of it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub account: Account,
    /// When the person was last there, to some minutes.
    pub last_seen_at: Option<Timestamp>,
    /// How many loops they have joined.
    pub loops: i64,
}
row!(Person, |row| Self {
    account: super::columns::FromRow::from_row(row)?,
    last_seen_at: row.try_get("last_seen_at")?,
    loops: row.try_get("loops")?,
});

const PERSON: &str = "select a.*, (select count(*) from members m where m.account_id = a.id and m.status = 'active') as loops from accounts a";

/// Which people are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those with that in their name or address, in any case.
    pub text: Option<String>,
    /// Only these.
    pub role: Option<Role>,
    /// Only these.
    pub status: Option<AccountStatus>,
}

fn filtered<'c>(sql: Sql<'c>, wanted: &Wanted) -> Sql<'c> {
    let sql = sql.push("where true").and("a.role =", wanted.role).and("a.status =", wanted.status);
    let Some(text) = &wanted.text else { return sql };
    // SQLite makes no small letters but of ASCII: others are found as they are written.
    sql.push_bind("and (lower(a.name) like", pattern(&text.to_lowercase()))
        .push_bind("or a.name like", pattern(text))
        .push_bind("or a.email like", pattern(&text.to_lowercase()))
        .push(")")
}

/// A page of them, the newest first.
pub async fn list(db: impl Db<'_>, wanted: &Wanted, page: Page) -> Result<Vec<Person>> {
    filtered(db.sql(PERSON), wanted).push("order by a.created_at desc, a.id desc").page(page).long().all().await
}

/// How many there are, on all pages.
pub async fn count(db: impl Db<'_>, wanted: &Wanted) -> Result<i64> {
    let (count,): (i64,) = filtered(db.sql("select count(*) from accounts a"), wanted).long().one().await?;
    Ok(count)
}

/// Finds one.
pub async fn find(db: impl Db<'_>, id: Id<Account>) -> Result<Option<Person>> {
    db.sql(PERSON).push("where a.id = $1").bind(id).optional().await
}

/// The owners who may act. Whoever asks the same waits until this transaction is over.
pub async fn lock_owners(db: impl Db<'_>) -> Result<Vec<Id<Account>>> {
    let sql = db.sql("select id from accounts where role = 'owner' and status = 'active' order by id");
    let owners: Vec<(Id<Account>,)> = sql.on_postgres("for update").all().await?;
    Ok(owners.into_iter().map(|(id,)| id).collect())
}

/// Sets what an account may do on the server.
pub async fn set_role(db: impl Db<'_>, id: Id<Account>, role: Role) -> Result<()> {
    db.sql("update accounts set role = $2 where id = $1").bind(id).bind(role).run().await?;
    Ok(())
}

/// Changes an invitation that was not taken up yet; says whether it was one.
pub async fn invite_again(db: impl Db<'_>, id: Id<Account>, name: &str, role: Role) -> Result<bool> {
    let sql = db.sql("update accounts set name = $2, role = $3 where id = $1 and status = 'inactive'");
    Ok(sql.bind(id).bind(name).bind(role).run().await? == 1)
}

/// An invitation that nobody has taken up.
#[derive(Clone, Debug)]
pub struct Invited {
    /// For whom.
    pub account: Account,
    /// Until when the link to a first password works, where one does.
    pub link_until: Option<Timestamp>,
    /// To how many loops it is.
    pub loops: i64,
}
row!(Invited, |row| Self {
    account: super::columns::FromRow::from_row(row)?,
    link_until: row.try_get("link_until")?,
    loops: row.try_get("loops")?,
});

/// How many invitations are listed at most: whoever has more finds them by their status.
const MOST_INVITED: i64 = 100;

/// Those that stand, the newest first.
pub async fn invited(db: impl Db<'_>, now: Timestamp, invited_after: Timestamp) -> Result<Vec<Invited>> {
    db.sql(
        "select a.*, r.expires_at as link_until,
                (select count(*) from members m where m.account_id = a.id and m.invited_at > $2) as loops
         from accounts a left join reset_links r on r.account_id = a.id and r.expires_at > $1
         where a.status = 'inactive' and a.password_hash is null order by a.created_at desc, a.id desc limit $3",
    )
    .bind(now)
    .bind(invited_after)
    .bind(MOST_INVITED)
    .long()
    .all()
    .await
}

/// Removes an account that was only invited, with its link; says whether it was one.
pub async fn remove_invited(db: impl Db<'_>, id: Id<Account>) -> Result<bool> {
    let sql = db.sql("delete from accounts where id = $1 and status = 'inactive' and password_hash is null");
    Ok(sql.bind(id).run().await? == 1)
}
