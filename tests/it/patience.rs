//! How long a receiver is waited for, and how much of its answer is read (contract 12.6, quality B). Knows no database.

use hitl_server::{
    domain::{Timestamp, targets::Targets},
    sender::{Sender, Times},
    service::deliveries::Sent,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::Instant,
};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";

/// Sends to that port, and waits so many seconds for an answer; what came of it, and how long that took.
async fn sent(port: u16, attempt: u64) -> (Sent, Duration) {
    let targets = Targets { allowed: Targets::loopback().to_vec(), private_networks: false };
    let times = Times { attempt: Duration::from_secs(attempt), connect: Duration::from_secs(1) };
    let (sender, began) = (Sender::within(targets, times), Instant::now());
    let url = format!("http://127.0.0.1:{port}/");
    let posting = sender.post(&url, &[], b"{}".to_vec(), Timestamp::from_seconds(0));
    let sent = tokio::time::timeout(Duration::from_secs(20), posting).await.expect("an attempt ends");
    (sent, began.elapsed())
}

/// A receiver that takes one call and does this with it; its port.
async fn receiver<F: Future<Output = ()> + Send + 'static>(act: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut call = [0; 4096];
        assert!(stream.read(&mut call).await.unwrap() > 0);
        act(stream).await;
    });
    port
}

#[tokio::test]
async fn contract_12_6_who_is_silent_is_waited_for_so_long() {
    let port = receiver(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    });
    let (sent, took) = sent(port.await, 2).await;
    assert_eq!((sent.status, sent.error.as_deref()), (None, Some("no answer within 2 seconds")));
    assert!((2..4).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn contract_12_6_who_trickles_is_waited_for_no_longer() {
    for (head, status) in [(&b"HTTP/1.1 200 OK\r\n"[..], None), (HEAD, Some(200))] {
        let port = receiver(move |mut stream| async move {
            stream.write_all(head).await.unwrap();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let (sent, took) = sent(port.await, 2).await;
        assert_eq!(sent.status, status, "the status counts once it is there");
        assert!((2..4).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test]
async fn quality_b_no_more_than_20_kb_are_read() {
    let port = receiver(|mut stream| async move {
        stream.write_all(HEAD).await.unwrap();
        for kilobyte in std::iter::repeat_n([b'x'; 1000], 30) {
            stream.write_all(&kilobyte).await.unwrap();
        }
        tokio::time::sleep(Duration::from_mins(1)).await; // the rest never comes
    });
    let (sent, took) = sent(port.await, 10).await;
    assert_eq!((sent.status, sent.body.map(|body| body.len())), (Some(200), Some(4096)));
    assert!(took < Duration::from_secs(5), "it did not wait for more: {took:?}");
}

#[tokio::test]
async fn a_connection_that_is_not_made_is_called_that() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap(); // and nobody accepts
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        held.push(stream.unwrap());
        assert!(held.len() < 10, "the queue is never full");
    }
    let (sent, took) = sent(address.port(), 10).await;
    assert_eq!((sent.status, sent.error.as_deref()), (None, Some("no connection within 1 seconds")));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
