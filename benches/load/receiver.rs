//! A receiver of webhooks on this machine: it notes what arrives when, and answers at once, or when it is let, or never.

use crate::now;
use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
    serve::ListenerExt,
};
use serde::Deserialize;
use std::{
    future::pending,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};

/// What is waited for an arrival before it counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// The receiver. Dropped, it is gone.
pub(crate) struct Receiver {
    /// Where it takes what it answers at once.
    pub(crate) urls: Vec<String>,
    /// Where it takes what it answers when it is let.
    pub(crate) held: String,
    /// Where it takes what it never answers.
    pub(crate) hanging: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    let_go: watch::Sender<bool>,
    _listening: JoinSet<()>,
}

/// The first attempt of a delivery.
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) event: String,
    pub(crate) request_id: String,
}

/// What is read of a body.
#[derive(Deserialize)]
struct Body {
    event: String,
    request_id: String,
}

#[derive(Clone)]
struct Door {
    arrivals: mpsc::UnboundedSender<Arrival>,
    let_go: watch::Receiver<bool>,
}

impl Receiver {
    /// Listens on that many ports.
    pub(crate) async fn open(ports: usize) -> anyhow::Result<Self> {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let let_go = watch::Sender::new(false);
        let door = Door { arrivals: arrived, let_go: let_go.subscribe() };
        let router = Router::new()
            .route("/", post(receive))
            .route("/held", post(hold))
            .route("/hangs", post(pending::<StatusCode>))
            .with_state(door);
        let (mut urls, mut listening) = (Vec::new(), JoinSet::new());
        for _ in 0..ports {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            urls.push(format!("http://{}/", listener.local_addr()?));
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let served = axum::serve(listener, router.clone());
            listening.spawn(async {
                let _ = served.await;
            });
        }
        let first = urls.first().context("a receiver needs a port")?;
        let (held, hanging) = (format!("{first}held"), format!("{first}hangs"));
        Ok(Self { urls, held, hanging, arrivals, let_go, _listening: listening })
    }

    /// Answers what it holds, and from now on holds nothing.
    pub(crate) fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// What has arrived since the last look.
    pub(crate) fn arrived(&mut self) -> Vec<Arrival> {
        std::iter::from_fn(|| self.arrivals.try_recv().ok()).collect()
    }

    /// That many more arrivals of an event.
    pub(crate) async fn await_arrivals(&mut self, event: &str, count: usize) -> anyhow::Result<Vec<Arrival>> {
        let mut found = Vec::new();
        while found.len() < count {
            let next = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await.ok().flatten();
            let next = next.with_context(|| format!("only {} of {count} deliveries arrived", found.len()))?;
            if next.event == event {
                found.push(next);
            }
        }
        Ok(found)
    }
}

async fn receive(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let at = now();
    let Ok(body) = serde_json::from_slice::<Body>(&body) else { return StatusCode::BAD_REQUEST };
    if headers.get("x-hitl-attempt").is_some_and(|attempt| attempt == "1") {
        // Nobody looks any more when the measurement is over.
        let _ = door.arrivals.send(Arrival { at, event: body.event, request_id: body.request_id });
    }
    StatusCode::NO_CONTENT
}

async fn hold(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut let_go = door.let_go.clone();
    let status = receive(State(door), headers, body).await;
    let _ = let_go.wait_for(|let_go| *let_go).await;
    status
}
