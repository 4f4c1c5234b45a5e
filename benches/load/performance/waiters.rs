//! What it costs everybody else that very many calls wait for answers.

use super::{
    Section, Task,
    base::SETTINGS,
    table::{Table, number},
};
use crate::{
    cycle::Cycle,
    database::Database,
    figures::{Figure, Target},
    hitl,
    hitl::Person,
    parked::{REST, idle_processor, most_waiting, park, wake_some},
    process::{Server, open_files},
    rounds::{Side, take_turns},
    work::Work,
};
use anyhow::ensure;
use std::sync::Arc;

pub(super) async fn measure(task: &Task<'_>) -> anyhow::Result<Section> {
    let count = most_waiting(open_files()?).min(task.options.waiters as usize);
    let work = async |databases: &[Database; 2]| {
        let [without, with] = databases;
        let (without, with) = (Asked::begin(without, count).await?, Asked::begin(with, count).await?);
        tokio::time::sleep(REST).await;
        let memory = with.server.process().memory()?;
        let (_waiting, mut had) = park(&with.server, &with.person, &with.ids).await?;
        tokio::time::sleep(REST).await;
        let idle = idle_processor(&with.server, task.options.length() * 2).await?;
        let resting = with.server.process().memory()?;
        let mut sides = [with.side(task), without.side(task)];
        take_turns(&mut sides, task.options.rounds, task.options.length()).await?;
        ensure!(had.is_empty(), "not everybody waited: fewer seconds or rounds");
        let woken = wake_some(&with.server, &with.person, &with.ids, &mut had).await?;
        let calls = counted(count);
        let mut held = vec![
            Figure::new(format!("processor of {calls} waiting calls, of one core"), Target::Below(2.0), " %", idle),
            Figure::new(format!("resident memory with {calls} waiting calls"), Target::Below(300.0), " MB", resting),
        ];
        held.extend(Figure::latencies(&format!("one of {calls} is woken"), Target::Below(10.0), woken));
        Ok(Section { tables: vec![table(count, &sides), memory_table(count, memory, resting)], held })
    };
    task.with_empty(["without", "with"], work).await
}

/// A server on which very much is asked, by one person, beside another who goes on working.
struct Asked {
    server: Server,
    person: Person,
    cycler: Person,
    ids: Vec<String>,
}

impl Asked {
    async fn begin(database: &Database, count: usize) -> anyhow::Result<Self> {
        let server = hitl::serve(database, &SETTINGS).await?;
        let person = Person::sign_up(database, &server, "asker").await?;
        let cycler = Person::sign_up(database, &server, "cycler").await?;
        let ids = person.ask(server.address, count).await?;
        Ok(Self { server, person, cycler, ids })
    }

    fn side(&self, task: &Task<'_>) -> Side {
        let work = Arc::new(Work::Cycle(Cycle::ours(&self.cycler)));
        Side::new(&self.server, &work, task.options.connections)
    }
}

fn counted(count: usize) -> String {
    u32::try_from(count).map_or_else(|_| count.to_string(), |count| number(count.into()))
}

fn table(count: usize, [with, without]: &[Side; 2]) -> Table {
    let note = format!(
        "Cycles on two servers with {} open requests, on one of which a call waits for each of them.",
        counted(count)
    );
    let columns = ["", "with / without", "with", "without"];
    let mut table = Table::new("Waiting calls", note, &columns);
    let mut row = |what: &str, ratio: f64, with: f64, without: f64| {
        table.row([what.to_owned(), number(ratio), number(with), number(without)]);
    };
    row("cycles/s", with.ratio(without), with.per_second(), without.per_second());
    let both = [with, without];
    let [with_p99, without_p99] = both.map(|side| side.slowest().p99);
    row("p99 of the slowest kind of call, ms", with_p99 / without_p99, with_p99, without_p99);
    let [with, without] = both.map(Side::processor_of_one);
    row("processor of one cycle, ms", with / without, with, without);
    table
}

fn memory_table(count: usize, before: f64, with: f64) -> Table {
    let mut table = Table::new("Memory of waiting calls", "", &["", "with / before", "with", "before"]);
    table.row([
        format!("resident memory, {} calls, MB", counted(count)),
        number(with / before),
        number(with),
        number(before),
    ]);
    table
}
