//! Many at once: what a race needs.

use crate::harness::{Answer, Asker, BASE, World};
use hitl_server::{app::App, http};
use serde_json::Value;
use std::future::Future;

/// Runs all of these at the same time; their results in the order given.
pub(crate) async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let started: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in started {
        results.push(task.await.unwrap());
    }
    results
}

/// A process for many who come at once: limits on guessing are out of the way, and it draws real chance, since what tests
/// draw only counts and makes the same invite code now and then.
pub(crate) fn patient(world: &World) -> World {
    let mut settings = (*world.app.settings).clone();
    let most = 1_000_000.try_into().unwrap();
    (settings.limits.failed_sign_ins_per_minute, settings.limits.failed_keys_per_minute) = (most, most);
    let store = world.app.store.clone();
    let chance = App::new(store.clone(), settings.clone(), BASE).rng.clone();
    let app = App::with(store, settings, BASE, world.clock.clone(), chance);
    World { router: http::outside(app.clone()), app, clock: world.clock.clone(), url: world.url.clone() }
}

/// The sessions of so many people in the asker's loop.
pub(crate) async fn rivals(world: &World, asker: &Asker, count: usize) -> Vec<String> {
    let door =
        world.beside(|settings| settings.limits.failed_sign_ins_per_minute = 1_000_000.try_into().unwrap()).await;
    let mut sessions = Vec::new();
    for number in 0..count {
        sessions.push(door.reviewer(&format!("rival{number}@example.com"), &asker.code).await.1);
    }
    sessions
}

/// Posts to all of these (session and path) at the same time, every other one through a second process.
pub(crate) async fn post_at_once(world: &World, posts: Vec<(String, String)>, body: &Value) -> Vec<Answer> {
    let processes = [world.clone(), world.beside(|_| {}).await];
    let post = |(number, (session, path)): (usize, (String, String))| {
        let (process, body) = (processes[number % 2].clone(), body.clone());
        async move { process.post(&path).key(&session).json(&body).await }
    };
    at_once(posts.into_iter().enumerate().map(post)).await
}
