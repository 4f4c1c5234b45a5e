//! A way to the database that can be cut, fall silent or become slow, as networks do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What becomes of those who go this way.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum Way {
    Open,
    /// Connections break, and new ones too, as when the server is stopped.
    Cut,
    /// Nothing comes through any more, and nobody says so.
    Silent,
    /// Everything takes a while.
    Slow,
}

/// The way, and where it begins.
pub(crate) struct Proxy {
    pub(crate) address: String,
    way: Arc<AtomicU8>,
}

impl Proxy {
    /// In front of the database with that URL; the URL by this way.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let (user, server) = authority.rsplit_once('@').map_or(("", authority), |(user, server)| (user, server));
        let server = if server.contains(':') { server.to_owned() } else { format!("{server}:5432") };
        let proxy = Self::to(server).await;
        let at = if user.is_empty() { String::new() } else { format!("{user}@") };
        let url = format!("{scheme}://{at}{}/{path}", proxy.address);
        (proxy, url)
    }

    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, way) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicU8::new(Way::Open as u8)));
        let ways = way.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), ways.clone()));
            }
        });
        Self { address, way }
    }

    pub(crate) fn becomes(&self, way: Way) {
        self.way.store(way as u8, Relaxed);
    }
}

async fn carry(near: TcpStream, server: String, way: Arc<AtomicU8>) {
    let is = |it: Way| way.load(Relaxed) == it as u8;
    while is(Way::Silent) {
        sleep(Duration::from_millis(20)).await;
    }
    if is(Way::Cut) {
        return;
    }
    let far = TcpStream::connect(server).await.unwrap();
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let cut = async {
        while !is(Way::Cut) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = pass(near_in, far_out, &way) => {}
        () = pass(far_in, near_out, &way) => {}
        () = cut => {}
    }
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, way: &AtomicU8) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while way.load(Relaxed) == Way::Silent as u8 {
            sleep(Duration::from_millis(20)).await;
        }
        if way.load(Relaxed) == Way::Slow as u8 {
            sleep(Duration::from_millis(400)).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
