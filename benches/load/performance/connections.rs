//! The same cycle with few and with many connections, of two servers in turns.

use super::table::{Table, number};
use crate::{
    cycle::Cycle,
    figures::{Figure, Target},
    ground::Ground,
    kinds::Kind,
    options::{Engine, Options},
    process::Process,
    rounds::{Side, WARM_UP, take_turns},
    work::Work,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

const CONNECTIONS: [u32; 5] = [1, 4, 16, 64, 256];
/// With how many it is held to something.
const HELD: u32 = 64;
/// To what a cycle's processor time is held on SQLite, in milliseconds.
const PROCESSOR: f64 = 0.3;
/// To what the tail is held, in milliseconds.
const TAIL: f64 = 20.0;

/// A server and its cycle.
pub(crate) struct Rival {
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<Process>,
    pub(crate) work: Arc<Work>,
}

/// What came of it: for each number of connections the one and the other.
pub(crate) struct Swept(Vec<(u32, Side, Side)>);

/// Ours and the floor's.
pub(super) fn cycles(ground: &Ground<'_>) -> [Rival; 2] {
    let rival = |kind: Kind, cycle| {
        let server = if kind.is_floor() { ground.floor } else { ground.ours };
        Rival { address: server.address, process: Some(server.process()), work: Arc::new(Work::Cycle(cycle)) }
    };
    [rival(Kind::Cycle, Cycle::ours(&ground.people.cycler)), rival(Kind::FloorCycle, Cycle::floors())]
}

/// How long that takes, about.
pub(crate) fn length(options: &Options) -> Duration {
    let turns = u32::try_from(2 * CONNECTIONS.len()).unwrap_or(u32::MAX);
    options.rounds * turns * (options.length() + options.length() / WARM_UP)
}

/// Measures both.
pub(crate) async fn measure(options: &Options, rivals: [Rival; 2]) -> anyhow::Result<Swept> {
    let mut swept = Vec::new();
    for connections in CONNECTIONS {
        let mut sides = rivals.each_ref().map(|it| Side::of(it.address, it.process, &it.work, connections));
        take_turns(&mut sides, options.rounds, options.length()).await?;
        let [one, other] = sides;
        swept.push((connections, one, other));
    }
    Ok(Swept(swept))
}

impl Swept {
    /// What the first is held to.
    pub(crate) fn held(&self, engine: Engine) -> Vec<Figure> {
        let Some((_, side, _)) = self.0.iter().find(|(number, ..)| *number == HELD) else { return vec![] };
        let least = Target::AtLeast(if engine == Engine::Sqlite { 2_500.0 } else { 1_500.0 });
        let processor = if engine == Engine::Sqlite { Target::Below(PROCESSOR) } else { Target::Free };
        let tail = format!("p99 of the slowest kind of call of a cycle, {HELD} connections");
        vec![
            Figure::new(format!("cycles per second, {HELD} connections"), least, " /s", side.per_second()),
            Figure::new("the server's processor time of a cycle", processor, " ms", side.processor_of_one()),
            Figure::new(tail, Target::Below(TAIL), " ms", side.slowest().p99),
        ]
    }

    /// With what the two are called, and what a cycle is.
    pub(crate) fn table(&self, one: &str, other: &str, cycle: &str) -> Table {
        let note = format!(
            "{cycle} Latencies are of the slowest kind of call in it, processor time is the server's for one cycle."
        );
        let mut columns = vec!["connections".to_owned(), format!("{one} / {other}")];
        for name in [one, other] {
            columns.extend(["cycles/s", "p50, ms", "p99, ms", "processor, ms"].map(|what| format!("{name}: {what}")));
        }
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new("Cycles, by the number of connections", note, &columns);
        for (connections, one, other) in &self.0 {
            let mut row = vec![connections.to_string(), number(one.ratio(other))];
            for side in [one, other] {
                let slowest = side.slowest();
                let numbers = [side.per_second(), slowest.p50, slowest.p99, side.processor_of_one()];
                row.extend(numbers.map(number));
            }
            table.row(row);
        }
        table
    }
}
