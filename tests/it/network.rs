//! The server on a real socket: slow and too many clients, stopping, request ids, health.

use crate::harness::{Asker, BASE, START, World, on_both, question};
use hitl_server::{
    app::{App, StoppedClock},
    serve,
    settings::Settings,
    store::{Store, windows},
};
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A server that listens, on the world's database.
struct Listening {
    address: SocketAddr,
    stop: CancellationToken,
    app: App,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Listening {
    async fn on(world: &World, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = (*world.app.settings).clone();
        change(&mut settings);
        let store = Store::open(&world.url, 4).await.unwrap();
        let app = App::with(store, settings, BASE, world.clock.clone(), world.app.rng.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let ended = tokio::spawn(serve::serve(app.clone(), listener, stop.clone()));
        Self { address, stop, app, ended }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends a request on a connection of its own, which is closed after it.
    async fn ask(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(&request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
        client.rest().await
    }

    async fn stopped(self) {
        self.stop.cancel();
        within(20, self.ended).await.unwrap().unwrap();
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything that still comes, until the server closes.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        within(30, self.0.read_to_end(&mut bytes)).await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// One answer with a body, on a connection that stays open.
    async fn answer(&mut self) -> String {
        let mut text = String::new();
        let mut bytes = [0; 4096];
        loop {
            let count = within(30, self.0.read(&mut bytes)).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes[..count]));
            let length =
                text.to_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
            if count == 0 || body.is_some_and(|body| length.is_some_and(|length: usize| body >= length)) {
                return text;
            }
        }
    }
}

async fn within<T>(seconds: u64, what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(seconds), what).await.expect("it took too long")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: hitl.test\r\n\r\n")
}

/// Sends a request to make a request, all but its last byte, to a server that has begun to read it. Gives that byte.
async fn all_but_the_end(client: &mut Client, asker: &Asker) -> String {
    let body = question().to_string();
    let head = format!(
        "POST /v1/api/loops/{}/requests HTTP/1.1\r\nHost: hitl.test\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        asker.loop_id,
        asker.key,
        body.len()
    );
    client.send(&head).await;
    let mut begun = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    within(10, client.0.read_exact(&mut begun)).await.unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 100 "));
    let (start, end) = body.split_at(body.len() - 1);
    client.send(start).await;
    end.to_owned()
}

on_both! {
    async fn slow_heads_and_bodies_are_given_up(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |settings| settings.request_timeout = Duration::from_secs(1)).await;
        let mut slow_head = server.connect().await;
        slow_head.send("GET /health HTTP/1.1\r\nHost: hitl.test\r\nX-Slow: ").await;
        let mut slow_body = server.connect().await;
        all_but_the_end(&mut slow_body, &asker).await;

        let answer = within(5, slow_body.rest()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("Request body was not received in time"), "{answer}");
        let answer = within(5, slow_head.rest()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(server.ask(&get("/health")).await.starts_with("HTTP/1.1 200 "));
        let made = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(made.at("data.total"), 0, "half a request makes none");
        server.stopped().await;
    }

    async fn an_answer_is_not_lost_over_a_body_that_nobody_read(world: World) {
        let server = Listening::on(&world, |_| {}).await;
        for (call, body, status, least) in [
            ("GET /openapi.json", "{}".to_owned(), 200, 150_000),
            ("POST /v1/api/loops", "x".repeat(5_000_000), 401, 200),
        ] {
            let mut client = server.connect().await;
            let length = body.len();
            client.send(&format!("{call} HTTP/1.1\r\nHost: hitl.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")).await;
            tokio::time::sleep(Duration::from_millis(200)).await; // long enough for an answer
            client.send(&body).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let answer = client.rest().await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer:.80}");
            assert!(answer.len() > least, "{status}: {} bytes of it came", answer.len());
        }
        server.stopped().await;
    }

    async fn contract_1_2_6_a_body_that_breaks_off_is_no_body(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |_| {}).await;
        let mut client = server.connect().await;
        client.send(&format!(
            "POST /v1/api/loops HTTP/1.1\r\nHost: hitl.test\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            asker.key
        )).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Invalid request body"), "{answer}");
        server.stopped().await;
    }

