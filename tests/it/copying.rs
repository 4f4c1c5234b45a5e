//! A grown installation moves to the other engine and back, and nothing of it is lost or changed.

use crate::{
    accidents,
    asking::{create, has, path, respond},
    harness::{Asker, Database, Engine, World, on_both, question, question_with},
    hooking::{at, deliver, hook, rename, subscriber},
    process::run,
    reading::{Eye, lived_in},
    receiver::{Receiver, reaching_loopback},
};
use hitl_server::{
    domain::Actor,
    service::{self, copying, push_keys, resets, setup},
    settings::Settings,
    store::{Db, Store, rows},
};
use serde_json::json;
use std::collections::BTreeSet;

/// An installation that has something in every table.
pub(crate) async fn grown(world: &World) -> (Asker, String) {
    setup::link(&world.app).await.unwrap();
    push_keys::prepare(&world.app).await.unwrap();
    let (asker, receiver) = (subscriber(world).await, Receiver::start().await);
    let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
    resets::link(&world.app, Actor::Operator, ann.id).await.unwrap();
    let sending = reaching_loopback(world);
    let webhook = hook(world, &asker, &json!({"url": receiver.url("/hook"), "description": "héé \" ' \\ 😀"})).await;
    hook(world, &asker, &json!({"url": "http://127.0.0.1:9/"})).await;
    lived_in(world, &asker, &session).await;
    let odd = json!({"big": 12_345_678_901_234_567_u64, "float": 1.0, "z": 1, "a": [null, true, "é\u{2028}"], "": {}});
    let body =
        question_with(&json!({"callback_url": receiver.url("/done"), "context": odd, "metadata": odd, "tags": ["a"]}));
    let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
    let made = world.post(&path).key(&asker.key).header("idempotency-key", "once").json(&body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.text("data.id");
    respond(world, &session, &id, &json!("approve")).await.accepted(200, "Response submitted");
    for number in 0..120 {
        rename(world, &asker, &format!("Name {number}")).await; // more than goes in one batch
    }
    deliver(&sending).await;
    let by = format!("'{}'", ann.id);
    accidents::run(
        world,
        &format!("insert into notification_preferences values ({by}, '{{\"b\": 1.0,  \"a\":2}}', null, false)"),
    )
    .await;
    accidents::run(
        world,
        &format!("insert into devices values ('d', {by}, null, 'https://push', 'p', 'a', null, {})", instant(world)),
    )
    .await;
    accidents::run(world, &format!("insert into omissions values ({by}, 'there', 'hash')")).await;
    // Numbers that were given and are no longer there are not given again.
    rename(world, &asker, "Last").await;
    accidents::run(world, "delete from events where seq = (select max(seq) from events)").await;
    (asker, webhook)
}

/// A time as the engine writes it.
fn instant(world: &World) -> String {
    match Store::sqlite_file(&world.url) {
        Some(_) => "1710498600123456".to_owned(),
        None => "'2024-03-15T10:30:00.123456Z'".to_owned(),
    }
}

pub(crate) fn engine(world: &World) -> Engine {
    if Store::sqlite_file(&world.url).is_some() { Engine::Sqlite } else { Engine::Postgres }
}

pub(crate) fn other(world: &World) -> Engine {
    if engine(world) == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite }
}

pub(crate) async fn world_on(database: &Database, like: &World) -> World {
    World::at(&database.url, Settings::default(), like.clock.clone()).await
}

