//! What it costs to have very many requests stored: the same work on empty and on full databases, in turns.

use super::{
    Section, Task,
    base::SETTINGS,
    cold, fill,
    table::{Table, number},
    weight::Weight,
};
use crate::{
    connection::{Connection, post},
    database::Database,
    figures::{Figure, Target},
    floor,
    ground::{Ground, People, ROWS, reads_of},
    hitl,
    kinds::Kind,
    measure::REST,
    rounds::{Side, take_turns},
    work::{QUESTION, id_in},
};
use hitl_server::store::{Db, Store};
use std::sync::Arc;

/// What is done, ours and the floor's.
const KINDS: [[Kind; 2]; 6] = [
    [Kind::Get, Kind::Select],
    [Kind::List, Kind::Newest],
    [Kind::Inbox, Kind::Newest],
    [Kind::ListAll, Kind::Newest],
    [Kind::Create, Kind::Insert],
    [Kind::Cycle, Kind::FloorCycle],
];
/// Of what it does on an empty database.
const LEFT: Target = Target::AtLeast(0.85);

/// What a kind is held to. A list is told how many there are of what it was asked for, exactly: of all, that is the more the more
/// are stored.
fn target(kind: Kind) -> Target {
    if kind == Kind::ListAll { Target::Free } else { LEFT }
}

pub(super) async fn measure(task: &Task<'_>) -> anyhow::Result<Section> {
    let work = async |[ours, floors, full, full_floors]: &[Database; 4]| {
        let (people, ids) = fill_both(task, full, full_floors).await?;
        let cold = cold::measure(task, full, full_floors, &people).await?;
        let mut section = beside(task, [ours, floors], [full, full_floors], &people, &ids).await?;
        section.tables.insert(0, cold);
        Ok(section)
    };
    task.with_empty(["ours", "floor", "full", "full_floor"], work).await
}

/// Fills both databases; the ids of some requests of the one who asks, from all of the time.
async fn fill_both(task: &Task<'_>, full: &Database, floors: &Database) -> anyhow::Result<(People, Vec<String>)> {
    let people = fill::prepare(full, &hitl::serve(full, &SETTINGS).await?).await?;
    let floor = floor::start(floors)?;
    let mut connection = Connection::open(floor.address).await?;
    id_in(connection.call(&post("/rows", "", QUESTION), 201).await?)?;
    drop(floor);
    fill::ours(task.engine, full, task.options.stored).await?;
    fill::floors(task.engine, floors, task.options.stored).await?;
    let ids = some_ids(full, &people.asker.loop_id).await?;
    Ok((people, ids))
}

async fn some_ids(full: &Database, loop_id: &str) -> anyhow::Result<Vec<String>> {
    let store = Store::open(&full.url, 1).await?;
    let sql = store.sql("select id from requests where loop_id = $1 and status <> 'pending' order by created_at");
    let all: Vec<(String,)> = sql.bind(loop_id).all().await?;
    store.close().await;
    let every = (all.len() / ROWS).max(1);
    Ok(all.into_iter().step_by(every).take(ROWS).map(|(id,)| id).collect())
}

/// Drives all four in turns.
async fn beside(
    task: &Task<'_>,
    empty: [&Database; 2],
    full: [&Database; 2],
    people: &People,
    ids: &[String],
) -> anyhow::Result<Section> {
    let (server, floor) = (hitl::serve(empty[0], &SETTINGS).await?, floor::start(empty[1])?);
    let (full_server, full_floor) = (hitl::serve(full[0], &SETTINGS).await?, floor::start(full[1])?);
    tokio::time::sleep(REST).await;
    let mut weight = Weight::at_rest(&full_server, &full_floor)?;
    let empty = Ground { ours: &server, floor: &floor, people: People::sign_up(empty[0], &server).await? };
    let full = Ground { ours: &full_server, floor: &full_floor, people: people.clone() };
    let mut rows = Vec::new();
    for kinds in KINDS {
        let mut sides = sides(task, kinds, &empty, &full, ids).await?;
        take_turns(&mut sides, task.options.rounds, task.options.length()).await?;
        weight.under_load([(false, sides[1].memory), (true, sides[3].memory)].into_iter());
        rows.push((kinds[0], sides));
    }
    let mut section = section(task, &rows);
    section.tables.push(weight.table(&format!("on {} stored requests", number(task.options.stored.into()))));
    Ok(section)
}

/// Ours on the empty and on the full database, then the floor's.
async fn sides(
    task: &Task<'_>,
    kinds: [Kind; 2],
    empty: &Ground<'_>,
    full: &Ground<'_>,
    ids: &[String],
) -> anyhow::Result<Vec<Side>> {
    let mut sides = Vec::new();
    for kind in kinds {
        sides.push(empty.workload(kind, task.options.connections).await?.side);
        let work = match kind {
            Kind::Get => reads_of(ids, "/v1/api/requests", &full.people.asker.key),
            Kind::Select => reads_of(&rows_of_floor(task.options.stored), "/rows", ""),
            _ => full.work(kind).await?,
        };
        sides.push(full.side(kind, &Arc::new(work), task.options.connections));
    }
    Ok(sides)
}

fn rows_of_floor(stored: u32) -> Vec<String> {
    let rows = u32::try_from(ROWS).unwrap_or(u32::MAX);
    (0..rows).map(|row| format!("{:024x}", u64::from(row) * u64::from(stored) / u64::from(rows))).collect()
}

fn section(task: &Task<'_>, rows: &[(Kind, Vec<Side>)]) -> Section {
    let stored = number(task.options.stored.into());
    let note = format!(
        "{stored} stored requests beside none when it began. A ratio is the full database's rate for the empty one's: 0.85 is a cost of 15 %."
    );
    let columns = [
        "",
        "ours: full / empty",
        "floor: full / empty",
        "ours, empty, /s",
        "ours, full, /s",
        "floor, empty, /s",
        "floor, full, /s",
    ];
    let (mut held, mut table) = (Vec::new(), Table::new("Stored requests", note, &columns));
    for (kind, sides) in rows {
        let [ours, ours_full, floors, floors_full] = &sides[..] else { continue };
        let ratio = ours_full.ratio(ours);
        held.push(Figure::new(format!("{}: {stored} stored / empty", kind.named()), target(*kind), "", ratio));
        let rates = [ours, ours_full, floors, floors_full].map(Side::per_second);
        let numbers = [ratio, floors_full.ratio(floors)].into_iter().chain(rates).map(number);
        table.row([kind.named().to_owned()].into_iter().chain(numbers));
    }
    Section { held, tables: vec![table] }
}
