//! Turns and rounds: what is compared is driven in turns, within seconds of each other, and that several times.

use crate::{
    drive::{Driven, drive},
    process::{Process, Server},
    work::Work,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// The part of a turn's length that is driven beforehand and not counted.
pub(crate) const WARM_UP: u32 = 10;

/// A server, what it is driven with, and what came of it.
pub(crate) struct Side {
    address: SocketAddr,
    /// Unknown of a server that somebody else started.
    process: Option<Process>,
    pub(crate) work: Arc<Work>,
    connections: u32,
    pub(crate) rounds: Vec<Round>,
    /// The most that its process had resident in a turn, in MB.
    pub(crate) memory: f64,
}

/// What came out of one turn.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// The server's processor time for each unit of work, in milliseconds; not a number where its process is unknown.
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

/// Has each side have its turn in each round. Every other round goes backwards, so that nobody always comes after the same.
pub(crate) async fn take_turns(sides: &mut [Side], rounds: u32, length: Duration) -> anyhow::Result<()> {
    for _ in 0..rounds {
        for side in &mut *sides {
            side.turn(length).await?;
        }
        sides.reverse();
    }
    if rounds % 2 == 1 {
        sides.reverse();
    }
    Ok(())
}

impl Side {
    pub(crate) fn new(server: &Server, work: &Arc<Work>, connections: u32) -> Self {
        Self::of(server.address, Some(server.process()), work, connections)
    }

    pub(crate) fn of(address: SocketAddr, process: Option<Process>, work: &Arc<Work>, connections: u32) -> Self {
        Self { address, process, work: work.clone(), connections, rounds: Vec::new(), memory: 0.0 }
    }

    /// The same server in another process, which goes on with the rounds of the last.
    pub(crate) fn going_on_from(self, before: Option<Self>) -> Self {
        Self { rounds: before.map(|before| before.rounds).unwrap_or_default(), ..self }
    }

    /// Drives it for its time.
    pub(crate) async fn turn(&mut self, length: Duration) -> anyhow::Result<()> {
        drive(self.address, &self.work, self.connections, length / WARM_UP).await?;
        self.cold_turn(length).await
    }

    /// The same, counted from the first request on.
    pub(crate) async fn cold_turn(&mut self, length: Duration) -> anyhow::Result<()> {
        let before = self.processor()?;
        let memory = async {
            tokio::time::sleep(length * 3 / 4).await;
            self.process.map_or(Ok(0.0), Process::memory)
        };
        let (driven, memory) = tokio::join!(drive(self.address, &self.work, self.connections, length), memory);
        self.memory = memory?.max(self.memory);
        self.rounds.push(Round::new(driven?, self.processor()? - before));
        Ok(())
    }

    fn processor(&self) -> anyhow::Result<f64> {
        self.process.map_or(Ok(f64::NAN), Process::processor)
    }

    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.median(|round| round.per_second)
    }

    pub(crate) fn processor_of_one(&self) -> f64 {
        self.median(|round| round.processor)
    }

    pub(crate) fn latency(&self, step: usize) -> Latency {
        Latency {
            p50: self.median(|round| round.latencies[step].p50),
            p99: self.median(|round| round.latencies[step].p99),
        }
    }

    /// Of its slowest kind of request.
    pub(crate) fn slowest(&self) -> Latency {
        let all = (0..self.work.steps()).map(|step| self.latency(step));
        all.max_by(|one, other| one.p99.total_cmp(&other.p99)).expect("a unit of work has a request")
    }

    /// How often per second one is done for each time the other is: the median over the rounds, in which they ran in turns.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        let rounds = self.rounds.iter().zip(&other.rounds);
        median(rounds.map(|(ours, other)| ours.per_second / other.per_second))
    }
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

/// Between the two in the middle, where their number is even.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    let (lower, upper) = (middle(values.len().saturating_sub(1) / 2), middle(values.len() / 2));
    f64::midpoint(lower, upper)
}
