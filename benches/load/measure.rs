//! The measurement of one engine: both servers up, the workloads in turns, what came out of each turn.

use crate::{
    connection::{Connection, get, post},
    database::{Database, with_empty},
    drive::{Driven, drive},
    hitl::{self, Person},
    options::{Engine, Options, Part},
    process::Server,
    work::{QUESTION, Work, id_in},
};
use anyhow::bail;
use std::{process::Command, sync::Arc, time::Duration};

/// How many rows are there to be read.
const ROWS: usize = 500;
/// How long a server rests before its memory at rest is taken.
const REST: Duration = Duration::from_secs(1);
/// The part of a turn's length that is driven beforehand and not counted.
const WARM_UP: u32 = 10;

/// What is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    Select,
    Get,
    Insert,
    InsertAlone,
    Create,
    Cycle,
}

/// One workload and what came out of its turns.
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    work: Arc<Work>,
    pub(crate) rounds: Vec<Round>,
}

/// What came out of one turn.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// The server's processor time for each unit of work, in milliseconds.
    pub(crate) processor: f64,
    /// Of each request in the unit of work.
    pub(crate) latencies: Vec<Latency>,
}

/// Of one kind of request, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What is known of an engine in the end. Memory in MB.
pub(crate) struct Measured {
    pub(crate) workloads: Vec<Workload>,
    pub(crate) ready_in: Duration,
    pub(crate) memory_at_rest: f64,
    pub(crate) memory_under_load: f64,
}

/// Measures on databases made for it.
pub(crate) async fn on(engine: Engine, options: &Options) -> anyhow::Result<Measured> {
    with_empty(engine, ["ours", "floor"], async |[ours, floor]| measure(engine, ours, floor, options).await).await
}

async fn measure(engine: Engine, ours: &Database, floors: &Database, options: &Options) -> anyhow::Result<Measured> {
    let server = hitl::serve(ours, &[]).await?;
    tokio::time::sleep(REST).await;
    let memory_at_rest = server.memory()?;
    let mut this_program = Command::new(std::env::current_exe()?);
    let floor = Server::start(this_program.arg("--floor").env("DATABASE_URL", &floors.url))?;

    let mut workloads = prepare(engine, ours, &server, &floor, options).await?;
    let mut memory_under_load = memory_at_rest;
    for _ in 0..options.rounds {
        for workload in &mut workloads {
            let server = if workload.kind.is_floor() { &floor } else { &server };
            let (round, memory) = turn(server, &workload.work, options).await?;
            workload.rounds.push(round);
            if !workload.kind.is_floor() {
                memory_under_load = memory.max(memory_under_load);
            }
        }
    }
    Ok(Measured { workloads, ready_in: server.ready_in, memory_at_rest, memory_under_load })
}

impl Kind {
    /// Whether it is the floor that does this.
    pub(crate) const fn is_floor(self) -> bool {
        matches!(self, Self::Bare | Self::Select | Self::Insert | Self::InsertAlone)
    }
}

/// The workloads in the order of their turns: what is compared stands side by side.
async fn prepare(
    engine: Engine,
    database: &Database,
    ours: &Server,
    floor: &Server,
    options: &Options,
) -> anyhow::Result<Vec<Workload>> {
    let mut works = vec![(Kind::Bare, Work::Request(vec![get("/bare", "")], 200))];
    let insert = Work::Request(vec![post("/rows", "", QUESTION)], 201);
    let asker = Person::sign_up(database, ours, "asker").await?;
    let create = Work::Request(vec![asker.question()], 201);
    if options.wants(Part::Get) {
        works.push((Kind::Select, reads(floor, &insert, "/rows", "").await?));
        works.push((Kind::Get, reads(ours, &create, "/v1/api/requests", &asker.key).await?));
    }
    if options.wants(Part::Create) {
        works.push((Kind::Insert, insert));
        works.push((Kind::Create, create));
        if engine == Engine::Sqlite {
            works.push((Kind::InsertAlone, Work::Request(vec![post("/rows/alone", "", QUESTION)], 201)));
        }
    }
    if options.wants(Part::Cycle) {
        // Somebody else's: what the creating workload leaves pending is not in this person's list.
        let reviewer = Person::sign_up(database, ours, "reviewer").await?;
        works.push((Kind::Cycle, Work::cycle(reviewer)));
    }
    let workload = |(kind, work)| Workload { kind, work: Arc::new(work), rounds: Vec::new() };
    Ok(works.into_iter().map(workload).collect())
}

/// Makes rows by that work; then the work of reading them by their ids.
async fn reads(server: &Server, make: &Work, path: &str, token: &str) -> anyhow::Result<Work> {
    let Work::Request(requests, status) = make else { bail!("only single requests make rows") };
    let mut connection = Connection::open(server.address).await?;
    let mut reads = Vec::new();
    for _ in 0..ROWS {
        let made = connection.call(&requests[0], *status).await?;
        reads.push(get(&format!("{path}/{}", id_in(made)?), token));
    }
    Ok(Work::Request(reads, 200))
}

/// Drives one workload for its time; also the server's memory while it does.
async fn turn(server: &Server, work: &Arc<Work>, options: &Options) -> anyhow::Result<(Round, f64)> {
    let length = options.length();
    drive(server.address, work, options.connections, length / WARM_UP).await?;
    let before = server.processor()?;
    let memory = async {
        tokio::time::sleep(length * 3 / 4).await;
        server.memory()
    };
    let (driven, memory) = tokio::join!(drive(server.address, work, options.connections, length), memory);
    let processor = server.processor()? - before;
    Ok((Round::new(driven?, processor), memory?))
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn new(driven: Driven, processor: f64) -> Self {
        let units = driven.units() as f64;
        Self {
            per_second: units / driven.elapsed.as_secs_f64(),
            processor: processor * 1000.0 / units,
            latencies: driven.times.into_iter().map(Latency::of).collect(),
        }
    }
}

impl Latency {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
        };
        Self { p50: at(50), p99: at(99) }
    }
}
