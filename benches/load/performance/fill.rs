//! Very many stored requests, made in minutes by the database itself: copies of one that a server made, spread over people,
//! loops, states and times as they would have come to be.

use crate::{
    connection::{Connection, post},
    database::Database,
    ground::People,
    hitl::Person,
    options::Engine,
    process::Server,
    work::id_in,
};
use anyhow::Context;
use hitl_server::store::Store;
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};
use std::{fs::File, time::SystemTime};

/// The people, and the loops of each; `stored.sql` knows how many loops that makes.
const PEOPLE: usize = 10;
const LOOPS: usize = 5;
/// One in so many is open.
const OPEN: u32 = 1000;
const DAYS: i64 = 80;
const HOUR: i64 = 3_600_000_000;

/// What the statements need besides, and what is done away with in the end.
const BEFORE: &str = "
    create table places as select row_number() over (order by l.id) - 1 as place, l.id as loop_id, l.creator_id,
        (select min(k.id) from api_keys k where k.account_id = l.creator_id) as key_id from loops l;
    create table pattern as select request_id as id from events where name = 'request.completed';";
const AFTER: &str = "drop table places; drop table pattern;";
const FUNCTIONS: &str = "
    create function moment(bigint) returns timestamptz immutable language sql return to_timestamp($1 / 1000000.0);
    create function digits(int, bigint) returns text immutable language sql return lpad(to_hex($2), $1, '0');";
const NO_FUNCTIONS: &str = "drop function moment(bigint); drop function digits(int, bigint);";
const FLOOR: &str = "
    insert into floor (id, loop_id, creator_id, status, priority, body, created_at, timeout_at, answer)
    with recursive numbers (i) as (select cast(0 as bigint) union all select i + 1 from numbers where i + 1 < COUNT)
    select '00000000' || digits(16, i), loop_id, creator_id, 'completed', priority, body, created_at, timeout_at, 'approve'
    from numbers cross join (select * from floor limit 1) pattern where i > 0;";

/// Makes those whose requests they are, and the one that is copied.
pub(super) async fn prepare(database: &Database, server: &Server) -> anyhow::Result<People> {
    let people = People::sign_up(database, server).await?;
    let mut owners = people.all().map(Person::clone).to_vec();
    for number in owners.len()..PEOPLE {
        owners.push(Person::sign_up(database, server, &format!("person{number}")).await?);
    }
    let mut connection = Connection::open(server.address).await?;
    for owner in &owners {
        for _ in 1..LOOPS {
            let made = post("/v1/api/loops", &owner.key, r#"{"name":"Load","description":"One of many"}"#);
            connection.call(&made, 200).await?;
        }
    }
    let id = id_in(connection.call(&people.asker.question(), 201).await?)?.to_owned();
    connection.call(&people.asker.answer(&id), 200).await?;
    Ok(people)
}

/// How many are open where so many are stored.
pub(super) const fn open_of(count: u32) -> u32 {
    count / OPEN
}

/// Fills the database of a server that was prepared and is no longer running, with so many that ended and so many open ones.
pub(super) async fn ours(engine: Engine, database: &Database, ended: u32, open: u32) -> anyhow::Result<()> {
    let text = with_numbers(include_str!("stored.sql"), ended, open)?;
    fill(engine, database, format!("{BEFORE} {text} {AFTER}"), "requests, events").await
}

/// Fills the database of a floor that has one row and is no longer running.
pub(super) async fn floors(engine: Engine, database: &Database, count: u32) -> anyhow::Result<()> {
    fill(engine, database, with_numbers(FLOOR, count, 0)?, "floor").await
}

fn with_numbers(text: &str, ended: u32, open: u32) -> anyhow::Result<String> {
    let last = now_in_micros()? - HOUR;
    let first = last - DAYS * 24 * HOUR;
    let numbers = [
        ("COUNT", (ended + open).into()),
        ("ENDED", ended.into()),
        ("FIRST", first),
        ("LAST", last),
        ("BETWEEN", (last - HOUR - first) / i64::from(ended)),
        ("OPEN", open.into()),
    ];
    Ok(numbers.iter().fold(text.to_owned(), |text, (word, number)| text.replace(word, &number.to_string())))
}

#[expect(clippy::disallowed_methods, reason = "what is stored lies before the server's now")]
fn now_in_micros() -> anyhow::Result<i64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros().try_into()?)
}

async fn fill(engine: Engine, database: &Database, text: String, tables: &str) -> anyhow::Result<()> {
    match engine {
        Engine::Sqlite => {
            let file = Store::sqlite_file(&database.url).context("SQLite has a file")?;
            let text = text.replace("moment(", "(").replace("digits(8,", "printf('%08x',");
            let text = text.replace("digits(16,", "printf('%016x',");
            tokio::task::spawn_blocking(move || fill_sqlite(&file, &text)).await?
        }
        Engine::Postgres => fill_postgres(&database.url, &text, tables).await,
    }
}

/// Nothing need survive a crash here. There are no statistics afterwards, as nobody has them whose server made the rows.
fn fill_sqlite(file: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(
        "pragma journal_mode = off; pragma synchronous = off; pragma locking_mode = exclusive; pragma cache_size = -1000000; pragma foreign_keys = off;",
    )?;
    connection.execute_batch(&format!("begin; {text} commit;"))?;
    drop(connection);
    Ok(File::open(file)?.sync_all()?)
}

/// With the statistics that its housekeeping would have made, and nothing left to write.
async fn fill_postgres(url: &str, text: &str, tables: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let text = format!("begin; {FUNCTIONS} {text} {NO_FUNCTIONS} commit;");
    connection.execute(AssertSqlSafe(text)).await?;
    connection.execute(AssertSqlSafe(format!("vacuum analyze {tables}"))).await?;
    // Only some users may; whoever may not has the checkpoint a little later.
    let _ = connection.execute("checkpoint").await;
    Ok(connection.close().await?)
}
