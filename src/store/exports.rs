//! What an account takes along, a page at a time. Which fields a kind has is the domain's to say; here is where they are kept.

use super::{
    Db, Result,
    rows::Cells,
    snapshots::Snapshot,
    sql::Sql,
    values::{Bound, Value},
};
use crate::domain::{
    Account, Id, Timestamp,
    exports::{ACCOUNT, EVENT, FEEDBACK, KEY, Kind, LOOP, MEMBER, PERSON, REQUEST, Shape, WEBHOOK},
    records::{Cell, Record},
};
use std::fmt::Write;

/// Where a kind is kept, what of it is an account's (`$1`), and by what its pages follow each other.
struct Source {
    table: &'static str,
    of_account: &'static str,
    order: &'static [&'static str],
}

/// Whoever is in the account's loops, or claimed or answered its requests.
const PEOPLE: &str =
    "id <> $1 and (id in (select account_id from members where loop_id in (select id from loops where creator_id = $1))
    or id in (select response_by from requests where creator_id = $1 and response_by is not null)
    or id in (select claimed_by from requests where creator_id = $1 and claimed_by is not null))";

fn source(kind: &Kind) -> Source {
    let (table, of_account, order): (_, _, &[&str]) = match kind.name {
        it if it == ACCOUNT.name => ("accounts", "id = $1", &["id"]),
        it if it == PERSON.name => ("accounts", PEOPLE, &["id"]),
        it if it == LOOP.name => ("loops", "creator_id = $1", &["id"]),
        it if it == MEMBER.name => {
            ("members", "loop_id in (select id from loops where creator_id = $1)", &["loop_id", "account_id"])
        }
        it if it == KEY.name => ("api_keys", "account_id = $1", &["id"]),
        it if it == WEBHOOK.name => ("webhooks", "account_id = $1 and deleted_at is null", &["id"]),
        it if it == REQUEST.name => ("requests", "creator_id = $1", &["created_at", "id"]),
        it if it == FEEDBACK.name => (
            "feedback",
            "exists (select 1 from requests where requests.id = feedback.request_id and requests.creator_id = $1)",
            &["request_id"],
        ),
        it if it == EVENT.name => ("events", "account_id = $1", &["seq"]),
        unknown => unreachable!("{unknown} is kept nowhere"),
    };
    Source { table, of_account, order }
}

/// Where a page ended.
pub struct Place(Vec<Bound>);

/// The next page of an account's things of one kind, and where it ended; nothing after the last.
pub async fn page(
    snapshot: &mut Snapshot,
    kind: &'static Kind,
    account: Id<Account>,
    after: Option<Place>,
    most: i64,
) -> Result<(Vec<Record>, Option<Place>)> {
    let Source { table, of_account, order } = source(kind);
    let (order, fields) = (order.join(", "), kind.fields.iter().map(|field| field.name).collect::<Vec<_>>());
    let mut text = format!("select {}, {order} from {table} where {of_account}", fields.join(", "));
    let places = after.map(|Place(places)| places).unwrap_or_default();
    if !places.is_empty() {
        let numbered = (2..places.len() + 2).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let _ = write!(text, " and ({order}) > ({numbered})");
    }
    let _ = write!(text, " order by {order} limit {most}");
    let sql = places.into_iter().fold(snapshot.written(text).bind(account), Sql::bind_as_it_is);
    let rows: Vec<Cells> = sql.long().all().await?;
    let end = rows.last().map(|Cells(row)| Place(row[fields.len()..].to_vec()));
    let record = |Cells(row): Cells| Record {
        kind,
        cells: kind.fields.iter().zip(row).map(|(field, bound)| cell(field.shape, bound)).collect(),
    };
    Ok((rows.into_iter().map(record).collect(), end))
}

/// What is in a column, as its field has it. SQLite has fewer kinds of columns.
fn cell(shape: Shape, bound: Bound) -> Cell {
    let (number, text) = match bound {
        Bound::Number(number) => (number, None),
        Bound::Text(text) | Bound::Json(text) => (None, text),
        Bound::Flag(flag) => (flag.map(i64::from), None),
        Bound::Time(time) => (time.map(Timestamp::micros), None),
        Bound::Many(_) => (None, None),
    };
    match shape {
        Shape::Id | Shape::Person | Shape::Text | Shape::Email | Shape::Url | Shape::Word(_) => Cell::Text(text),
        Shape::Words(_) | Shape::Json => Cell::Json(text),
        Shape::Priority | Shape::Number => Cell::Number(number),
        Shape::Flag => Cell::Flag(number.map(|number| number != 0)),
        Shape::Time => Cell::Time(number.map(Timestamp::from_micros)),
    }
}

/// The same the other way round.
pub(super) fn bound(cell: &Cell) -> Bound {
    match cell {
        Cell::Text(text) => text.bound(),
        Cell::Number(number) => number.bound(),
        Cell::Flag(flag) => flag.bound(),
        Cell::Time(time) => time.bound(),
        Cell::Json(text) => Bound::Json(text.clone()),
    }
}

/// The table of a kind.
pub fn table_of(kind: &Kind) -> &'static str {
    source(kind).table
}
