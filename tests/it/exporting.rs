//! All that an account owns goes out as lines, and comes in again on another server as it was.

use crate::{
    copying::{engine, grown, other},
    harness::{Asker, Database, World, on_both},
    process::{run, run_with},
    reading::Eye,
};
use hitl_server::{
    domain::exports::KINDS,
    store::{Db, Store, exports::table_of},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

/// What is given out of the owner's, line by line, without the head.
pub(crate) async fn exported(url: &str) -> Vec<String> {
    let said = run(url, &["export", "--user", "owner@example.com"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let head: Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
    assert_eq!(head["kind"], "hitl.export");
    assert_eq!((&head["version"], &head["account"]), (&json!(1), &json!("owner@example.com")));
    said.out.lines().skip(1).map(str::to_owned).collect()
}

/// The same as a file's text.
pub(crate) async fn file_of(url: &str) -> String {
    run(url, &["export", "--user", "owner@example.com"]).await.out
}

fn counted(lines: &[String]) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = KINDS.iter().map(|kind| (kind.name.to_owned(), 0)).collect();
    for line in &lines[..lines.len() - 1] {
        let line: Value = serde_json::from_str(line).unwrap();
        *counts.get_mut(line["kind"].as_str().unwrap()).unwrap() += 1;
    }
    counts
}

/// Whoever is on the server and has nothing to do with the owner's account.
async fn strangers(world: &World) {
    let eve = world.person("eve@example.com").await;
    let key = world.key(&eve).await;
    let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": "Elsewhere"})).await;
    assert_eq!(made.status, 200);
}

async fn world_of_somebody(world: &World) -> Asker {
    let (asker, _) = grown(world).await;
    strangers(world).await;
    asker
}

on_both! {
    async fn an_account_goes_to_the_other_engine_and_is_the_same_there(world: World) {
        let asker = world_of_somebody(&world).await;
        let lines = exported(&world.url).await;
        let counts = counted(&lines);
        assert!(counts.values().all(|count| *count > 0), "something of each kind: {counts:?}");
        let end: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(end, json!({"kind": "hitl.export.end", "counts": counts}));

        let target = Database::create(other(&world)).await;
        let imported = run_with(&target.url, &["import", "-", "--json"], &file_of(&world.url).await).await.json();
        assert_eq!((&imported["user"], &imported["read"]), (&json!("owner@example.com"), &json!(counts)));
        assert_eq!(imported["new"], imported["read"]);
        let there = exported(&target.url).await;
        assert_eq!(there.len(), lines.len());
        for (there, here) in there.iter().zip(&lines) {
            assert_eq!(there, here);
        }
        let back = Database::create(engine(&world)).await;
        let file = file_of(&target.url).await;
        run_with(&back.url, &["import", "-"], &file).await;
        assert_eq!(exported(&back.url).await, lines);

        // The loops are the same to those who join, and what was asked is there for a new key.
        let other = World::at(&target.url, hitl_server::settings::Settings::default(), world.clock.clone()).await;
        let made = run(&target.url, &["keys", "create", "--user", "owner@example.com", "--name", "new", "--json"]).await.json();
        let key = made["key"].as_str().unwrap();
        let listed = other.get("/v1/api/requests").key(key).await;
        assert_eq!((listed.status, listed.at("data.total")), (200, &json!(counts["request"])), "{}", listed.body);
        let loops = other.get("/v1/api/loops").key(key).await;
        assert_eq!(loops.text("data.loops.0.invite_code"), asker.code);
        other.app.store.close().await;
        target.drop().await;
        back.drop().await;
    }

    async fn nothing_secret_and_nothing_of_others_goes_out(world: World) {
        let asker = world_of_somebody(&world).await;
        let text = file_of(&world.url).await;
        assert!(!text.contains("eve@example.com") && !text.contains("Elsewhere"));
        let secrets = "select token_hash from api_keys union all select password_hash from accounts where password_hash <> 'none'
            union all select signing_secret from accounts union all select secret from webhooks union all select token_hash from sessions";
        let secrets: Vec<(String,)> = (&world.app.store).sql(secrets).all().await.unwrap();
        assert!(secrets.len() > 5);
        for (secret,) in secrets {
            assert!(!text.contains(&secret), "{secret}");
        }
        assert!(!text.contains(&asker.key) && !text.contains(&asker.session));
    }

    /// Whoever adds a column decides whether it is taken along.
    async fn every_column_goes_out_or_is_left_out_on_purpose(world: World) {
        let of_sqlite = Store::sqlite_file(&world.url).is_some();
        let columns = if of_sqlite { "select name from pragma_table_info($1)" } else {
            "select column_name::text from information_schema.columns where table_schema = current_schema() and table_name = $1"
        };
        for kind in KINDS {
            let there: Vec<(String,)> = (&world.app.store).sql(columns).bind(table_of(kind)).all().await.unwrap();
            let mut missing: Vec<_> = there.into_iter().map(|(name,)| name).filter(|name| kind.fields.iter().all(|it| it.name != name)).collect();
            missing.sort();
            let expected: &[&str] = match kind.name {
                "account" | "person" => &["last_seen_at", "password_hash", "previous_signing_secret", "previous_signing_until", "reachable", "role", "signing_secret", "status"],
                "loop" | "request" => &["creator_id"],
                "key" => &["account_id", "token_hash"],
                "webhook" => &["account_id", "deleted_at", "failing_since", "failure_count", "last_delivery_at", "last_status", "previous_secret", "previous_until", "secret", "warned_at"],
                "event" => &["account_id", "seq"],
                _ => &[],
            };
            assert_eq!(missing, expected, "{}", kind.name);
        }
    }

    async fn a_file_is_whole_private_and_replaced_only_when_told_to(world: World) {
        world.asker().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("owner.jsonl");
        let name = file.to_str().unwrap();
        let before = Eye::open(&world).await.every_row().await;
        let export = async |more: &'static [&'static str]| {
            run(&world.url, &[&["export", "--user", "owner@example.com", "--output", name][..], more].concat()).await
        };
        let made = export(&["--json"]).await.json();
        assert_eq!((&made["file"], &made["counts"]["loop"]), (&json!(name), &json!(1)));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count() - 1, exported(&world.url).await.len());
        let refused = export(&[]).await;
        assert!(refused.code == Some(4) && refused.err.contains("--force"), "{refused:?}");
        let human = export(&["--force"]).await;
        assert!(human.code == Some(0) && human.out.contains("loop 1"), "{human:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(Eye::open(&world).await.every_row().await, before, "looking changes nothing");
        for (arguments, code) in [
            (&["export", "--user", "nobody@example.com"][..], 3),
            (&["export", "--user", "owner@example.com", "--output", folder.path().to_str().unwrap()], 2),
            (&["export", "--user", "owner@example.com", "--output", "/nowhere/at/all"], 1),
            (&["export"], 2),
        ] {
            assert_eq!(run(&world.url, arguments).await.code, Some(code), "{arguments:?}");
        }
    }
}
