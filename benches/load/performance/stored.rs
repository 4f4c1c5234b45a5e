//! What it costs to have very many requests stored: the same work where few and where very many have ended, in turns.

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
/// Of what it does where few are stored.
const LEFT: Target = Target::AtLeast(0.85);

/// What a kind is held to. A list is told how many there are of what it was asked for, exactly: of all, that is the more the more
/// are stored.
fn target(kind: Kind) -> Target {
    if kind == Kind::ListAll { Target::Free } else { LEFT }
}

/// How many have ended where few are stored: as many of each person's as are read by their ids.
const FEW_ENDED: u32 = 5000;

/// A database with requests, who asks there, and the ids of some of theirs that have ended, from all of the time.
struct Stored<'a> {
    database: &'a Database,
    people: People,
    ids: Vec<String>,
}

pub(super) async fn measure(task: &Task<'_>) -> anyhow::Result<Section> {
    let work = async |[few, floors, full, full_floors]: &[Database; 4]| {
        let open = fill::open_of(task.options.stored);
        let few = Stored::fill(task, few, FEW_ENDED, open).await?;
        let full = Stored::fill(task, full, task.options.stored - open, open).await?;
        fill_floor(task, full_floors).await?;
        let cold = cold::measure(task, full.database, full_floors, &full.people).await?;
        let mut section = beside(task, [&few, &full], [floors, full_floors]).await?;
        section.tables.insert(0, cold);
        Ok(section)
    };
    task.with_empty(["few", "floor", "full", "full_floor"], work).await
}

impl<'a> Stored<'a> {
    async fn fill(task: &Task<'_>, database: &'a Database, ended: u32, open: u32) -> anyhow::Result<Self> {
        let people = fill::prepare(database, &hitl::serve(database, &SETTINGS).await?).await?;
        fill::ours(task.engine, database, ended, open).await?;
        let ids = some_ids(database, &people.asker.loop_id).await?;
        Ok(Self { database, people, ids })
    }
}

/// Of all that the maker of that loop has asked.
async fn some_ids(database: &Database, loop_id: &str) -> anyhow::Result<Vec<String>> {
    let store = Store::open(&database.url, 1).await?;
    let sql = store.sql(
        "select r.id from requests r join loops l on l.creator_id = r.creator_id
         where l.id = $1 and r.status <> 'pending' order by r.created_at",
    );
    let all: Vec<(String,)> = sql.bind(loop_id).all().await?;
    store.close().await;
    let every = (all.len() / ROWS).max(1);
    Ok(all.into_iter().step_by(every).take(ROWS).map(|(id,)| id).collect())
}

async fn fill_floor(task: &Task<'_>, database: &Database) -> anyhow::Result<()> {
    let floor = floor::start(database)?;
    let mut connection = Connection::open(floor.address).await?;
    id_in(connection.call(&post("/rows", "", QUESTION), 201).await?)?;
    drop(floor);
    fill::floors(task.engine, database, task.options.stored).await
}

/// Drives all four in turns.
async fn beside(task: &Task<'_>, stored: [&Stored<'_>; 2], floors: [&Database; 2]) -> anyhow::Result<Section> {
    let (server, floor) = (hitl::serve(stored[0].database, &SETTINGS).await?, floor::start(floors[0])?);
    let (full_server, full_floor) = (hitl::serve(stored[1].database, &SETTINGS).await?, floor::start(floors[1])?);
    tokio::time::sleep(REST).await;
    let mut weight = Weight::at_rest(&full_server, &full_floor)?;
    let few = Ground { ours: &server, floor: &floor, people: stored[0].people.clone() };
    let full = Ground { ours: &full_server, floor: &full_floor, people: stored[1].people.clone() };
    let (rows, mut done) = (rows_of_floor(task.options.stored), Vec::new());
    for kinds in KINDS {
        let mut sides = Vec::new();
        for kind in kinds {
            let ids = if kind.is_floor() { [&[][..], &rows[..]] } else { [&stored[0].ids[..], &stored[1].ids[..]] };
            for (ground, ids) in [&few, &full].into_iter().zip(ids) {
                sides.push(side(task, kind, ground, ids).await?);
            }
        }
        take_turns(&mut sides, task.options.rounds, task.options.length()).await?;
        weight.under_load([(false, sides[1].memory), (true, sides[3].memory)].into_iter());
        done.push((kinds[0], sides));
    }
    let mut section = section(task, &done);
    section.tables.push(weight.table(&format!("on {} stored requests", number(task.options.stored.into()))));
    Ok(section)
}

/// The side that does that on a database; what is read by its id is one of these.
async fn side(task: &Task<'_>, kind: Kind, ground: &Ground<'_>, ids: &[String]) -> anyhow::Result<Side> {
    let work = match kind {
        Kind::Get => reads_of(ids, "/v1/api/requests", &ground.people.asker.key),
        Kind::Select if !ids.is_empty() => reads_of(ids, "/rows", ""),
        _ => ground.work(kind).await?,
    };
    Ok(ground.side(kind, &Arc::new(work), task.options.connections))
}

fn rows_of_floor(stored: u32) -> Vec<String> {
    let rows = u32::try_from(ROWS).unwrap_or(u32::MAX);
    (0..rows).map(|row| format!("{:024x}", u64::from(row) * u64::from(stored) / u64::from(rows))).collect()
}

fn section(task: &Task<'_>, rows: &[(Kind, Vec<Side>)]) -> Section {
    let (stored, few) = (number(task.options.stored.into()), number(FEW_ENDED.into()));
    let note = format!(
        "{stored} stored requests beside {few} that ended, of the same people, and as many open ones: so the same is read and counted. \
         Of the floor beside none when it began. A ratio is the full database's rate for the other's: 0.85 is a cost of 15 %."
    );
    let columns = [
        "",
        "ours: full / few",
        "floor: full / empty",
        "ours, few, /s",
        "ours, full, /s",
        "floor, empty, /s",
        "floor, full, /s",
    ];
    let (mut held, mut table) = (Vec::new(), Table::new("Stored requests", note, &columns));
    for (kind, sides) in rows {
        let [ours, ours_full, floors, floors_full] = &sides[..] else { continue };
        let ratio = ours_full.ratio(ours);
        held.push(Figure::new(format!("{}: {stored} stored / few", kind.named()), target(*kind), "", ratio));
        let rates = [ours, ours_full, floors, floors_full].map(Side::per_second);
        let numbers = [ratio, floors_full.ratio(floors)].into_iter().chain(rates).map(number);
        table.row([kind.named().to_owned()].into_iter().chain(numbers));
    }
    Section { held, tables: vec![table] }
}