    async fn a_body_that_trickles_for_ever_is_cut_off(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |settings| settings.request_timeout = Duration::from_secs(1)).await;
        let head = format!(
            "POST /v1/api/loops/{}/requests HTTP/1.1\r\nHost: hitl.test\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\r\n",
            asker.loop_id, asker.key
        );
        let (mut answered, mut trickling) = server.connect().await.0.into_split();
        trickling.write_all(head.as_bytes()).await.unwrap();
        let trickle = tokio::spawn(async move {
            let mut sent = 0;
            while trickling.write_all(b" ").await.is_ok() {
                sent += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            sent
        });
        let mut answer = Vec::new();
        let _ = within(10, answered.read_to_end(&mut answer)).await; // it may end in a reset
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("Request body was not received in time"), "{answer}");
        drop(answered);
        let sent = within(10, trickle).await.unwrap();
        assert!((5..100).contains(&sent), "the connection is closed: {sent} bytes went on it");
        server.stopped().await;
    }

    async fn contract_3_10_a_stop_gives_back_what_was_not_used(world: World) {
        let owner = world.person("owner@example.com").await;
        let (key, token) = world.key_with(&owner, |new| new.hourly_limit = Some(1_000_000)).await;
        let used = || async { windows::find(&world.app.store, key.id).await.unwrap().unwrap().used };
        for calls in 1..=3 {
            let server = Listening::on(&world, |_| {}).await;
            let test = get("/v1/test").replace("\r\n\r\n", &format!("\r\nAuthorization: Bearer {token}\r\n\r\n"));
            assert!(server.ask(&test).await.starts_with("HTTP/1.1 200 "));
            assert_eq!(used().await, 1000 + calls - 1, "a block is taken");
            server.stopped().await;
            assert_eq!(used().await, calls);
        }
    }

    async fn bodies_that_are_being_received_share_what_room_there_is(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |_| {}).await;
        let (room, body) = (server.app.bodies.known.clone(), question().to_string());
        let all = room.available_permits();
        let of_others = room.try_acquire_many((all - body.len() * 3 / 2).try_into().unwrap()).unwrap();
        let mut slow = server.connect().await;
        let end = all_but_the_end(&mut slow, &asker).await;
        within(5, async {
            while room.available_permits() >= body.len() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let ask = format!(
            "POST /v1/api/loops/{}/requests HTTP/1.1\r\nHost: hitl.test\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            asker.loop_id, asker.key, body.len()
        );
        let refused = server.ask(&ask).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
        assert!(refused.contains("Service temporarily unavailable"), "{refused}");
        slow.send(&end).await;
        assert!(slow.answer().await.starts_with("HTTP/1.1 201 "));
        assert!(server.ask(&ask).await.starts_with("HTTP/1.1 201 "), "what was answered takes no room");
        drop(of_others);
        assert_eq!(room.available_permits(), all);

        // Whoever is not known takes no room from others.
        let strangers = server.app.bodies.strangers.clone();
        let _all = strangers.try_acquire_many(strangers.available_permits().try_into().unwrap()).unwrap();
        let sign_in = "POST /v1/reviewer/session HTTP/1.1\r\nHost: hitl.test\r\nContent-Length: 2\r\n\r\n{}";
        assert!(server.ask(sign_in).await.starts_with("HTTP/1.1 503 "));
        assert!(server.ask(&ask).await.starts_with("HTTP/1.1 201 "));
        server.stopped().await;
    }

    async fn connections_above_the_most_wait_their_turn(world: World) {
        let server = Listening::on(&world, |settings| settings.max_connections = 2).await;
        let (mut first, mut second) = (server.connect().await, server.connect().await);
        for client in [&mut first, &mut second] {
            client.send(&get("/health")).await;
            assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
        }
        let mut third = server.connect().await;
        third.send(&get("/health")).await;
        assert!(timeout(Duration::from_millis(300), third.answer()).await.is_err(), "there was no place for it");
        drop(first);
        assert!(third.answer().await.starts_with("HTTP/1.1 200 "));
        drop((second, third));
        server.stopped().await;
    }

    async fn a_stop_finishes_what_is_under_way(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |_| {}).await;
        let mut under_way = server.connect().await;
        let end = all_but_the_end(&mut under_way, &asker).await;
        let mut idle = server.connect().await;
        idle.send(&get("/health")).await;
        idle.answer().await;

        server.stop.cancel();
        assert_eq!(within(5, idle.rest()).await, "", "a connection without a request is closed at once");
        let refused = async {
            while TcpStream::connect(server.address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(!server.ended.is_finished());
        under_way.send(&end).await;
        let answer = within(5, under_way.rest()).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        within(5, refused).await;
        within(5, server.ended).await.unwrap().unwrap();
        let made = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(made.at("data.total"), 1);
    }

    async fn a_stop_cuts_what_does_not_finish(world: World) {
        let asker = world.asker().await;
        let server = Listening::on(&world, |settings| settings.shutdown = Duration::from_secs(1)).await;
        let mut never_ends = server.connect().await;
        all_but_the_end(&mut never_ends, &asker).await;
        server.stop.cancel();
        within(5, server.ended).await.unwrap().unwrap();
        let made = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(made.at("data.total"), 0);
    }

    async fn every_answer_has_a_request_id(world: World) {
        let server = Listening::on(&world, |_| {}).await;
        let with = |id: &str| get("/v1/test").replace("\r\n\r\n", &format!("\r\nX-Request-Id: {id}\r\n\r\n"));
        let id_of = |answer: String| {
            let mut lines = answer.lines();
            lines.find_map(|line| line.strip_prefix("x-request-id: ").map(str::to_owned)).unwrap()
        };
        assert_eq!(id_of(server.ask(&with("trace-42/a")).await), "trace-42/a");
        for unsound in ["", "two words", &"a".repeat(129), "ü"] {
            let id = id_of(server.ask(&with(unsound)).await);
            assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unsound} became {id}");
        }
        let ids = [id_of(server.ask(&get("/health")).await), id_of(server.ask(&get("/nowhere")).await)];
        assert_ne!(ids[0], ids[1]);
        server.stopped().await;
    }

    async fn contract_1_1_4_health_needs_nothing(world: World) {
        let server = Listening::on(&world, |_| {}).await;
        for path in ["/health", "/v1/health", "/ready"] {
            let answer = server.ask(&get(path)).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
        }
        server.app.store.close().await; // as good as gone
        let answer = server.ask(&get("/ready")).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("{\"status\":\"unavailable\"}"), "{answer}");
        assert!(server.ask(&get("/health")).await.starts_with("HTTP/1.1 200 "));
        server.stop.cancel();
        let _ = within(30, server.ended).await.unwrap(); // may say that the leases could not be given back
    }

    async fn e17_a_database_out_of_reach_is_503(world: World) {
        let asker = world.asker().await;
        world.app.store.close().await;
        let answer = world.get("/v1/api/loops").key(&asker.key).await;
        answer.refused(503, "Service temporarily unavailable", &Value::Null);
        assert_eq!(answer.header("retry-after"), "1");
    }
}

