//! Whom notifications reach, and by which ways.

use super::{Db, Result, Tx, accounts, columns::row};
use crate::domain::{
    Account, Email, Id, Json, Loop, Request, Secret, Status, Timestamp,
    webhooks::{DeliveryKind, DeliveryStatus},
};

/// A person by one of their devices; without any, once with none.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The person.
    pub account_id: Id<Account>,
    /// The person's address.
    pub email: Email,
    /// What they want to be notified of.
    pub preferences: Option<Json>,
    /// Their ntfy topic.
    pub ntfy_url: Option<Secret>,
    /// Whether they want mail.
    pub mail: bool,
    /// Whether they want to be notified of this loop.
    pub notified: bool,
    /// The endpoint of a device.
    pub endpoint: Option<String>,
}
row!(Reached { account_id, email, preferences, ntfy_url, mail, notified, endpoint });

/// How these people are reached about a loop, by all their ways; who is not in it any more, or may not act, is left out.
pub async fn reached(db: impl Db<'_>, id: Id<Loop>, people: &[Id<Account>]) -> Result<Vec<Reached>> {
    db.sql(
        "select a.id as account_id, a.email, s.preferences, s.ntfy_url, coalesce(s.mail, false) as mail, m.notified, d.endpoint
         from members m join accounts a on a.id = m.account_id
         left join notification_preferences s on s.account_id = a.id
         left join devices d on d.account_id = a.id
         where m.loop_id = $1 and m.status = 'active' and a.status = 'active'",
    )
    .bind(id)
    .and_in("a.id", people)
    .push("order by a.id, d.created_at, d.id")
    .all()
    .await
}

/// How somebody is reached at all.
pub async fn reached_at_all(db: impl Db<'_>, account: Id<Account>) -> Result<Vec<Reached>> {
    db.sql(
        "select a.id as account_id, a.email, s.preferences, s.ntfy_url, coalesce(s.mail, false) as mail, true as notified, d.endpoint
         from accounts a
         left join notification_preferences s on s.account_id = a.id
         left join devices d on d.account_id = a.id
         where a.id = $1 order by d.created_at, d.id",
    )
    .bind(account)
    .all()
    .await
}

/// How somebody wants to be notified.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Of what, and when.
    pub preferences: Json,
    /// An ntfy topic.
    pub ntfy_url: Option<Secret>,
    /// Whether by mail.
    pub mail: bool,
}
row!(Chosen { preferences, ntfy_url, mail });

/// Finds somebody's.
pub async fn chosen(db: impl Db<'_>, account: Id<Account>) -> Result<Option<Chosen>> {
    db.sql("select * from notification_preferences where account_id = $1").bind(account).optional().await
}

/// Keeps somebody's.
pub async fn put_chosen(tx: &mut Tx, account: Id<Account>, it: &Chosen) -> Result<()> {
    tx.sql(
        "insert into notification_preferences (account_id, preferences, ntfy_url, mail) values ($1, $2, $3, $4)
         on conflict (account_id) do update set preferences = excluded.preferences, ntfy_url = excluded.ntfy_url, mail = excluded.mail",
    )
    .bind(account)
    .bind(&it.preferences)
    .bind(&it.ntfy_url)
    .bind(it.mail)
    .run()
    .await?;
    note_reachable(tx, account).await
}

/// Keeps on the account whether there is any way to reach the person: so that asking people with none costs no look.
/// Of two who note at once the second sees what the first did.
pub async fn note_reachable(tx: &mut Tx, account: Id<Account>) -> Result<()> {
    accounts::lock(&mut *tx, account).await?;
    tx.sql(
        "update accounts set reachable =
            exists (select 1 from notification_preferences s where s.account_id = $1 and (s.mail or s.ntfy_url is not null))
            or exists (select 1 from devices d where d.account_id = $1)
         where id = $1",
    )
    .bind(account)
    .run()
    .await?;
    Ok(())
}

