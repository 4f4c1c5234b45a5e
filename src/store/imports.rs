//! Taking in what another server gave out. What is here already stays as it is, so that taking in twice doubles nothing.

use super::{
    Db, Result, Tx,
    exports::{bound, table_of},
    sql::Sql,
};
use crate::{
    domain::{
        Account, Id,
        exports::{EVENT, FEEDBACK, KEY, Kind, LOOP, MEMBER, REQUEST, WEBHOOK},
        records::{Cell, Record},
    },
    wakeups::Happened,
};
use std::fmt::Write;

/// What columns beside a kind's fields hold.
pub type Beside = Vec<(&'static str, Cell)>;

/// Adds what is not here yet; says how many that were. All are of the kind of the first, with the same columns beside.
pub async fn add(tx: &mut Tx, records: &[(Record, Beside)]) -> Result<u64> {
    let Some((first, beside)) = records.first() else { return Ok(0) };
    let columns = first.kind.fields.iter().map(|field| field.name).chain(beside.iter().map(|(name, _)| *name));
    let columns = columns.collect::<Vec<_>>();
    let (mut rows, mut values) = (String::new(), Vec::new());
    for (number, (record, beside)) in records.iter().enumerate() {
        let _ = write!(rows, "{}(", if number == 0 { "" } else { ", " });
        for cell in record.cells.iter().chain(beside.iter().map(|(_, cell)| cell)) {
            values.push(bound(cell));
            let _ = write!(rows, "${}, ", values.len());
        }
        let _ = write!(rows, "{number})"); // their order
    }
    // The last, the order, is not kept.
    let (named, width) = (columns.join(", "), columns.len());
    let those = (1..=width).map(|column| format!("v.column{column}")).collect::<Vec<_>>().join(", ");
    let table = table_of(first.kind);
    let text = format!(
        "insert into {table} ({named}) select {those} from (values {rows}) as v where {} order by v.column{} {}",
        if *first.kind == EVENT { NOT_YET_THERE } else { "true" },
        width + 1,
        of_which(first.kind),
    );
    if *first.kind == EVENT && tx.store.engine() == "postgres" {
        tx.sql("select pg_advisory_xact_lock(hashtext('hitl: events are taken in'))").run().await?; // one import at a time looks
    }
    tx.note(Happened::Else);
    values.into_iter().fold(tx.written(text), Sql::bind_as_it_is).run().await
}

/// Nothing keeps an event from being there twice, but few happen in the same microsecond.
const NOT_YET_THERE: &str = "not exists (select 1 from events e where e.at = v.column2 and e.id = v.column1)";

/// What is not added, of each kind.
fn of_which(kind: &Kind) -> &'static str {
    match kind.name {
        it if it == EVENT.name => "",
        it if it == MEMBER.name => "on conflict (loop_id, account_id) do nothing",
        it if it == FEEDBACK.name => "on conflict do nothing",
        _ => "on conflict (id) do nothing",
    }
}

/// How many of these are somebody else's than that account's. What belongs to a loop or to a request is whose that is.
pub async fn of_others(tx: &mut Tx, account: Id<Account>, kind: &Kind, ids: &[String]) -> Result<i64> {
    let text = match kind.name {
        it if it == LOOP.name => "select count(*) from loops where creator_id <> $1",
        it if it == KEY.name => "select count(*) from api_keys where account_id <> $1",
        it if it == WEBHOOK.name => "select count(*) from webhooks where account_id <> $1",
        it if it == REQUEST.name => "select count(*) from requests where creator_id <> $1",
        _ => return Ok(0),
    };
    let (count,): (i64,) = tx.sql(text).bind(account).and_in("id", ids).one().await?;
    Ok(count)
}

/// How many requests an account has.
pub async fn requests_of(db: impl Db<'_>, account: Id<Account>) -> Result<i64> {
    let (count,): (i64,) =
        db.sql("select count(*) from requests where creator_id = $1").bind(account).long().one().await?;
    Ok(count)
}

/// Of these ids, those of which something of that kind is here.
pub async fn known(db: impl Db<'_>, kind: &Kind, ids: &[String]) -> Result<Vec<String>> {
    let found: Vec<(String,)> =
        db.written(format!("select id from {} where true", table_of(kind))).and_in("id", ids).all().await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}