/// Postgres restarts, and this server stays; a file does not come and go. In a database of its own, which can be closed.
#[tokio::test(flavor = "multi_thread")]
async fn e17_after_postgres_was_away_all_is_well() {
    let server = std::env::var("TEST_DATABASE_URL").unwrap();
    let name = format!("hitl_test_away_{}", std::process::id());
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    administer(&server, &format!("create database {name}")).await;
    let outcome = tokio::spawn(comes_back(server.clone(), name.clone(), url.to_string())).await;
    administer(&server, &format!("drop database {name} with (force)")).await;
    outcome.unwrap();
}

async fn comes_back(server: String, name: String, url: String) {
    let clock = Arc::new(StoppedClock::at(START.parse().unwrap()));
    let world = World::at(&url, Settings::default(), clock).await;
    let asker = world.asker().await;
    administer(&server, &format!("alter database {name} with allow_connections false")).await;
    let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    administer(&server, &end).await;
    for _ in 0..3 {
        let answer = world.get("/v1/api/loops").key(&asker.key).await;
        answer.refused(503, "Service temporarily unavailable", &Value::Null);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(world.get("/ready").await.status, 503);
    }
    administer(&server, &format!("alter database {name} with allow_connections true")).await;
    assert_eq!(world.get("/v1/api/loops").key(&asker.key).await.status, 200);
    assert_eq!(world.get("/ready").await.status, 200);
    world.app.store.close().await;
}

/// As the administrator of that server.
async fn administer(server: &str, statement: &str) {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}
