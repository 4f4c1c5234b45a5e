//! The load benchmark: `cargo bench --bench load`. It starts the server on each engine and, beside it, a floor (as little as
//! a server on that database can do), drives both in turns, and prints how they compare; then it measures how answers reach
//! the program that asked, and how long people wait for a page. With `--report` it writes the tables of `docs/performance.md`,
//! with `--against` it sends the cycle to another server. `benches/README.md` says how to read it. Measures, never judges: a
//! missed target is printed, and only what went wrong fails.

mod adapter;
mod against;
mod answers;
mod chunks;
mod connection;
mod cycle;
mod database;
mod deliveries;
mod drive;
mod endpoints;
mod figures;
mod floor;
mod floor_rows;
mod ground;
mod head;
mod hitl;
mod kinds;
mod measure;
mod options;
mod pages;
mod parked;
mod performance;
mod process;
mod receiver;
mod report;
mod rounds;
mod template;
mod wakeups;
mod work;

use anyhow::Context;
use clap::Parser;
use options::{Options, Part};
use std::time::Instant;

/// The same as in the server, for the floor.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if options.floor {
        return runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(floor::serve());
    }
    if !options.bench {
        println!("nothing was measured: `cargo bench --bench load` does");
        return Ok(());
    }
    // One thread makes the load, so that the servers have the other processors.
    runtime(tokio::runtime::Builder::new_current_thread())?.block_on(run(&options))
}

fn runtime(mut builder: tokio::runtime::Builder) -> anyhow::Result<tokio::runtime::Runtime> {
    builder.enable_all().build().context("the runtime did not start")
}

async fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(adapter) = &options.against {
        return against::compare(adapter, options).await;
    }
    for engine in options.engines() {
        database::available(engine).await?;
    }
    if let Some(page) = &options.report {
        return performance::report(page, options).await;
    }
    for engine in options.engines() {
        if options.wants_of(Part::Calls) {
            let measured = measure::on(engine, options).await?;
            report::print(engine, options, &measured);
        }
        if options.wants_of(Part::Answers) {
            answers::measure(engine, options).await?;
        }
        if options.wants(Part::Pages) {
            pages::measure(engine).await?;
        }
    }
    Ok(())
}

/// The time, to measure with.
#[expect(clippy::disallowed_methods, reason = "measures how long things take")]
fn now() -> Instant {
    Instant::now()
}
