//! The measurement of one engine: both servers up, the workloads in turns, what came out of each turn.

use crate::{
    database::{Database, with_empty},
    floor,
    ground::{Ground, People},
    hitl,
    kinds::{Kind, Workload},
    options::{Engine, Options, Part},
};
use std::time::Duration;

/// How long a server rests before its memory at rest is taken.
pub(crate) const REST: Duration = Duration::from_secs(1);

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
    let memory_at_rest = server.process().memory()?;
    let floor = floor::start(floors)?;
    let people = People::sign_up(ours, &server).await?;
    let ground = Ground { ours: &server, floor: &floor, people };
    let mut workloads = Vec::new();
    for kind in wanted(options).filter(|kind| kind.is_on(engine)) {
        workloads.push(ground.workload(kind, options.connections).await?);
    }
    for _ in 0..options.rounds {
        for workload in &mut workloads {
            workload.side.turn(options.length()).await?;
        }
    }
    let ours = workloads.iter().filter(|workload| !workload.kind.is_floor());
    let memory_under_load = ours.fold(memory_at_rest, |most, workload| most.max(workload.side.memory));
    Ok(Measured { workloads, ready_in: server.ready_in, memory_at_rest, memory_under_load })
}

/// In the order of their turns: what is compared stands side by side.
fn wanted(options: &Options) -> impl Iterator<Item = Kind> {
    let parts: [(Part, &[Kind]); 4] = [
        (Part::Calls, &[Kind::Bare]),
        (Part::Get, &[Kind::Select, Kind::Get]),
        (Part::Create, &[Kind::Insert, Kind::Create, Kind::InsertAlone]),
        (Part::Cycle, &[Kind::Cycle]),
    ];
    let always = |part| part == Part::Calls;
    parts
        .into_iter()
        .filter(move |(part, _)| always(*part) || options.wants(*part))
        .flat_map(|(_, kinds)| kinds)
        .copied()
}
