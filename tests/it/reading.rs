//! Looking changes nothing: invariant 3.

use crate::{
    accidents,
    harness::{Answer, Asker, World, on_both, question},
    rivals::patient,
};
use axum::http::Method;
use futures_util::future::join_all;
use hitl_server::{
    http,
    service::{keys, setup},
    store::Store,
};
use rusqlite::Connection as SqliteConnection;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;

/// A connection to the database, and the statement that gives every row of every table as text: the table, and its columns as
/// JSON. But for the counters: how much of a window is used, and when a key was used last.
pub(crate) enum Eye {
    Sqlite(SqliteConnection, String),
    Postgres(PgConnection, String),
}

impl Eye {
    pub(crate) async fn open(world: &World) -> Self {
        if let Some(file) = Store::sqlite_file(&world.url) {
            let eye = SqliteConnection::open(file).unwrap();
            let tables = texts(&eye, "select name from sqlite_master where type = 'table' and name not like 'sqlite%'");
            let rows = tables.iter().filter(|table| is_kept(table)).map(|table| {
                let columns = format!("select '''' || name || ''', ' || name from pragma_table_info('{table}')");
                let columns = texts(&eye, &columns).join(", ");
                format!("select '{table} ' || json_remove(json_object({columns}), '$.last_used_at') from {table}")
            });
            let every = rows.collect::<Vec<_>>().join(" union all ");
            return Self::Sqlite(eye, every);
        }
        let mut eye = PgConnection::connect(&world.url).await.unwrap();
        let tables = "select table_name::text from information_schema.tables where table_schema = current_schema()";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut eye).await.unwrap();
        let rows = tables
            .iter()
            .filter(|table| is_kept(table))
            .map(|table| format!("select '{table} ' || (to_jsonb({table}) - 'last_used_at')::text from {table}"));
        let every = rows.collect::<Vec<_>>().join(" union all ");
        Self::Postgres(eye, every)
    }

    /// Every row of every table, as text, sorted.
    pub(crate) async fn every_row(&mut self) -> Vec<String> {
        let mut rows = match self {
            Self::Sqlite(eye, every) => texts(eye, every),
            Self::Postgres(eye, every) => {
                sqlx::query_scalar(sqlx::AssertSqlSafe(every.clone())).fetch_all(eye).await.unwrap()
            }
        };
        rows.sort();
        rows
    }
}

fn is_kept(table: &str) -> bool {
    !["windows", "_sqlx_migrations"].contains(&table)
}

fn texts(eye: &SqliteConnection, sql: &str) -> Vec<String> {
    let mut statement = eye.prepare(sql).unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// What is in one of them only.
fn difference<'r>(before: &'r [String], after: &'r [String]) -> Vec<&'r String> {
    let gone = before.iter().filter(|row| after.binary_search(row).is_err());
    let come = after.iter().filter(|row| before.binary_search(row).is_err());
    gone.chain(come).collect()
}

/// A loop with a request in each state, feedback, a draft, an invitation.
pub(crate) async fn lived_in(world: &World, asker: &Asker, session: &str) -> Vec<String> {
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

/// What came of reading a path in every way that there is: with each token, and with each session as a browser has it.
async fn read(world: &World, path: &str, tokens: &[&str], cookies: &[&str]) -> Vec<Answer> {
    let ways = [Method::GET, Method::HEAD].into_iter().flat_map(|method| {
        let with_token = tokens.iter().map({
            let method = method.clone();
            move |token| world.call(method.clone(), path).key(token).into_future()
        });
        let with_cookie =
            cookies.iter().map(move |session| world.call(method.clone(), path).cookie(session).into_future());
        with_token.chain(with_cookie).collect::<Vec<_>>()
    });
    join_all(ways).await
}

/// What a form is posted to leads whoever only reads it to the page that the form is on.
fn leads_back(answer: &Answer, path: &str) -> bool {
    answer.status == 303 && path.starts_with(&format!("{}/", answer.header("location").trim_end_matches('/')))
}

on_both! {
    async fn a03_no_get_or_head_changes_a_row(world: World) {
        let link = setup::link(&world.app).await.unwrap().unwrap();
        let setup_page = link.strip_prefix(crate::harness::BASE).unwrap().to_owned();
        let mut eye = Eye::open(&world).await;
        let before = eye.every_row().await;
        assert!(before.iter().any(|row| row.starts_with("setup_links ")), "{before:?}");
        assert_eq!(world.get(&setup_page).await.status, 200);
        assert_eq!(world.call(Method::HEAD, &setup_page).await.status, 200);
        assert_eq!(eye.every_row().await, before, "looking at the setup link uses nothing up");

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
        for session in [&asker.session, &session] {
            // Whoever is signed in is noted as seen, once in a while.
            world.get("/account").cookie(session).await;
        }
        let before = eye.every_row().await;
        let count = |table: &str| before.iter().filter(|row| row.starts_with(&format!("{table} "))).count();
        assert!(count("events") > 10 && count("drafts") == 1 && count("feedback") == 1, "{before:?}");

        let mut seen = BTreeSet::new();
        while let Some(path) = paths.pop_first() {
            let answers = read(&world, &path, &[&asker.key, &asker.session, &session, "none"], &[&asker.session, &session]).await;
            for answer in &answers {
                assert!(answer.status < 500, "{path} {}", answer.status);
                if answer.header("content-type").starts_with("text/html") {
                    let found = links(std::str::from_utf8(&answer.bytes).unwrap());
                    paths.extend(found.into_iter().filter(|link| !seen.contains(link) && *link != path));
                }
            }
            let is_form = answers.iter().all(|answer| answer.status == 405);
            let somebody_may = |answers: &[Answer]| is_form || path.starts_with("/setup/") || answers.iter().any(|answer| answer.status == 200 || leads_back(answer, &path));
            let (got, headed) = answers.split_at(answers.len() / 2);
            assert!(somebody_may(got) && somebody_may(headed), "nobody may read {path}: nothing was looked at");
            let after = eye.every_row().await;
            assert!(before == after, "reading {path} changed {:#?}", difference(&before, &after));
            seen.insert(path);
        }
        assert!(seen.len() > 40, "{seen:?}");
    }
}