on_both! {
    async fn everything_moves_to_the_other_engine_and_back_unchanged(world: World) {
        let (asker, webhook) = grown(&world).await;
        let before = Eye::open(&world).await.every_row().await;
        let (there, back) = (Database::create(other(&world)).await, Database::create(engine(&world)).await);
        let (middle, last) = (world_on(&there, &world).await, world_on(&back, &world).await);

        let copied = copying::copy(&world.app.store, &middle.app.store).await.unwrap();
        let tables: Vec<_> = copied.iter().map(|it| it.table).collect();
        assert_eq!(tables, rows::tables());
        for it in &copied {
            assert!(it.rows > 0, "the installation has no {}", it.table);
        }
        assert_eq!(copying::copy(&middle.app.store, &last.app.store).await.unwrap(), copied);
        let after = Eye::open(&last).await.every_row().await;
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }

        for world in [&middle, &last] {
            let requests = world.get("/v1/api/requests").key(&asker.key).await;
            has(&requests.body["data"], &json!({"total": 6}));
            let seq = hitl_server::store::events::last_seq(&world.app.store).await.unwrap();
            rename(world, &asker, "Goes on").await;
            let next = hitl_server::store::events::last_seq(&world.app.store).await.unwrap();
            assert_eq!(next, seq + 2, "after the last number that was given, though its event is gone");
            let asked = create(world, &asker, &question()).await;
            assert_eq!(world.get(&path(&asked.text("data.id"))).key(&asker.key).await.status, 200);
            assert_eq!(world.get(&at(&webhook, "")).key(&asker.key).await.status, 200);
        }
        middle.app.store.close().await;
        last.app.store.close().await;
        there.drop().await;
        back.drop().await;
    }

    async fn what_is_not_empty_is_not_copied_into(world: World) {
        world.asker().await;
        let target = Database::create(other(&world)).await;
        let there = world_on(&target, &world).await;
        there.person("first@example.com").await;
        let before = Eye::open(&there).await.every_row().await;
        let refused = copying::copy(&world.app.store, &there.app.store).await;
        assert!(matches!(refused, Err(service::Error::Conflict(_))), "{refused:?}");
        assert_eq!(Eye::open(&there).await.every_row().await, before);
        there.app.store.close().await;
        target.drop().await;
    }

    async fn the_tables_that_are_copied_are_those_that_there_are(world: World) {
        let sqlite = engine(&world) == Engine::Sqlite;
        let all = if sqlite {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name <> '_sqlx_migrations'"
        } else {
            "select table_name::text from information_schema.tables where table_schema = current_schema() and table_name <> '_sqlx_migrations'"
        };
        let all: Vec<(String,)> = (&world.app.store).sql(all).all().await.unwrap();
        let all: BTreeSet<_> = all.into_iter().map(|(name,)| name).collect();
        assert_eq!(all, rows::tables().into_iter().map(str::to_owned).collect());
        let numbered = if sqlite {
            "select name, 'seq' from sqlite_master where sql like '%autoincrement%'"
        } else {
            "select table_name::text, column_name::text from information_schema.columns where table_schema = current_schema()
             and (is_identity = 'YES' or column_default like 'nextval%') and table_name <> '_sqlx_migrations'"
        };
        let numbered: Vec<(String, String)> = (&world.app.store).sql(numbered).all().await.unwrap();
        assert_eq!(numbered, [(rows::NUMBERED.0.to_owned(), rows::NUMBERED.1.to_owned())]);
    }

    async fn the_command_counts_what_it_copied_and_refuses_what_it_cannot_copy_well(world: World) {
        world.asker().await;
        let count = rows::count(&world.app.store, "events").await.unwrap();
        let target = Database::create(other(&world)).await;
        let third = Database::create(engine(&world)).await;
        let copy = async |from: &str, to: &str, more: &'static [&'static str]| {
            run("", &[&["copy", "--from", from, "--to", to][..], more].concat()).await
        };
        let before = copy(&world.url, &target.url, &[]).await;
        let code = if target.engine == Engine::Sqlite { 3 } else { 1 };
        assert_eq!((before.code, before.err.contains("hitl migrate")), (Some(code), true), "no schema is there yet: {before:?}");
        assert_eq!(run(&target.url, &["migrate"]).await.code, Some(0));
        assert_eq!(run(&third.url, &["migrate"]).await.code, Some(0));
        if engine(&world) == Engine::Sqlite {
            let refused = copy(&world.url, &target.url, &[]).await;
            assert!(refused.code == Some(4) && refused.err.contains("a server is running"), "{refused:?}");
            copying::copy(&world.app.store, &Store::open(&target.url, 2).await.unwrap()).await.unwrap();
        } else {
            let copied = copy(&world.url, &target.url, &["--json"]).await.json();
            let events = copied["tables"].as_array().unwrap().iter().find(|it| it["table"] == "events").unwrap().clone();
            assert_eq!(events, json!({"table": "events", "rows": count}));
        }
        let human = copy(&target.url, &third.url, &[]).await;
        assert!(human.code == Some(0) && human.out.starts_with("TABLE") && human.out.contains("\nevents "), "{human:?}");
        let again = copy(&target.url, &third.url, &[]).await;
        assert!(again.code == Some(4) && again.err.contains("empty"), "{again:?}");
        assert_eq!(copy(&target.url, &target.url, &[]).await.code, Some(2));
        assert_eq!(copy("sqlite:/nowhere/hitl.db", &third.url, &[]).await.code, Some(3));
        target.drop().await;
        third.drop().await;
    }
}
