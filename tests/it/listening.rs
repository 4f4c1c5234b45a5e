//! Listening and waiting: what the tests of streams and waits share.

use crate::harness::World;
use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt;
use serde_json::Value;
use std::{future::Future, time::Duration};
use tower::ServiceExt;

/// So long a test waits for what must happen before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what must happen soon.
#[track_caller]
pub(crate) fn soon<F: Future>(what: F) -> impl Future<Output = F::Output> {
    let from = std::panic::Location::caller();
    async move { tokio::time::timeout(PATIENCE, what).await.unwrap_or_else(|_| panic!("it did not happen: {from}")) }
}

/// Lets a call or a stream come to rest at waiting for that request.
pub(crate) async fn parked(world: &World, id: &str) {
    soon(async {
        while !waits_for(world, id) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Whether anybody waits for that request in this process.
pub(crate) fn waits_for(world: &World, id: &str) -> bool {
    format!("{:?}", world.app.store.wakeups()).contains(id)
}

/// A stream of server-sent events being read.
pub(crate) struct Events {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Body,
    text: String,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    pub(crate) async fn open(world: &World, path: &str, key: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header("authorization", format!("Bearer {key}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Self { status: parts.status.as_u16(), headers: parts.headers, body, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if !block.starts_with(':') {
                    return Some(heard(&block));
                }
                continue;
            }
            let frame = soon(self.body.frame()).await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// All events to the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(heard) = self.next().await {
            all.push(heard);
        }
        all
    }

    /// The names of the next so many events.
    pub(crate) async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.next().await.expect("the stream goes on").name);
        }
        names
    }

    /// Asserts that nothing comes for a while.
    pub(crate) async fn silent(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(300), self.next()).await;
        assert!(heard.is_err(), "nothing should have come: {heard:?}");
    }
}

fn heard(block: &str) -> Heard {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {block}")).trim_start().to_owned()
    };
    Heard { id: field("id"), name: field("event"), data: serde_json::from_str(&field("data")).unwrap() }
}
