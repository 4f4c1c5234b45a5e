//! Listening and stopping. A stop has two steps: no new connections and time to finish, then the cut.

use crate::{
    app::App,
    http,
    service::{admission, push_keys, setup},
    worker,
};
use anyhow::Context;
use axum::{body::Body, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// How long a client may take to send the head of a request, unless the settings give less for the whole of it.
const HEADERS_TIME: Duration = Duration::from_secs(15);
/// The rest after the system refused a connection, for instance for lack of file descriptors.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

type Service = tower_http::normalize_path::NormalizePath<axum::Router>;

/// Serves until the process is told to stop (SIGTERM or SIGINT), with all workers. Told again, it stops at once.
pub async fn run(app: App, listener: TcpListener) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let ended = serve(app, listener, stop.clone());
    let signalled = async {
        wait_for_signal().await;
        tracing::info!("stopping: no new connections, finishing what is under way");
        stop.cancel();
        wait_for_signal().await;
        tracing::warn!("told to stop again: cutting off what is under way");
    };
    tokio::select! {
        ended = ended => ended,
        () = signalled => Ok(()),
    }
}

/// Serves until the token is cancelled; then finishes what is under way, within the time that the settings give.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let workers = TaskTracker::new();
    let scrapes = http::metrics::listen(&app).await?;
    app.store.keep_polls();
    push_keys::prepare(&app).await?;
    worker::start(&app, &workers, &stop);
    if let Some(listener) = scrapes {
        workers.spawn(http::metrics::serve(app.clone(), listener, stop.clone()));
    }
    if let Some(link) = setup::link(&app).await? {
        // Not logged: the link is a secret while it stands.
        println!("Nobody can sign in yet. Make the first account, the owner's, at {link}");
    }
    tracing::info!(%address, engine = app.store.engine(), url = %app.base_url, "listening");
    accept(&app, &listener, &stop).await;
    workers.close();
    if tokio::time::timeout(app.settings.shutdown, workers.wait()).await.is_err() {
        tracing::warn!("workers were cut off");
    }
    admission::give_back_leases(&app).await?;
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn accept(app: &App, listener: &TcpListener, stop: &CancellationToken) {
    let service = http::outside(app.clone());
    let head_time = HEADERS_TIME.min(app.settings.request_timeout);
    let places = Arc::new(Semaphore::new(app.settings.max_connections));
    let graceful = GracefulShutdown::new();
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => break,
            connection = next(listener, &places) => connection,
        };
        match connection {
            Ok((stream, peer, place)) => talk(&service, head_time, &graceful, stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(AFTER_REFUSAL).await;
            }
        }
    }
    app.store.wakeups().close(); // who waits is answered now, and waits on elsewhere
    if tokio::time::timeout(app.settings.shutdown, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not finish in time and were cut off");
    }
}

/// The next connection, once there is a place for it: further ones wait in the system's queue.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn talk(
    service: &Service,
    head_time: Duration,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
) {
    let service = service.clone().map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(Body::new)
    });
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime handles signals");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime handles signals");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    tokio::signal::ctrl_c().await.expect("the runtime handles signals");
}