/// Whether a person is notified of each loop that they are in.
pub async fn loops(db: impl Db<'_>, account: Id<Account>) -> Result<Vec<(Id<Loop>, String, bool)>> {
    db.sql(
        "select l.id, l.name, m.notified from members m join loops l on l.id = m.loop_id
         where m.account_id = $1 and m.status = 'active' order by l.created_at desc, l.id desc",
    )
    .bind(account)
    .all()
    .await
}

/// Switches a loop on or off; says whether the person is in it.
pub async fn set_loop(db: impl Db<'_>, account: Id<Account>, id: Id<Loop>, on: bool) -> Result<bool> {
    let touched = db
        .sql("update members set notified = $3 where account_id = $1 and loop_id = $2 and status = 'active'")
        .bind(account)
        .bind(id)
        .bind(on)
        .run()
        .await?;
    Ok(touched == 1)
}

/// What a worker asks before it notifies of a request: where it stands, and who has claimed it. `None` once it is not the
/// person's to know: it is gone, or they are not in its loop, or may not act.
pub async fn concern(
    db: impl Db<'_>,
    request: Id<Request>,
    account: Id<Account>,
) -> Result<Option<(Status, Option<Id<Account>>)>> {
    db.sql(
        "select r.status, r.claimed_by from requests r
         join members m on m.loop_id = r.loop_id and m.account_id = $2 and m.status = 'active'
         join accounts a on a.id = m.account_id and a.status = 'active'
         where r.id = $1",
    )
    .bind(request)
    .bind(account)
    .optional()
    .await
}

/// Whether a request is gone, with its loop, while somebody may still act.
pub async fn outlived(db: impl Db<'_>, request: Id<Request>, account: Id<Account>) -> Result<bool> {
    let found: Option<(i64,)> = db
        .sql(
            "select cast(1 as bigint) from accounts where id = $2 and status = 'active'
             and not exists (select 1 from requests where id = $1)",
        )
        .bind(request)
        .bind(account)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Who was told of a request, locked until the transaction ends.
pub async fn hold_recipients(tx: &mut Tx, id: Id<Request>) -> Result<Option<Json>> {
    let found: Option<(Json,)> = tx
        .sql("select broadcasted_to from requests where id = $1")
        .on_postgres("for update")
        .bind(id)
        .optional()
        .await?;
    Ok(found.map(|(recipients,)| recipients))
}

/// Notes what is known by now of who was told.
pub async fn set_recipients(tx: &mut Tx, id: Id<Request>, recipients: &Json) -> Result<()> {
    tx.changes(id);
    tx.sql("update requests set broadcasted_to = $2 where id = $1").bind(id).bind(recipients).run().await?;
    Ok(())
}

/// By which way a test went, where it stands, why it failed, and since when.
pub type Test = (DeliveryKind, DeliveryStatus, Option<String>, Timestamp);

/// The tests that somebody sent to themselves since then, the latest first.
pub async fn tests(db: impl Db<'_>, account: Id<Account>, since: Timestamp) -> Result<Vec<Test>> {
    db.sql(
        "select kind, status, error, created_at from deliveries
         where event = 'notification.test' and account_id = $1 and created_at > $2 order by created_at desc, id limit 20",
    )
    .bind(account)
    .bind(since)
    .all()
    .await
}

/// The invitations that went to somebody by mail since then, the latest first.
pub async fn letters(db: impl Db<'_>, account: Id<Account>, since: Timestamp) -> Result<Vec<Test>> {
    db.sql(
        "select kind, status, error, created_at from deliveries
         where event in ('account.invited', 'loop.member_invited') and account_id = $1 and created_at > $2
         order by created_at desc, id limit 20",
    )
    .bind(account)
    .bind(since)
    .all()
    .await
}

/// Notes of whom all ways have gone meanwhile, with the sessions that their devices were added in.
pub async fn sweep(db: impl Db<'_>) -> Result<()> {
    db.sql(
        "update accounts set reachable = false where reachable
            and not exists (select 1 from devices d where d.account_id = accounts.id)
            and not exists (select 1 from notification_preferences s where s.account_id = accounts.id and (s.mail or s.ntfy_url is not null))",
    )
    .run()
    .await?;
    Ok(())
}
