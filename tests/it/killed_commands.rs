//! `kill -9` of commands that move very much: what they leave is whole, and the same command again ends what was begun (issue 5).

use crate::{
    copying::{engine, grown, other, world_on},
    exporting::{exported, file_of},
    harness::{Database, Engine, World, question},
    process::{Said, killed_until_it_ends, run, run_confined},
    program::{Process, with_processes_on_both},
    proxy::{Proxy, Way},
    pulling::anns,
};
use hitl_server::{
    domain::Timestamp,
    service::copying::{self, Moved},
    store::{Store, rows},
};
use std::{collections::HashSet, time::Duration};

/// More than two pages.
const REQUESTS: i64 = 250;

/// The exit code of a copy into what is not empty.
const REFUSED: i32 = 4;

with_processes_on_both! {
    async fn a_pull_that_is_killed_is_gone_on_with(world: World) {
        world.clock.set(Timestamp::from_seconds(world.now().seconds())); // the API says no fractions
        let asker = world.asker().await;
        let mut asked = HashSet::new();
        for _ in 0..REQUESTS {
            asked.insert(world.ask(&asker, &question()).await);
        }
        let (_, key) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(0)).await;
        let source = Process::start(&world).await;
        let members = rows::count(&world.app.store, "members").await.unwrap();
        leave_to_others(&world).await;
        let target = Database::create(other(&world)).await;
        anns(&target).await;
        let pull = ["pull", "--from", &source.url, "--user", "ann@example.com"];
        let kills = killed_until_it_ends(&target.url, &pull, &[("HITL_PULL_KEY", &key)], &[0]).await;
        println!("killed {kills} times");
        assert!(kills > 3);
        let there = world_on(&target, &world).await;
        for (table, count) in [("requests", REQUESTS), ("loops", 1), ("members", members)] {
            assert_eq!(rows::count(&there.app.store, table).await.unwrap(), count, "{table}");
        }
        let export = run(&target.url, &["export", "--user", "ann@example.com"]).await.out;
        assert!(asked.iter().all(|id| export.contains(id.as_str())));
        there.app.store.close().await;
        target.drop().await;
    }

    async fn an_import_that_is_killed_is_gone_on_with(world: World) {
        let asker = world.asker().await;
        for _ in 0..REQUESTS {
            world.ask(&asker, &question()).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("owner.jsonl");
        std::fs::write(&file, file_of(&world.url).await).unwrap();
        leave_to_others(&world).await;
        let target = Database::create(engine(&world)).await;
        let kills = killed_until_it_ends(&target.url, &["import", file.to_str().unwrap()], &[], &[0]).await;
        println!("killed {kills} times");
        assert!(kills > 3);
        assert_eq!(exported(&target.url).await, exported(&world.url).await);
        target.drop().await;
    }

    async fn a_copy_that_is_killed_leaves_nothing_and_is_made_again(world: World) {
        let (source, target, copied) = before_copying(&world).await;
        // It refuses a target that is not empty: so each that was killed left nothing, or all where that came between its commit
        // and its end.
        let copy = ["copy", "--from", &source.url, "--to", &target.url];
        let kills = killed_until_it_ends("", &copy, &[], &[0, REFUSED]).await;
        println!("killed {kills} times");
        assert!(kills > 3);
        have_arrived(&target, copied).await;
        source.drop().await;
        target.drop().await;
    }

    async fn a_copy_whose_target_fails_leaves_nothing_and_is_made_again(world: World) {
        let (source, target, copied) = before_copying(&world).await;
        let mut failures = 0;
        loop {
            let said = match target.engine {
                Engine::Sqlite => copy_without_room(&source, &target, failures).await,
                Engine::Postgres => copy_cut_off(&source, &target, failures).await,
            };
            if [Some(0), Some(REFUSED)].contains(&said.code) {
                break; // refused where the last one failed after its commit
            }
            assert_eq!(said.code, Some(1), "{said:?}");
            failures += 1;
        }
        println!("failed {failures} times");
        assert!(failures > 3);
        have_arrived(&target, copied).await;
        source.drop().await;
        target.drop().await;
    }
}

/// Closes what a world worked with. Preparing takes as many connections as there may be, and they stay open: where many tests run
/// at once on one Postgres, none would be left for the commands.
async fn leave_to_others(world: &World) {
    world.app.store.close().await;
}

/// A grown installation that no server works with, an empty target on the other engine, and what is to arrive there.
async fn before_copying(world: &World) -> (Database, Database, Vec<Moved>) {
    let (asker, _) = grown(world).await;
    for _ in 0..REQUESTS {
        world.ask(&asker, &question()).await;
    }
    let (source, target) = (Database::create(engine(world)).await, Database::create(other(world)).await);
    let resting = world_on(&source, world).await;
    let copied = copying::copy(&world.app.store, &resting.app.store).await.unwrap();
    resting.app.store.close().await;
    leave_to_others(world).await;
    assert_eq!(run(&target.url, &["migrate"]).await.code, Some(0));
    (source, target, copied)
}

async fn have_arrived(target: &Database, copied: Vec<Moved>) {
    let store = Store::open(&target.url, 1).await.unwrap();
    for it in copied {
        assert_eq!(rows::count(&store, it.table).await.unwrap(), it.rows, "{}", it.table);
    }
    store.close().await;
}

/// Copies into files that may grow by a little more after each failure.
async fn copy_without_room(source: &Database, target: &Database, failures: u32) -> Said {
    const SOME: u32 = 100;
    const MORE: u32 = 200;
    run_confined(SOME + failures * MORE, &["copy", "--from", &source.url, "--to", &target.url]).await
}

/// Copies to a server that goes away a little later after each failure.
async fn copy_cut_off(source: &Database, target: &Database, failures: u32) -> Said {
    const LATER: Duration = Duration::from_millis(25);
    let (proxy, url) = Proxy::before(&target.url).await;
    let cut = async {
        tokio::time::sleep(failures * LATER).await;
        proxy.becomes(Way::Cut);
    };
    let copy = ["copy", "--from", &source.url, "--to", &url];
    tokio::join!(run("", &copy), cut).0
}
