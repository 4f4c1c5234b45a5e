//! The page on performance: everything that its tables tell, measured in one run, ours always beside the floor.

mod base;
mod calls;
mod cold;
pub(crate) mod connections;
mod date;
mod fill;
mod machine;
mod page;
mod plan;
mod stored;
pub(crate) mod table;
mod waiters;
mod weight;

use crate::{
    database::{Database, with_empty},
    figures::Figure,
    now,
    options::{Engine, Options},
    process::open_files,
};
use anyhow::Context;
use page::Page;
use plan::Plan;
use std::path::Path;
use table::Table;
use tokio::time::Instant;

/// What a part found out: what is held to something, and all of it.
#[derive(Default)]
struct Section {
    held: Vec<Figure>,
    tables: Vec<Table>,
}

/// What every part is told.
struct Task<'a> {
    engine: Engine,
    options: &'a Options,
    /// When it is given up.
    deadline: Instant,
}

/// Measures it all and writes the page.
pub(crate) async fn report(path: &Path, options: &Options) -> anyhow::Result<()> {
    let (page, plan) = (Page::read(path)?, Plan::of(options));
    println!("measuring for {}: {}", path.display(), plan);
    open_files()?; // before any server starts, which inherits it
    let begun = now();
    let machine = machine::describe(options).await?.markdown();
    println!("{machine}");
    let (mut targets, mut details) = (Vec::new(), Vec::new());
    for engine in options.engines() {
        let task = Task { engine, options, deadline: Instant::from_std(begun + plan.most) };
        let Section { held, tables } = task.measure().await?;
        targets.push(Table::of_figures(format!("{}, held to its targets", engine.name()), "", &held).markdown());
        details.push(format!("### {}\n", engine.name()));
        details.extend(tables.iter().map(Table::markdown));
    }
    let took = begun.elapsed().as_secs_f64() / 60.0;
    let took = format!("The whole of it took {took:.1} minutes.\n");
    let whole =
        [vec!["### Targets\n".to_owned()], targets, details, vec!["### The machine\n".to_owned(), machine, took]];
    page.write(&whole.concat().join("\n"))?;
    println!("{} is written", path.display());
    Ok(())
}

impl Task<'_> {
    async fn measure(&self) -> anyhow::Result<Section> {
        let mut whole = Section::default();
        for section in [base::measure(self).await?, stored::measure(self).await?, waiters::measure(self).await?] {
            whole.held.extend(section.held);
            whole.tables.extend(section.tables);
        }
        Ok(whole)
    }

    /// Does something with empty databases, unless it takes too long.
    async fn with_empty<const COUNT: usize>(
        &self,
        purposes: [&str; COUNT],
        work: impl AsyncFnOnce(&[Database; COUNT]) -> anyhow::Result<Section>,
    ) -> anyhow::Result<Section> {
        let section = with_empty(self.engine, purposes, async |databases| {
            tokio::time::timeout_at(self.deadline, work(databases)).await.context("it takes longer than it was to")?
        });
        let section = section.await?;
        for table in &section.tables {
            println!("{}\n{}", self.engine.name(), table.markdown());
        }
        Ok(section)
    }
}
