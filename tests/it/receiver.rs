//! A receiver of webhooks on a free port of this machine: it keeps what comes and answers what the test says.

use crate::harness::World;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, Uri},
};
use hitl_server::{domain::targets::Targets, http, sender::Sender};
use serde_json::Value;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// The same server, with permission to send to this machine.
pub(crate) fn reaching_loopback(world: &World) -> World {
    reaching(world, Targets { allowed: Targets::loopback().to_vec(), private_networks: false })
}

/// The same server, which sends where these allow.
pub(crate) fn reaching(world: &World, targets: Targets) -> World {
    let app = world.app.changed(|parts| parts.sender = Arc::new(Sender::new(targets)));
    World { router: http::outside(app.clone()), app, ..world.clone() }
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The same where it is no text.
    pub(crate) bytes: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn event(&self) -> String {
        self.json()["event"].as_str().unwrap().to_owned()
    }
}

/// What to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Only once the receiver is told to go on.
    pub(crate) hangs: bool,
}

/// An answer with nothing but a status.
pub(crate) fn status(status: u16) -> Reply {
    Reply { status, ..Reply::default() }
}

/// An answer with a header.
pub(crate) fn with_header(code: u16, name: &'static str, value: &str) -> Reply {
    Reply { headers: vec![(name, value.to_owned())], ..status(code) }
}

struct Inner {
    received: Mutex<Vec<Received>>,
    next: Mutex<VecDeque<Reply>>,
    usual: Mutex<Reply>,
    came: Notify,
    go_on: watch::Sender<bool>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    /// A receiver that answers 200.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner {
            received: Mutex::default(),
            next: Mutex::default(),
            usual: Mutex::new(status(200)),
            came: Notify::new(),
            go_on: watch::Sender::new(false),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(receive).with_state(inner.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inner, server }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers this from now on.
    pub(crate) fn answers(&self, reply: Reply) {
        *self.inner.usual.lock().unwrap() = reply;
    }

    /// Answers this to the next calls, one each.
    pub(crate) fn answers_next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.next.lock().unwrap().extend(replies);
    }

    /// Answers those that hang.
    pub(crate) fn goes_on(&self) {
        self.inner.go_on.send_replace(true);
    }

    /// All that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// What came since last asked, by this or [`Self::only`].
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.inner.received.lock().unwrap())
    }

    /// The one that came since last asked.
    #[track_caller]
    pub(crate) fn only(&self) -> Received {
        let mut came = self.take();
        assert_eq!(came.len(), 1, "{came:#?}");
        came.remove(0)
    }

    /// Waits until so many have come; at most ten seconds.
    pub(crate) async fn has(&self, count: usize) {
        let enough = async {
            loop {
                let came = self.inner.came.notified();
                if self.received().len() >= count {
                    return;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), enough).await;
        assert!(waited.is_ok(), "{} of {count} came", self.received().len());
    }
}

async fn receive(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let text = String::from_utf8_lossy(&body).into_owned();
    inner.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body: text, bytes: body });
    inner.came.notify_waiters();
    let next = inner.next.lock().unwrap().pop_front();
    let reply = next.unwrap_or_else(|| inner.usual.lock().unwrap().clone());
    if reply.hangs {
        let _ = inner.go_on.subscribe().wait_for(|go_on| *go_on).await;
    }
    let response = reply
        .headers
        .iter()
        .fold(Response::builder().status(reply.status), |it, (name, value)| it.header(*name, value));
    response.body(Body::from(reply.body)).unwrap()
}
