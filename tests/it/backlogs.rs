//! A receiver for which much waits: what the others notice of it (quality A9).

use crate::{
    accidents,
    harness::{Asker, World, on_both},
    hooking::{hook, rename, subscriber},
};
use hitl_server::{service::deliveries, store};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// How many of each receiver, and of all, are asked for.
const EACH: i64 = 8;
const MOST: i64 = 64;

/// Somebody with so many webhooks that hear of changes of loops; their ids.
async fn with_hooks(world: &World, count: usize) -> (Asker, Vec<String>) {
    let asker = subscriber(world).await;
    let mut hooks = Vec::new();
    for number in 0..count {
        let body = json!({"url": format!("http://127.0.0.1:9/{number}"), "events": ["loop.updated"]});
        hooks.push(hook(world, &asker, &body).await);
    }
    (asker, hooks)
}

/// Makes so many more of what waits for a webhook, all due since the same instant.
async fn multiply(world: &World, hook: &str, count: usize) {
    let copied = "event_id, event, kind, account_id, webhook_id, url, endpoint, body, status, attempt, cause, next_attempt_at, created_at";
    let statement = format!(
        "with recursive numbers(k) as (select 1 union all select k + 1 from numbers where k < {count})
         insert into deliveries (id, {copied}) select substr(id, 1, 17) || (1000000 + k), {copied} from deliveries, numbers
         where endpoint = '{hook}'"
    );
    accidents::run(world, &statement).await;
    if world.app.store.engine() == "postgres" {
        accidents::run(world, "analyze deliveries").await; // as it does by itself within a minute; until then it keeps a plan for few
    }
}

/// How many of each receiver are leased.
async fn leased(world: &World, busy: &[&str], most: i64) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for it in deliveries::lease(&world.app, busy, EACH, most).await.unwrap().leased {
        *counts.entry(it.endpoint).or_default() += 1;
    }
    counts
}

/// How long it takes to look for what is due, at best.
#[expect(clippy::disallowed_methods, reason = "measures how long looking takes")]
async fn looking_takes(world: &World, busy: &[&str]) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..20 {
        let start = std::time::Instant::now();
        store::deliveries::coming(&world.app.store, busy, EACH, MOST, world.now()).await.unwrap();
        shortest = shortest.min(start.elapsed());
    }
    shortest
}

on_both! {
    async fn a09_looking_past_a_backlog_takes_no_longer_when_it_is_long(world: World) {
        let (asker, hooks) = with_hooks(&world, 3).await;
        rename(&world, &asker, "New").await;
        multiply(&world, &hooks[0], 20).await;
        for busy in [&[][..], &[hooks[0].as_str()]] {
            looking_takes(&world, busy).await;
        }
        let short = [looking_takes(&world, &[]).await, looking_takes(&world, &[&hooks[0]]).await];
        accidents::run(&world, &format!("delete from deliveries where endpoint = '{}'", hooks[0])).await;
        rename(&world, &asker, "Newer").await;
        multiply(&world, &hooks[0], 30_000).await;
        let long = [looking_takes(&world, &[]).await, looking_takes(&world, &[&hooks[0]]).await];
        for (short, long) in short.into_iter().zip(long) {
            assert!(long < short * 4 + Duration::from_millis(1), "{short:?} past twenty, {long:?} past thirty thousand");
        }
        let others = BTreeMap::from([(hooks[1].clone(), 2), (hooks[2].clone(), 2)]);
        assert_eq!(leased(&world, &[&hooks[0]], MOST).await, others);
        assert_eq!(leased(&world, &[], MOST).await, BTreeMap::from([(hooks[0].clone(), 8)]), "the others' are leased");
    }

    async fn a09_receivers_take_turns(world: World) {
        let (asker, hooks) = with_hooks(&world, 4).await;
        rename(&world, &asker, "New").await;
        multiply(&world, &hooks[0], 40).await;
        world.clock.advance(1);
        for count in 0..3 {
            rename(&world, &asker, &format!("Later {count}")).await;
        }
        accidents::run(&world, &format!("delete from deliveries where endpoint = '{}'", hooks[3])).await;
        let counts = |counts: [usize; 3]| hooks.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>();
        assert_eq!(leased(&world, &[], 4).await, counts([2, 1, 1]), "one of each before a second one");
        assert_eq!(leased(&world, &[], MOST).await, counts([8, 3, 3]), "up to so many of one");
        for left in [8, 8, 8, 8, 2, 0] {
            let taken = deliveries::lease(&world.app, &[], EACH, MOST).await.unwrap();
            assert_eq!(taken.leased.len(), left);
            assert!(taken.next_due.is_some_and(|due| (due <= world.now()) == (left > 0)), "{:?}", taken.next_due);
        }
        world.clock.advance(60);
        assert_eq!(leased(&world, &[&hooks[0], &hooks[1]], MOST).await, counts([0, 0, 4]), "leases run out");
    }

    async fn what_is_due_later_hides_nothing_that_is_due(world: World) {
        let (asker, hooks) = with_hooks(&world, 3).await;
        rename(&world, &asker, "New").await;
        world.clock.advance(-60);
        assert_eq!(leased(&world, &[], MOST).await, BTreeMap::new());
        let next = deliveries::lease(&world.app, &[], EACH, MOST).await.unwrap().next_due.unwrap();
        assert_eq!(next.seconds() - world.now().seconds(), 60);
        rename(&world, &asker, "Newer").await;
        multiply(&world, &hooks[2], 1).await; // of both: two due, two a minute later
        assert_eq!(leased(&world, &[], 4).await.values().sum::<usize>(), 4);
        assert_eq!(leased(&world, &[], 3).await.values().sum::<usize>(), 0);
        assert!(deliveries::lease(&world.app, &[&hooks[0], &hooks[1], &hooks[2]], EACH, MOST).await.unwrap().next_due.is_none());
    }
}
