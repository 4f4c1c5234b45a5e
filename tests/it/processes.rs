//! The hourly window across calls at the same moment, processes beside each other, and restarts (contract 3.1, 3.10; quality A14).

use crate::{
    accidents,
    harness::{World, on_both},
};
use hitl_server::service::admission;

const PATH: &str = "/v1/test";

async fn key_of(world: &World, limit: i64) -> String {
    let owner = world.person("owner@example.com").await;
    world.key_with(&owner, |new| new.hourly_limit = Some(limit)).await.1
}

/// Calls each process that often, all at once; how many were let in. Nothing but 200 and 429 may come back.
async fn rush(processes: &[&World], key: &str, calls: usize) -> usize {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..calls {
        for process in processes {
            let (process, key) = (World::clone(process), key.to_owned());
            running.spawn(async move { process.get(PATH).key(&key).await });
        }
    }
    let answers = running.join_all().await;
    for answer in &answers {
        assert!([200, 429].contains(&answer.status), "{}: {}", answer.status, answer.body);
        assert_eq!(answer.status == 429, !answer.header("retry-after").is_empty());
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

fn remaining(answer: &crate::harness::Answer) -> i64 {
    answer.header("x-ratelimit-remaining").parse().unwrap()
}

on_both! {
    async fn a14_exactly_the_limit_is_let_in(world: World) {
        let key = key_of(&world, 20).await;
        assert_eq!(rush(&[&world], &key, 60).await, 20);
        assert_eq!(rush(&[&world], &key, 5).await, 0);
        world.clock.advance(3600);
        assert_eq!(rush(&[&world], &key, 60).await, 20, "and again in the next window");
    }

    async fn a14_exactly_the_limit_is_let_in_by_two_processes_and_after_a_restart(world: World) {
        let (key, other) = (key_of(&world, 20).await, world.beside(|_| {}).await);
        assert_eq!(rush(&[&world, &other], &key, 6).await, 12);
        admission::give_back_leases(&other.app).await.unwrap();
        let restarted = world.beside(|_| {}).await;
        assert_eq!(rush(&[&world, &restarted], &key, 20).await, 8);
        let crashed = world.beside(|_| {}).await;
        assert_eq!(rush(&[&world, &restarted, &crashed], &key, 5).await, 0);
        world.clock.advance(3600);
        assert_eq!(rush(&[&world, &restarted, &crashed], &key, 20).await, 20);
    }

    async fn a14_one_call_of_a_limit_of_one(world: World) {
        let (key, other) = (key_of(&world, 1).await, world.beside(|_| {}).await);
        assert_eq!(rush(&[&world, &other], &key, 10).await, 1);
    }

    async fn contract_3_3_each_of_many_calls_is_told_another_remainder(world: World) {
        let (key, other) = (key_of(&world, 30).await, world.beside(|_| {}).await);
        let mut running = tokio::task::JoinSet::new();
        for turn in 0..30 {
            let (process, key) = (if turn % 2 == 0 { world.clone() } else { other.clone() }, key.clone());
            running.spawn(async move { remaining(&process.get(PATH).key(&key).await) });
        }
        let mut told = running.join_all().await;
        told.sort_unstable();
        assert_eq!(told, (0..30).collect::<Vec<_>>());
    }

    async fn a14_big_limits_are_counted_in_blocks_and_never_passed(world: World) {
        let (key, other) = (key_of(&world, 5000).await, world.beside(|_| {}).await);
        assert_eq!(rush(&[&world, &other], &key, 1).await, 2);
        // Each process holds a block of five now, of which it has used one. All but twelve of the rest are gone elsewhere.
        accidents::run(&world, "update windows set used = 4988").await;
        assert_eq!(rush(&[&world, &other], &key, 40).await, 4 + 4 + 12);
        assert_eq!(rush(&[&world, &other], &key, 5).await, 0);
        world.clock.advance(3600);
        assert_eq!(rush(&[&world, &other], &key, 1).await, 2);
    }

    async fn contract_3_3_what_other_processes_took_of_a_big_limit_is_told_within_a_second(world: World) {
        let (key, other) = (key_of(&world, 5000).await, world.beside(|_| {}).await);
        let told = async |process: &World| remaining(&process.get(PATH).key(&key).await);
        assert_eq!(told(&world).await, 4999);
        assert_eq!(rush(&[&other], &key, 100).await, 100);
        world.clock.advance(1);
        assert_eq!(told(&world).await, 4898, "all were used but those that this process holds");
        accidents::run(&world, "alter table windows rename to elsewhere").await;
        world.clock.advance(1);
        assert_eq!(told(&world).await, 4897, "what cannot be seen changes nothing");
        accidents::run(&world, "alter table elsewhere rename to windows").await;
    }

    async fn contract_3_10_what_was_used_survives_a_restart_and_no_more(world: World) {
        for limit in [10, 100_000] {
            let owner = world.person(&format!("owner{limit}@example.com")).await;
            let (_, key) = world.key_with(&owner, |new| new.hourly_limit = Some(limit)).await;
            let mut process = world.beside(|_| {}).await;
            let reset = (world.now().seconds() + 3600).to_string();
            for used in 1..=4 {
                let tested = process.get(PATH).key(&key).await;
                assert_eq!((remaining(&tested), tested.header("x-ratelimit-reset")), (limit - used, &*reset));
                admission::give_back_leases(&process.app).await.unwrap();
                process = world.beside(|_| {}).await;
            }
        }
    }

    async fn a_process_that_gave_back_its_leases_serves_on(world: World) {
        let key = key_of(&world, 5000).await;
        for used in 1..=7 {
            assert_eq!(remaining(&world.get(PATH).key(&key).await), 5000 - used);
            admission::give_back_leases(&world.app).await.unwrap();
        }
    }
}
