//! A disk without room, on SQLite: who writes hears so, nothing is damaged, and it goes on when there is room (issue 5).

use crate::harness::{Engine, World, in_world, question_with};
use hitl_server::store::{Db, Store};
use rusqlite::Connection;
use serde_json::json;

/// No page more than there are, and as many as it likes. SQLite says of its own limit what it says of a full disk.
const FULL: &str = "pragma max_page_count = 1";
const ROOM: &str = "pragma max_page_count = 1073741823";

async fn disk_has(world: &World, room: &'static str) {
    let _: Vec<(i64,)> = world.app.store.sql(room).all().await.unwrap();
}

async fn is_refused_and_goes_on(world: World) {
    let asker = world.asker().await;
    let before = world.ask(&asker, &question_with(&json!({}))).await;
    let text = "x".repeat(2000);
    let body = question_with(&json!({"request_text": text}));
    let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
    disk_has(&world, FULL).await;
    let (mut made, mut refused) = (vec![before], None);
    for _ in 0..2000 {
        let answer = world.post(&path).key(&asker.key).json(&body).await;
        if answer.status == 201 {
            made.push(answer.text("data.id"));
        } else {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the disk is full at last");
    refused.refused(503, "Service temporarily unavailable", &serde_json::Value::Null);
    assert_eq!(refused.header("retry-after"), "1");
    for _ in 0..3 {
        assert_eq!(world.post(&path).key(&asker.key).json(&body).await.status, 503, "still full");
    }
    let list = world.get("/v1/api/requests?limit=1").key(&asker.key).await;
    assert_eq!(list.status, 200, "what is there can be read: {}", list.body);
    let file = Store::sqlite_file(&world.url).unwrap();
    let sound = |file: &std::path::Path| -> String {
        Connection::open(file).unwrap().query_row("pragma integrity_check", (), |row| row.get(0)).unwrap()
    };
    assert_eq!(sound(&file), "ok");
    disk_has(&world, ROOM).await;
    made.push(world.ask(&asker, &body).await);
    for id in &made {
        assert_eq!(world.get(&format!("/v1/api/requests/{id}")).key(&asker.key).await.status, 200, "{id}");
        assert_eq!(world.events(id).await, ["request.created"]);
    }
    let listed = world.get("/v1/api/requests?limit=1").key(&asker.key).await;
    assert_eq!(listed.at("data.total"), &json!(made.len()), "what was refused left nothing: {}", listed.body);
    assert_eq!(sound(&file), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writers_damages_nothing_and_is_left_behind() {
    in_world(Engine::Sqlite, is_refused_and_goes_on).await;
}
