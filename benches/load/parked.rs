//! What it costs to have very many wait at once, and how soon one of them is woken.

use crate::{
    answers::Stage,
    connection::{Connection, get},
    figures::{Figure, Target},
    hitl::Person,
    now,
    options::Options,
    process::Server,
};
use anyhow::{Context, ensure};
use std::time::{Duration, Instant};
use tokio::{sync::mpsc, task::JoinSet};

/// How many wait, if the system lets this program and the server have as many connections.
const WAITING: usize = 10_000;
/// Open files besides those.
const OTHER_FILES: usize = 200;
/// The rest before anything is measured.
pub(crate) const REST: Duration = Duration::from_secs(2);
/// How many of those who wait are woken, one after another.
const WOKEN: usize = 100;
/// How long one of them may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What comes of waiting: the time when the answer was there.
pub(crate) type Had = mpsc::UnboundedReceiver<anyhow::Result<Instant>>;

/// Measures it.
pub(crate) async fn measure(stage: &Stage<'_>, options: &Options) -> anyhow::Result<(String, Vec<Figure>)> {
    let count = most_waiting(stage.open_files).min(WAITING);
    let ids = stage.person.ask(stage.server.address, count).await?;
    tokio::time::sleep(REST).await;
    let memory_before = stage.server.process().memory()?;
    let (_waiting, mut had) = park(&stage.server, &stage.person, &ids).await?;
    tokio::time::sleep(REST).await;
    let idle = options.length() * 2;
    let processor = idle_processor(&stage.server, idle).await?;
    let memory = stage.server.process().memory()?;
    ensure!(had.is_empty(), "not everybody waited");
    let woken = wake_some(&stage.server, &stage.person, &ids, &mut had).await?;

    let fewer = if count < WAITING { ", as many as may be open" } else { "" };
    let title = format!("{count} waiting calls{fewer}, {:.0} s idle", idle.as_secs_f64());
    let mut figures = vec![
        Figure::new("processor, of one core", Target::Below(2.0), " %", processor),
        Figure::new("resident memory before", Target::Free, " MB", memory_before),
        Figure::new("resident memory with them", Target::Below(300.0), " MB", memory),
    ];
    figures.extend(Figure::latencies("one of them is woken", Target::Below(10.0), woken));
    Ok((title, figures))
}

/// How many calls can wait where a process may have so many open files.
pub(crate) fn most_waiting(open_files: usize) -> usize {
    open_files.saturating_sub(OTHER_FILES)
}

/// Has somebody wait for each of these. Whoever waits goes away with the set.
pub(crate) async fn park(server: &Server, person: &Person, ids: &[String]) -> anyhow::Result<(JoinSet<()>, Had)> {
    let (done, had) = mpsc::unbounded_channel();
    let mut waiting = JoinSet::new();
    for id in ids {
        let mut connection = Connection::open(server.address).await?;
        connection.send(&get(&format!("/v1/api/requests/{id}?wait=300"), &person.key)).await?;
        let done = done.clone();
        waiting.spawn(async move {
            let answered = connection.answer(200).await;
            // Nobody looks any more when the measurement is over.
            let _ = done.send(answered.map(|_| now()));
        });
    }
    Ok((waiting, had))
}

/// The processor time that a server uses meanwhile, in hundredths of one core's.
pub(crate) async fn idle_processor(server: &Server, length: Duration) -> anyhow::Result<f64> {
    let before = server.process().processor()?;
    tokio::time::sleep(length).await;
    Ok((server.process().processor()? - before) / length.as_secs_f64() * 100.0)
}

/// Answers some of the requests, and sees how long it takes whoever waits to have it.
pub(crate) async fn wake_some(
    server: &Server,
    person: &Person,
    ids: &[String],
    had: &mut Had,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(server.address).await?;
    let mut times = Vec::new();
    for id in ids.iter().step_by(ids.len().div_ceil(WOKEN).max(1)) {
        connection.call(&person.answer(id), 200).await?;
        let given = now();
        let had = tokio::time::timeout(PATIENCE, had.recv()).await.context("nobody was woken")?;
        times.push(had.context("nobody waits")??.saturating_duration_since(given));
    }
    Ok(times)
}
