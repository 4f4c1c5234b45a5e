//! Listening and stopping. A stop has two steps: no new connections and time to finish, then the cut.

use crate::{
    app::App,
    head_timer::HeadTimer,
    http,
    service::{admission, push_keys, setup},
    tls::{self, Certificate},
    worker,
};
use anyhow::Context;
use axum::{body::Body, extract::ConnectInfo};
use futures_util::FutureExt;
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
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
    let certificate = app.settings.tls.as_ref().map(Certificate::read).transpose()?;
    let acceptor = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let workers = TaskTracker::new();
    let scrapes = http::metrics::listen(&app).await?;
    app.store.keep_polls();
    push_keys::prepare(&app).await?;
    worker::start(&app, &workers, &stop);
    if let Some(listener) = scrapes {
        workers.spawn(http::metrics::serve(app.clone(), listener, stop.clone()));
    }
    if let Some(certificate) = certificate {
        workers.spawn(tls::read_when_told(certificate, stop.clone()));
    }
    if let Some(link) = setup::link(&app).await? {
        // Not logged: the link is a secret while it stands.
        println!("Nobody can sign in yet. Make the first account, the owner's, at {link}");
    }
    tracing::info!(%address, engine = app.store.engine(), url = %app.base_url, "listening");
    accept(&app, &listener, acceptor, &stop).await;
    workers.close();
    if tokio::time::timeout(app.settings.shutdown, workers.wait()).await.is_err() {
        tracing::warn!("workers were cut off");
    }
    admission::give_back_leases(&app).await?;
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn accept(app: &App, listener: &TcpListener, acceptor: Option<TlsAcceptor>, stop: &CancellationToken) {
    let head_time = HEADERS_TIME.min(app.settings.request_timeout);
    let talking = Talking { service: http::outside(app.clone()), head_time, acceptor };
    let places = Arc::new(Semaphore::new(app.settings.max_connections));
    let graceful = GracefulShutdown::new();
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => break,
            connection = next(listener, &places) => connection,
        };
        match connection {
            Ok((stream, peer, place)) => {
                tokio::spawn(talking.clone().talk(graceful.watcher(), stream, peer, place));
            }
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

/// How connections are talked on.
#[derive(Clone)]
struct Talking {
    service: Service,
    head_time: Duration,
    /// What makes them secret, where that is wanted.
    acceptor: Option<TlsAcceptor>,
}

impl Talking {
    async fn talk(self, watcher: Watcher, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let _ = stream.set_nodelay(true);
        match &self.acceptor {
            None => self.serve(watcher, stream, peer).await,
            Some(acceptor) => Box::pin(self.make_secret(acceptor, watcher, stream, peer)).await, // larger by far
        }
        drop(place);
    }

    async fn make_secret(&self, acceptor: &TlsAcceptor, watcher: Watcher, stream: TcpStream, peer: SocketAddr) {
        match timeout(self.head_time, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(watcher, stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection was not made secret"),
            Err(_) => tracing::debug!("a connection was not made secret in time"),
        }
    }

    /// Put together here and not in an async function, which would hold the connection twice.
    fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        watcher: Watcher,
        stream: S,
        peer: SocketAddr,
    ) -> impl Future<Output = ()> + Send + use<S> {
        let service = self.service.clone().map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(HeadTimer::default())
            .header_read_timeout(self.head_time)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        watcher.watch(connection).map(|ended| {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        })
    }
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
