//! What it was measured on and with: no figure means anything without it.

use super::{date::today, table::Table};
use crate::{
    hitl, now,
    options::{Engine, Options},
    rounds::Latency,
};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

/// How often the disk is asked to keep something.
const WRITES: usize = 200;

/// All of it.
pub(super) async fn describe(options: &Options) -> anyhow::Result<Table> {
    let mut table = Table::new("", "", &["", ""]);
    let mut row = |what: &str, is: String| table.row([what.to_owned(), is]);
    row("measured on", today()?);
    row("processor", format!("{}, {} cores", processor(), std::thread::available_parallelism()?));
    row("memory", memory());
    row("kernel", read("/proc/sys/kernel/osrelease"));
    row("file system of the databases", file_system(&fs::canonicalize(env!("CARGO_TARGET_TMPDIR"))?));
    row("write of 4 KiB and fsync on it", synced()?);
    for engine in options.engines() {
        match engine {
            Engine::Sqlite => row("SQLite", rusqlite::version().to_owned()),
            Engine::Postgres => row("Postgres", crate::database::describe_postgres().await?),
        }
    }
    row("hitl", hitl::version()?);
    let length = options.length().as_secs_f64();
    row(
        "each figure",
        format!("median of {} rounds of {length} s, {} connections", options.rounds, options.connections),
    );
    Ok(table)
}

fn read(file: &str) -> String {
    fs::read_to_string(file).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

fn memory() -> String {
    let text = read("/proc/meminfo");
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let gibibytes = kibibytes.and_then(|kibibytes| kibibytes.parse::<f64>().ok()).map(|it| it / 1024.0 / 1024.0);
    gibibytes.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.1} GiB"))
}

/// Of the mounts that hold the folder the nearest; the last of those at one place.
fn file_system(folder: &Path) -> String {
    let text = read("/proc/self/mounts");
    let mounts = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(place).then(|| (place.len(), format!("{kind} on {device}")))
    });
    mounts.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".to_owned(), |(_, mount)| mount)
}

/// What it takes until the disk has kept something: below it no durable answer is possible.
fn synced() -> anyhow::Result<String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut file = File::create(folder.path().join("synced"))?;
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let begun = now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    let Latency { p50, p99 } = Latency::of(times);
    Ok(format!("p50 {p50:.2} ms, p99 {p99:.2} ms"))
}
