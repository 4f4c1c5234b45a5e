//! The first seconds of a server on a full database: killed, the system's cache of its files emptied, started anew.

use super::{
    Task,
    base::SETTINGS,
    table::{Table, number},
};
use crate::{
    connection::Connection,
    cycle::Cycle,
    database::Database,
    floor,
    ground::People,
    hitl,
    options::Engine,
    rounds::{Side, median},
    work::Work,
};
use rustix::fs::{Advice, fadvise};
use std::{fs::File, sync::Arc, time::Duration};

/// How long it is cold.
const FIRST: Duration = Duration::from_secs(1);

/// A server that is started again and again.
struct Starts<'a> {
    name: &'static str,
    database: &'a Database,
    work: Arc<Work>,
    is_floor: bool,
    ready: Vec<f64>,
    /// Of the first cycle, in milliseconds.
    first: Vec<f64>,
    cold: Option<Side>,
    warm: Option<Side>,
}

/// Measures both on databases that nobody serves.
pub(super) async fn measure(
    task: &Task<'_>,
    ours: &Database,
    floors: &Database,
    people: &People,
) -> anyhow::Result<Table> {
    let mut both = [
        Starts::new("ours", ours, Cycle::ours(&people.cycler), false),
        Starts::new("floor", floors, Cycle::floors(), true),
    ];
    for _ in 0..task.options.rounds {
        for it in &mut both {
            it.start(task).await?;
        }
    }
    Ok(table(task, &both))
}

impl<'a> Starts<'a> {
    fn new(name: &'static str, database: &'a Database, cycle: Cycle, is_floor: bool) -> Self {
        let work = Arc::new(Work::Cycle(cycle));
        Self { name, database, work, is_floor, ready: vec![], first: vec![], cold: None, warm: None }
    }

    async fn start(&mut self, task: &Task<'_>) -> anyhow::Result<()> {
        forget(self.database)?;
        let server =
            if self.is_floor { floor::start(self.database)? } else { hitl::serve(self.database, &SETTINGS).await? };
        self.ready.push(server.ready_in.as_secs_f64());
        let mut times = vec![Vec::new(); self.work.steps()];
        self.work.once(&mut Connection::open(server.address).await?, 0, &mut times).await?;
        self.first.push(times.iter().flatten().sum::<Duration>().as_secs_f64() * 1000.0);
        let side = || Side::new(&server, &self.work, task.options.connections);
        moved(&mut self.cold, side()).cold_turn(FIRST).await?;
        moved(&mut self.warm, side()).turn(task.options.length()).await
    }
}

/// The server as it is now, with what was measured of it before.
fn moved(side: &mut Option<Side>, to: Side) -> &mut Side {
    let before = side.take();
    side.insert(to.going_on_from(before))
}

/// Empties the system's cache of SQLite's files. Postgres goes on running, and has its own.
fn forget(database: &Database) -> anyhow::Result<()> {
    for file in database.files() {
        let file = File::open(file)?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

fn table(task: &Task<'_>, both: &[Starts<'_>]) -> Table {
    let cold = match task.engine {
        Engine::Sqlite => "the system's cache of the database's files is emptied",
        Engine::Postgres => "Postgres itself keeps running, and what it has cached",
    };
    let note = format!(
        "On {} stored requests, medians of {} starts. Before each the server is killed; {cold}. The first second is counted from the \
         second cycle on, with {} connections; warm is what comes after it.",
        number(task.options.stored.into()),
        task.options.rounds,
        task.options.connections
    );
    let columns = [
        "",
        "first second / warm",
        "start to ready, s",
        "first cycle, ms",
        "first second, cycles/s",
        "warm, cycles/s",
        "first second, p99, ms",
        "warm, p99, ms",
    ];
    let mut table = Table::new("Cold and warm", note, &columns);
    for it in both {
        let Some((cold, warm)) = it.cold.as_ref().zip(it.warm.as_ref()) else { continue };
        let times = [median(it.ready.iter().copied()), median(it.first.iter().copied())];
        let rates = [cold.per_second(), warm.per_second(), cold.slowest().p99, warm.slowest().p99];
        let numbers = [cold.ratio(warm)].into_iter().chain(times).chain(rates).map(number);
        table.row([it.name.to_owned()].into_iter().chain(numbers));
    }
    table
}
