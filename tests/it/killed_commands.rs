//! `kill -9` of commands that move very much: what they leave is whole, and the same command again ends what was begun (issue 5).

use crate::{
    copying::{engine, grown, other, world_on},
    exporting::{exported, file_of},
    harness::{Database, question},
    process::{killed_until_it_ends, run},
    program::{Process, with_processes_on_both},
    pulling::anns,
};
use hitl_server::{
    domain::Timestamp,
    service::copying,
    store::{Store, rows},
};
use std::collections::HashSet;

/// More than two pages.
const REQUESTS: i64 = 250;

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
        let target = Database::create(other(&world)).await;
        anns(&target).await;
        let pull = ["pull", "--from", &source.url, "--user", "ann@example.com"];
        let (kills, code) = killed_until_it_ends(&target.url, &pull, &[("HITL_PULL_KEY", &key)]).await;
        println!("killed {kills} times");
        assert!(kills > 3 && code == Some(0), "{code:?}");
        let there = world_on(&target, &world).await;
        for (table, count) in [("requests", REQUESTS), ("loops", 1)] {
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
        let target = Database::create(engine(&world)).await;
        let (kills, code) = killed_until_it_ends(&target.url, &["import", file.to_str().unwrap()], &[]).await;
        println!("killed {kills} times");
        assert!(kills > 3 && code == Some(0), "{code:?}");
        assert_eq!(exported(&target.url).await, exported(&world.url).await);
        target.drop().await;
    }

    async fn a_copy_that_is_killed_leaves_nothing_and_is_made_again(world: World) {
        let (asker, _) = grown(&world).await;
        for _ in 0..REQUESTS {
            world.ask(&asker, &question()).await;
        }
        // From a database that no server works with.
        let (source, target) = (Database::create(engine(&world)).await, Database::create(other(&world)).await);
        let resting = world_on(&source, &world).await;
        let copied = copying::copy(&world.app.store, &resting.app.store).await.unwrap();
        resting.app.store.close().await;
        drop(resting);
        assert_eq!(run(&target.url, &["migrate"]).await.code, Some(0));
        let (kills, code) = killed_until_it_ends("", &["copy", "--from", &source.url, "--to", &target.url], &[]).await;
        println!("killed {kills} times");
        // It refuses a target that is not empty: so each that was killed left nothing, but for one that was killed when all was done.
        assert!(kills > 3 && [Some(0), Some(4)].contains(&code), "{code:?}");
        let store = Store::open(&target.url, 1).await.unwrap();
        for it in copied {
            assert_eq!(rows::count(&store, it.table).await.unwrap(), it.rows, "{}", it.table);
        }
        store.close().await;
        source.drop().await;
        target.drop().await;
    }
}
