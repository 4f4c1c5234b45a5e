//! Deadlines by the real clock, with the workers running: invariant 5.

use crate::harness::{BASE, World, on_both, question_with};
use hitl_server::{app::App, store::Store, worker};
use serde_json::json;
use std::time::Duration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A process beside the world's, by the system's clock.
async fn live(world: &World) -> App {
    let store = Store::open(&world.url, 4).await.unwrap();
    App::new(store, (*world.app.settings).clone(), BASE)
}

on_both! {
    async fn a05_a_deadline_is_served_without_traffic_and_once(world: World) {
        let processes = [live(&world).await, live(&world).await];
        let now = || processes[0].now();
        let ask = question_with(&json!({"timeout_seconds": 60}));
        world.clock.set(now().plus_seconds(-3600));
        let asker = world.asker().await;
        let overdue = world.ask(&asker, &ask).await; // nobody was running when its time came
        world.clock.set(now().plus_seconds(-58));
        let id = world.ask(&asker, &ask).await;
        let deadline = world.now().plus_seconds(60);

        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        for app in &processes {
            worker::start(app, &tasks, &stop);
        }
        let served = loop {
            if world.events(&id).await.len() > 1 {
                break now();
            }
            assert!(now() < deadline.plus_seconds(5), "five seconds late already");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let late = served.micros_since(deadline);
        assert!((0..1_000_000).contains(&late), "{late} µs after the deadline");
        tokio::time::sleep(Duration::from_millis(500)).await; // for the other process to do it again, if it would
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        for id in [&id, &overdue] {
            assert_eq!(world.events(id).await, ["request.created", "request.timeout"]);
        }
        for app in &processes {
            app.store.close().await;
        }
    }
}
