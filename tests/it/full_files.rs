//! A disk that really takes no more, on SQLite: a server whose files may not grow (issue 5). Many write, as long as they can;
//! nothing that was acknowledged is missing, then, after there is room, or after `kill -9`.

use crate::{
    harness::{Database, Engine, question_with},
    process::{Server, make_key, make_owner},
};
use hitl_server::store::Store;
use reqwest::{Client, RequestBuilder};
use rusqlite::Connection;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::{collections::HashSet, path::Path, time::Duration};
use tokio::task::JoinSet;

/// Bytes of a file.
const ROOM: u64 = 1_500_000;
const WRITERS: usize = 12;
/// How often each is refused before it gives up.
const REFUSALS: usize = 3;

/// How long the files of the server may become.
fn files_have(server: &Server, room: Option<u64>) {
    let id = Pid::from_raw(server.id().cast_signed());
    prlimit(id, Resource::Fsize, Rlimit { current: room, maximum: None }).unwrap();
}

/// Asks so often, or until it was refused often enough; the ids of what was acknowledged, and how often it was refused.
async fn write(call: RequestBuilder, most: usize) -> (Vec<String>, usize) {
    let (mut made, mut refused) = (Vec::new(), 0);
    while made.len() < most && refused < REFUSALS {
        let answer = call.try_clone().unwrap().send().await.unwrap();
        let (status, wait) = (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
        let body: Value = answer.json().await.unwrap();
        if status == 201 {
            made.push(body["data"]["id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!((status, &body["msg"]), (503, &json!("Service temporarily unavailable")));
            assert_eq!(wait.unwrap(), "1");
            refused += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    (made, refused)
}

/// The same by many at once.
async fn write_all(call: &RequestBuilder, most: usize) -> (HashSet<String>, usize) {
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(write(call.try_clone().unwrap(), most));
    }
    let mut all = (HashSet::new(), 0);
    for (made, refused) in writers.join_all().await {
        all.0.extend(made);
        all.1 += refused;
    }
    all
}

/// What a database holds, after it was seen to be sound.
fn kept(file: &Path) -> HashSet<String> {
    let database = Connection::open(file).unwrap();
    let sound: String = database.query_row("pragma integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut ids = database.prepare("select r.id from requests r join events e on e.request_id = r.id").unwrap();
    ids.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_grow_refuse_writers_and_lose_nothing() {
    let database = Database::create(Engine::Sqlite).await;
    let file = Store::sqlite_file(&database.url).unwrap();
    make_owner(&database.url).await;
    let key = make_key(&database.url).await;
    let server = Server::start_lasting(&database.url).await;
    let call = |path: &str| Client::new().get(format!("{}/v1/api{path}", server.url)).bearer_auth(&key);
    let post = |path: &str, body: &Value| {
        Client::new().post(format!("{}/v1/api{path}", server.url)).bearer_auth(&key).json(body)
    };
    let made: Value = post("/loops", &json!({"name": "Busy"})).send().await.unwrap().json().await.unwrap();
    let asks = post(
        &format!("/loops/{}/requests", made["data"]["id"].as_str().unwrap()),
        &question_with(&json!({"request_text": "x".repeat(2000)})),
    );

    files_have(&server, Some(ROOM));
    let (mut made, refused) = write_all(&asks, usize::MAX).await;
    assert_eq!(refused, WRITERS * REFUSALS);
    assert!(made.len() > 100, "{} were made before", made.len());
    let longest =
        std::fs::metadata(&file).unwrap().len().max(std::fs::metadata(file.with_extension("db-wal")).unwrap().len());
    assert!(longest <= ROOM, "{longest}");
    let some = made.iter().next().unwrap();
    assert_eq!(call(&format!("/requests/{some}")).send().await.unwrap().status(), 200, "what is there can be read");
    assert_eq!(kept(&file), made);

    files_have(&server, None);
    let (later, refused) = write_all(&asks, 20).await;
    assert_eq!((later.len(), refused), (WRITERS * 20, 0), "it goes on by itself");
    made.extend(later);
    let listed: Value = call("/requests?limit=1").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["data"]["total"], json!(made.len()), "{listed}");
    server.kill().await;
    assert_eq!(kept(&file), made);
}
