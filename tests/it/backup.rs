//! A copy of an SQLite database that is written to meanwhile.

use crate::{
    harness::{Database, Engine, in_world, question},
    process::{Server, make_key, make_owner, run},
};
use reqwest::Client;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn texts(file: &Path, sql: &str) -> Vec<String> {
    let copy = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = copy.prepare(sql).unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_backup_began_is_in_it() {
    let database = Database::create(Engine::Sqlite).await;
    make_owner(&database.url).await;
    let key = make_key(&database.url).await;
    let server = Server::start(&database.url).await;
    let post = async |path: String, body: Value| {
        let call = Client::new().post(format!("{}{path}", server.url)).bearer_auth(&key).json(&body);
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        answer["data"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let loop_id = post("/v1/api/loops".into(), json!({"name": "Busy"})).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let path = format!("/v1/api/loops/{loop_id}/requests");
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (url, key, acknowledged) = (format!("{}{path}", server.url), key.clone(), acknowledged.clone());
            tokio::spawn(async move {
                let client = Client::new();
                loop {
                    let Ok(answer) = client.post(&url).bearer_auth(&key).json(&question()).send().await else { return };
                    let Ok(answer) = answer.json::<Value>().await else { return };
                    acknowledged.lock().unwrap().push(answer["data"]["id"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        while acknowledged.lock().unwrap().len() < number * 30 {
            tokio::task::yield_now().await;
        }
        let before = acknowledged.lock().unwrap().clone();
        let file = folder.path().join(format!("{number}.db"));
        let made = run(&database.url, &["backup", file.to_str().unwrap(), "--json"]).await.json();
        let after = acknowledged.lock().unwrap().len();
        assert!(after > before.len(), "writers went on");
        assert_eq!(made["bytes"], json!(file.metadata().unwrap().len()));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(texts(&file, "pragma integrity_check"), ["ok"]);
        let kept = texts(&file, "select id from requests");
        let lost: Vec<_> = before.iter().filter(|id| !kept.contains(id)).collect();
        assert!(lost.is_empty(), "{lost:?} of {}", before.len());
        let halves =
            "select id from requests where id not in (select request_id from events where request_id is not null)";
        assert_eq!(texts(&file, halves), [""; 0], "a request is there with its event");
    }
    assert_eq!(names(folder.path()), ["1.db", "2.db", "3.db"], "nothing is left beside them");
    server.stop().await;
    for writer in writers {
        writer.abort();
    }

    let copy = format!("sqlite:{}", folder.path().join("3.db").display());
    let server = Server::start(&copy).await;
    let answer = Client::new().get(format!("{}/v1/api/requests", server.url)).bearer_auth(&key).send().await.unwrap();
    let listed: Value = answer.json().await.unwrap();
    assert!(listed["data"]["total"].as_i64().unwrap() >= 90, "a server works with the copy: {listed}");
    server.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_replaces_nothing_unless_it_is_told_to() {
    let database = Database::create(Engine::Sqlite).await;
    make_owner(&database.url).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "something else").unwrap();
    let refused = run(&database.url, &["backup", name]).await;
    assert!(refused.code == Some(4) && refused.err.contains("--force"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "something else");
    let beside = folder.path().join("copy.db-wal");
    std::fs::write(&beside, "").unwrap();
    assert_eq!(run(&database.url, &["backup", "--force", name]).await.code, Some(4), "its log would be taken for ours");
    std::fs::remove_file(beside).unwrap();
    let made = run(&database.url, &["backup", "--force", name]).await;
    assert!(made.code == Some(0) && made.out.contains(name), "{made:?}");
    assert_eq!(texts(&file, "select email from accounts"), ["owner@example.com"]);
    assert_eq!(names(folder.path()), ["copy.db"]);

    let itself = database.url.strip_prefix("sqlite:").unwrap();
    for (arguments, code) in [
        (&["backup", "--force", itself][..], 2),
        (&["backup", "--force", folder.path().to_str().unwrap()], 2),
        (&["backup", "/nowhere/at/all.db"], 1),
        (&["backup", name, "--database-url", "sqlite:/nowhere/hitl.db"], 3),
    ] {
        let refused = run(&database.url, arguments).await;
        assert_eq!((refused.code, refused.err.lines().count()), (Some(code), 1), "{refused:?}");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_backup_is_left_to_its_own_tools() {
    in_world(Engine::Postgres, async |world| {
        let folder = tempfile::tempdir().unwrap();
        let refused = run(&world.url, &["backup", folder.path().join("copy").to_str().unwrap()]).await;
        assert!(refused.code == Some(4) && refused.err.contains("pg_dump"), "{refused:?}");
        assert_eq!(names(folder.path()), [""; 0]);
    })
    .await;
}
