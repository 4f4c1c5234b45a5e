//! Driving a server: many connections at work at once, for a bounded time.

use crate::{connection::Connection, now, work::Work};
use anyhow::Context;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long each request took, by its place in the unit of work.
pub(crate) type Times = Vec<Vec<Duration>>;

/// What is waited for beyond the time given, before the server counts as hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was done in a stretch of time.
pub(crate) struct Driven {
    pub(crate) elapsed: Duration,
    pub(crate) times: Times,
}

impl Driven {
    /// How many units of work were done.
    pub(crate) fn units(&self) -> usize {
        self.times.last().map_or(0, Vec::len)
    }
}

/// Has that many connections do the work until the time is over. Any answer that is not as expected fails it all.
pub(crate) async fn drive(
    address: SocketAddr,
    work: &Arc<Work>,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Driven> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let begun = now();
    let stride = open.len();
    let mut tasks: JoinSet<_> = open
        .into_iter()
        .enumerate()
        .map(|(first, connection)| repeat(work.clone(), connection, first, stride, begun + length))
        .collect();
    let mut times = vec![Vec::new(); work.steps()];
    let gather = async {
        while let Some(done) = tasks.join_next().await {
            for (all, some) in times.iter_mut().zip(done.context("a connection's task panicked")??) {
                all.extend(some);
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(length + PATIENCE, gather).await.context("the server hangs")??;
    let elapsed = begun.elapsed();
    Ok(Driven { elapsed, times })
}

async fn repeat(
    work: Arc<Work>,
    mut connection: Connection,
    first: usize,
    stride: usize,
    end: Instant,
) -> anyhow::Result<Times> {
    let mut times = vec![Vec::new(); work.steps()];
    let mut turn = first;
    while now() < end {
        work.once(&mut connection, turn, &mut times).await?;
        turn += stride;
    }
    Ok(times)
}
