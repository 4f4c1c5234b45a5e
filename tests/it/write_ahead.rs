//! The log that SQLite writes ahead of its file: it is moved into the file while people write, and stays short (design 3).

use crate::harness::{Engine, World, in_world};
use hitl_server::{
    service::exporting,
    store::{Db, Store},
    worker::checkpoint,
};
use std::{path::PathBuf, time::Duration};
use tokio::time::Instant;

/// What the worker lets the log grow to, in bytes, and twice as much again for what comes while it rests and works.
const MOST: u64 = 3 * 16 * 1024 * 1024;
/// Bytes of one write, and how many each writer makes.
const LARGE: usize = 64 * 1024;
const WRITES: usize = 800;
const WRITERS: usize = 4;

fn log_of(world: &World) -> PathBuf {
    let mut name = Store::sqlite_file(&world.url).unwrap().into_os_string();
    name.push("-wal");
    name.into()
}

fn length(world: &World) -> u64 {
    std::fs::metadata(log_of(world)).unwrap().len()
}

/// Writes so often to a row of its own; how long the log was at most.
async fn write(world: World, email: String, writes: usize) -> u64 {
    let mut longest = 0;
    for turn in 0..writes {
        let name = ["a", "b"][turn % 2].repeat(LARGE); // pages that stay the same are not written
        let renamed = world.app.store.sql("update accounts set name = $1 where email = $2").bind(&name).bind(&email);
        assert_eq!(renamed.run().await.unwrap(), 1);
        longest = longest.max(length(&world));
    }
    longest
}

async fn stays_short(world: World) {
    let emails: Vec<_> = (0..WRITERS).map(|number| format!("writer{number}@example.com")).collect();
    for email in &emails {
        world.person(email).await;
    }
    let alone = write(world.clone(), emails[0].clone(), 50).await;
    assert!(alone > 50 * LARGE as u64, "nobody shortens it: {alone}");

    let app = world.app.clone();
    let checkpoints = tokio::spawn(async move {
        loop {
            let rest = checkpoint::step(app.clone()).await.unwrap();
            tokio::time::sleep(rest).await;
        }
    });
    let writers: Vec<_> =
        emails.iter().map(|email| tokio::spawn(write(world.clone(), email.clone(), WRITES))).collect();
    let mut longest = 0;
    for writer in writers {
        longest = longest.max(writer.await.unwrap());
    }
    checkpoints.abort();
    let written = (WRITERS * WRITES * LARGE) as u64;
    assert!(longest < MOST && written > 3 * MOST, "{longest} bytes at most while {written} were written");
}

async fn is_taken_back(world: World) {
    let owner = world.asker().await.owner;
    let mut export = exporting::begin(&world.app, owner).await.unwrap();
    export.next().await.unwrap().unwrap();
    let before = length(&world);
    write(world.clone(), "owner@example.com".to_owned(), WRITES).await;
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let began = Instant::now();
        checkpoint::step(world.app.clone()).await.unwrap();
        quickest = quickest.min(began.elapsed());
    }
    let (grown, written) = (length(&world) - before, (WRITES * LARGE) as u64);
    assert!(grown > written && grown < written / 10 * 12, "{grown} bytes while {written} were written");
    assert!(quickest < Duration::from_millis(25), "nobody who writes waits for the export: {quickest:?}");

    while export.next().await.unwrap().is_some() {}
    drop(export);
    checkpoint::step(world.app.clone()).await.unwrap();
    write(world.clone(), "owner@example.com".to_owned(), 1).await;
    assert!(length(&world) <= MOST / 3, "it stays {} bytes long", length(&world));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlites_log_grows_by_what_is_written_during_an_export_and_is_taken_back_afterwards() {
    in_world(Engine::Sqlite, is_taken_back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlites_log_stays_short_under_writes() {
    in_world(Engine::Sqlite, stays_short).await;
}
