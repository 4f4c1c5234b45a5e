//! Many receivers at once on a clock that goes: those that hang delay nobody, and what is written is sent at once (quality B).

use crate::{
    harness::{Asker, World, on_both},
    hooking::{hook, rename, subscriber},
    receiver::{Receiver, Reply, reaching_loopback, status},
};
use hitl_server::worker;
use serde_json::json;
use std::time::Duration;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// A worker that sends what is due, and what stops it.
fn start(world: &World) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    (tokio::spawn(worker::deliver::run(world.app.clone(), stop.clone())), stop)
}

async fn ends(worker: JoinHandle<()>) {
    tokio::time::timeout(Duration::from_secs(20), worker).await.expect("the worker ends").unwrap();
}

/// Somebody with so many webhooks at a receiver that hear of changes of loops.
async fn with_hooks(world: &World, receiver: &Receiver, count: usize) -> Asker {
    let asker = subscriber(world).await;
    for number in 0..count {
        let body = json!({"url": receiver.url(&format!("/{number}")), "events": ["loop.updated"]});
        hook(world, &asker, &body).await;
    }
    asker
}

on_both! {
    async fn a09_many_receivers_that_hang_delay_nobody(world: World) {
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.answers(Reply { hangs: true, ..status(200) });
        let asker = with_hooks(&world, &slow, 45).await;
        for count in 0..20 {
            rename(&world, &asker, &format!("Name {count}")).await;
        }
        let world = reaching_loopback(&world);
        let (worker, stop) = start(&world);
        slow.has(45).await;
        let mut so_far = 0;
        while so_far < slow.received().len() {
            so_far = slow.received().len();
            tokio::time::sleep(Duration::from_millis(500)).await; // until no more are sent
        }
        hook(&world, &asker, &json!({"url": quick.url("/"), "events": ["loop.updated"]})).await;
        for count in 1..=3 {
            let began = Instant::now();
            rename(&world, &asker, &format!("Later {count}")).await;
            quick.has(count).await;
            assert!(began.elapsed() < Duration::from_secs(1), "{:?} with {so_far} under way", began.elapsed());
        }
        stop.cancel();
        slow.answers(status(200));
        slow.goes_on();
        ends(worker).await;
    }

    async fn quality_b_the_first_attempt_comes_within_a_second_of_the_commit(world: World) {
        let receiver = Receiver::start().await;
        let asker = with_hooks(&world, &receiver, 20).await;
        let world = reaching_loopback(&world);
        let (worker, stop) = start(&world);
        for round in 1..=5 {
            // At rest: a wake-up that is lost costs five seconds.
            tokio::time::sleep(Duration::from_millis(200)).await;
            rename(&world, &asker, &format!("Round {round}")).await;
            let committed = Instant::now();
            receiver.has(20 * round).await;
            assert!(committed.elapsed() < Duration::from_secs(1), "round {round}: {:?}", committed.elapsed());
        }
        stop.cancel();
        ends(worker).await;
    }
}
