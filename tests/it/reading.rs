//! Looking changes nothing: invariant 3.

use crate::{
    accidents,
    harness::{Asker, World, on_both, question},
    rivals::patient,
};
use hitl_server::{
    http,
    service::{keys, setup},
    store::Store,
};
use rusqlite::Connection as SqliteConnection;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::collections::{BTreeMap, BTreeSet};

type Tables = BTreeMap<String, Vec<Value>>;

/// Every row of every table, but for the counters: how much of a window is used, and when a key was used last.
async fn every_row(world: &World) -> Tables {
    let mut tables = Tables::new();
    for table in texts(
        world,
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
        "select table_name::text from information_schema.tables where table_schema = current_schema()",
    )
    .await
    {
        if ["windows", "_sqlx_migrations"].contains(&table.as_str()) {
            continue;
        }
        let columns =
            format!("select group_concat('''' || name || ''', ' || name, ', ') from pragma_table_info('{table}')");
        let on_sqlite = world.url.starts_with("sqlite:");
        let columns = if on_sqlite { texts(world, &columns, "").await.remove(0) } else { String::new() };
        let of_sqlite = format!("select json_object({columns}) from {table}");
        let of_postgres = format!("select row_to_json({table})::text from {table}");
        let mut rows = texts(world, &of_sqlite, &of_postgres).await;
        rows.sort();
        tables.insert(table, rows.iter().map(|row| without_last_use(row)).collect());
    }
    tables
}

async fn texts(world: &World, of_sqlite: &str, of_postgres: &str) -> Vec<String> {
    if let Some(file) = Store::sqlite_file(&world.url) {
        let connection = SqliteConnection::open(file).unwrap();
        let mut statement = connection.prepare(of_sqlite).unwrap();
        return statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    }
    let mut connection = PgConnection::connect(&world.url).await.unwrap();
    let sql = sqlx::AssertSqlSafe(of_postgres.to_owned());
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

fn without_last_use(row: &str) -> Value {
    let mut row: Value = serde_json::from_str(row).unwrap();
    row.as_object_mut().unwrap().shift_remove("last_used_at");
    row
}

/// A loop with a request in each state, feedback, a draft, an invitation.
async fn lived_in(world: &World, asker: &Asker, session: &str) -> Vec<String> {
    let review = |id: &str, act: &str| format!("/v1/reviewer/requests/{id}/{act}");
    let answer = json!({"response_data": "approve"});
    let timed_out = world.ask(asker, &question()).await;
    world.clock.advance(3600);
    world.get(&format!("/v1/api/requests/{timed_out}")).key(&asker.key).await;
    let pending = world.ask(asker, &question()).await;
    let claimed = world.ask(asker, &question()).await;
    assert_eq!(world.post(&review(&claimed, "claim")).key(session).await.status, 200);
    assert_eq!(world.put(&review(&claimed, "draft")).key(session).json(&answer).await.status, 200);
    let completed = world.ask(asker, &question()).await;
    assert_eq!(world.post(&review(&completed, "respond")).key(session).json(&answer).await.status, 200);
    let feedback = json!({"feedback": {"rating": 5}});
    let path = format!("/v1/api/requests/{completed}/feedback");
    assert_eq!(world.post(&path).key(&asker.key).json(&feedback).await.status, 200);
    let cancelled = world.ask(asker, &question()).await;
    assert_eq!(world.delete(&format!("/v1/api/requests/{cancelled}")).key(&asker.key).await.status, 200);
    let invitation = json!({"email": "invited@example.com"});
    let path = format!("/v1/api/loops/{}/members", asker.loop_id);
    assert_eq!(world.post(&path).key(&asker.key).json(&invitation).await.status, 201);
    vec![timed_out, pending, claimed, completed, cancelled]
}

/// Every path that can be read, with real names in the places of its parameters.
fn readable(asker: &Asker, member: &str, key: &str, requests: &[String]) -> BTreeSet<String> {
    let routes = [http::keyed(), http::reviewed(), http::open(), http::pages()];
    let operations = routes.into_iter().flat_map(|routes| routes.operations).filter(|it| it.method == "GET");
    let paths = operations.flat_map(|it| std::iter::once(it.path).chain(it.aliases)).map(|path| {
        let file = if path.starts_with("/qr") { format!("{}.png", asker.code) } else { "style.css".to_owned() };
        path.replace("{loop_id}", &asker.loop_id)
            .replace("{file}", &file)
            .replace("{code}", &asker.code)
            .replace("{user_id}", member)
            .replace("{key_id}", key)
    });
    paths.flat_map(|path| requests.iter().map(move |id| path.replace("{request_id}", id))).collect()
}

/// What a page leads to on this server.
fn links(html: &str) -> BTreeSet<String> {
    let quoted = |name: &str| html.split(name).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>();
    let found = quoted("href=\"").into_iter().chain(quoted("src=\"")).chain(quoted("action=\""));
    found.filter(|link| link.starts_with('/')).map(|link| link.split('#').next().unwrap().to_owned()).collect()
}

on_both! {
    async fn a03_no_get_or_head_changes_a_row(world: World) {
        let link = setup::link(&world.app).await.unwrap().unwrap();
        let setup_page = link.strip_prefix(crate::harness::BASE).unwrap().to_owned();
        let before = every_row(&world).await;
        assert_eq!(world.get(&setup_page).await.status, 200);
        assert_eq!(world.call(axum::http::Method::HEAD, &setup_page).await.status, 200);
        assert_eq!(every_row(&world).await, before, "looking at the setup link uses nothing up");

        let world = patient(&world);
        let asker = world.asker().await;
        let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
        // The server's owner, who may read the audit log too.
        accidents::run(&world, "update accounts set role = 'owner' where email = 'owner@example.com'").await;
        let requests = lived_in(&world, &asker, &session).await;
        let key = keys::list(&world.app, None).await.unwrap()[0].key.id;
        let mut paths = readable(&asker, &jane.id.to_string(), &key.to_string(), &requests);
        paths.extend(["/v1/reviewer/inbox?tab=mine", "/v1/reviewer/inbox?tab=completed", "/v1/api/loops?include=member"].map(String::from));
        paths.retain(|path| !path.contains('{'));
        paths.insert(setup_page);
        let before = every_row(&world).await;
        assert!(before["events"].len() > 10 && before["drafts"].len() == 1 && before["feedback"].len() == 1, "{before:?}");

        let mut seen = BTreeSet::new();
        while let Some(path) = paths.pop_first() {
            for method in [axum::http::Method::GET, axum::http::Method::HEAD] {
                let mut succeeded = false;
                for token in [&asker.key, &asker.session, &session, "none"] {
                    let answer = world.call(method.clone(), &path).key(token).await;
                    assert!(answer.status < 500, "{method} {path} {}", answer.status);
                    succeeded |= answer.status == 200;
                    if answer.header("content-type").starts_with("text/html") {
                        let found = links(std::str::from_utf8(&answer.bytes).unwrap());
                        paths.extend(found.into_iter().filter(|link| !seen.contains(link) && *link != path));
                    }
                }
                for session in [&asker.session, &session] {
                    let answer = world.call(method.clone(), &path).cookie(session).await;
                    assert!(answer.status < 500, "{method} {path} {}", answer.status);
                    succeeded |= answer.status == 200;
                }
                assert!(succeeded || path.starts_with("/setup/"), "nobody may {method} {path}: nothing was looked at");
            }
            assert_eq!(every_row(&world).await, before, "after reading {path}");
            seen.insert(path);
        }
        assert!(seen.len() > 40, "{seen:?}");
    }
}
