//! The record of what happened: a request's timeline, and the audit log for the owner (issue 3; quality C and D).

use crate::{
    asking::{act, has, in_state, path, respond},
    harness::{Answer, Asker, World, on_both, question},
};
use axum::http::Method;
use hitl_server::{
    domain::{Account, AccountStatus, Actor, Email, KeyStatus, Role, Secret},
    service::keys,
    store,
};
use serde_json::{Value, json};

async fn timeline(world: &World, key: &str, id: &str) -> Answer {
    world.get(&format!("{}/timeline", path(id))).key(key).await
}

/// Whoever owns the server; a session.
async fn owner(world: &World) -> String {
    let account = Account {
        id: world.app.new_id(),
        email: Email::parse("boss@example.com").unwrap(),
        name: "Boss".into(),
        role: Role::Owner,
        status: AccountStatus::Active,
        password_hash: Some(Secret("none".into())),
        created_at: world.now(),
    };
    store::accounts::insert(&world.app.store, &account, &Secret("whsec_owner".into())).await.unwrap();
    world.sign_in(&account).await
}

async fn audit(world: &World, session: &str, query: &str) -> Answer {
    world.get(&format!("/v1/reviewer/audit{query}")).key(session).await
}

fn column(answer: &Answer, list: &str, name: &str) -> Vec<Value> {
    let lines = answer.at(list).as_array().unwrap_or_else(|| panic!("no {list} in {}", answer.body));
    lines.iter().map(|line| line[name].clone()).collect()
}

/// A life of a loop, a request and a key.
async fn life(world: &World) -> (Asker, String, Account) {
    let asker = world.asker().await;
    let (john, session) = world.reviewer("john@example.com", &asker.code).await;
    let id = world.ask(&asker, &question()).await;
    world.clock.advance(60);
    act(world, &session, &id, "claim").await;
    world.clock.advance(60);
    act(world, &session, &id, "release").await;
    world.clock.advance(60);
    respond(world, &session, &id, &json!("approve")).await;
    let feedback = world.post(&format!("{}/feedback", path(&id))).key(&asker.key);
    assert_eq!(feedback.json(&json!({"feedback": {"rating": 5}})).await.status, 200);
    (asker, id, john)
}

on_both! {
    async fn a_timeline_tells_what_happened_and_who_did_it(world: World) {
        let (asker, id, john) = life(&world).await;
        let told = timeline(&world, &asker.key, &id).await;
        told.accepted(200, "Timeline retrieved successfully");
        assert_eq!((told.at("data.request_id"), told.at("data.count")), (&json!(id), &json!(5)));
        let key_id = world.get(&path(&id)).key(&asker.key).await.at("data.request.api_key_id").clone();
        let (person, key) = (json!("person"), json!("key"));
        let john = json!(john.id.to_string());
        for (place, (event, at, kind, actor, from, to)) in [
            ("request.created", "2024-03-15T10:30:00Z", &key, &key_id, json!(null), json!("pending")),
            ("request.claimed", "2024-03-15T10:31:00Z", &person, &john, json!("pending"), json!("claimed")),
            ("request.released", "2024-03-15T10:32:00Z", &person, &john, json!("claimed"), json!("pending")),
            ("request.completed", "2024-03-15T10:33:00Z", &person, &john, json!("pending"), json!("completed")),
            ("request.feedback", "2024-03-15T10:33:00Z", &key, &key_id, json!(null), json!(null)),
        ].into_iter().enumerate() {
            let line = told.at(&format!("data.timeline.{place}"));
            has(line, &json!({"event": event, "at": at, "actor_kind": kind, "actor_id": actor, "from": from, "to": to}));
            assert_eq!(line["event_id"].as_str().unwrap().len(), 24);
        }
    }

    async fn a06_a_timeout_is_the_clock_s(world: World) {
        let asker = world.asker().await;
        let id = in_state(&world, &asker, "timeout").await;
        let told = timeline(&world, &asker.key, &id).await;
        has(told.at("data.timeline.1"), &json!({"event": "request.timeout", "actor_kind": "clock", "actor_id": null, "from": "pending", "to": "timeout"}));
    }

    async fn a_timeline_is_for_whoever_may_see_the_request(world: World) {
        let (asker, id, john) = life(&world).await;
        let stranger = world.person("stranger@example.com").await;
        let (theirs, members) = (world.key(&stranger).await, world.key(&john).await);
        let (_, blind) = world.key_with(&asker.owner, |new| new.scopes.clear()).await;
        timeline(&world, &theirs, &id).await.refused(403, "Access denied to this request", &json!(null));
        timeline(&world, &blind, &id).await.refused(403, "Access denied to this resource", &json!({"required_permission": "requests:read"}));
        timeline(&world, &asker.key, "65f1234567890abcdef12345").await.refused(404, "Request not found", &json!(null));
        timeline(&world, &asker.key, "nonsense").await.refused(400, "Invalid request ID format", &json!(null));
        assert_eq!(timeline(&world, &members, &id).await.status, 200);
        assert_eq!(world.get(&format!("/v1/requests/{id}/timeline")).key(&asker.key).await.status, 200);
    }

    async fn the_audit_log_is_there_for_the_owner_only(world: World) {
        let (asker, _, _) = life(&world).await;
        let boss = owner(&world).await;
        audit(&world, &boss, "").await.accepted(200, "Audit log retrieved successfully");
        audit(&world, &asker.session, "").await.refused(404, "Not found", &json!(null));
        audit(&world, &asker.session, "?format=jsonl&limit=0").await.refused(404, "Not found", &json!(null));
        assert_eq!(audit(&world, &asker.key, "").await.status, 401, "no key is a session");
        assert_eq!(world.get("/v1/reviewer/audit").await.status, 401);
    }

    async fn the_audit_log_tells_of_everybody_and_of_no_secret(world: World) {
        let (asker, id, john) = life(&world).await;
        let boss = owner(&world).await;
        let (key, token) = world.key_with(&asker.owner, |_| {}).await;
        keys::set_status(&world.app, Actor::Operator, key.id, KeyStatus::Revoked).await.unwrap();
        let told = audit(&world, &boss, "?limit=1000").await;
        let names = column(&told, "data.events", "event");
        for name in ["api_key.created", "loop.created", "loop.member_joined", "request.created", "request.claimed", "request.released",
            "request.completed", "request.feedback", "api_key.status_changed"] {
            assert!(names.contains(&json!(name)), "{name} in {names:?}");
        }
        let seqs: Vec<i64> = column(&told, "data.events", "seq").iter().map(|seq| seq.as_i64().unwrap()).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
        let answered = told.at("data.events").as_array().unwrap().iter().find(|line| line["event"] == "request.completed").unwrap();
        has(answered, &json!({"actor_kind": "person", "actor_id": john.id.to_string(), "account_id": asker.owner.id.to_string(),
            "loop_id": asker.loop_id, "request_id": id, "from": "pending", "to": "completed", "at": "2024-03-15T10:33:00Z"}));
        assert_eq!(answered["data"]["response_data"], "approve");
        let text = told.body.to_string();
        for secret in [token.as_str(), &asker.key, &asker.session, "whsec_"] {
            assert!(!text.contains(secret));
        }
    }

    async fn the_audit_log_can_be_filtered(world: World) {
        let (asker, id, john) = life(&world).await;
        let other = world.ask(&asker, &question()).await;
        let boss = owner(&world).await;
        let events = async |query: &str| {
            let told = audit(&world, &boss, query).await;
            told.accepted(200, "Audit log retrieved successfully");
            assert_eq!(told.at("data.count"), &json!(told.at("data.events").as_array().unwrap().len()));
            column(&told, "data.events", "event")
        };
        assert_eq!(events(&format!("?request_id={id}")).await.len(), 5);
        assert_eq!(events(&format!("?request_id={other}")).await, ["request.created"]);
        assert_eq!(events("?event=request.created").await.len(), 2);
        assert_eq!(events(&format!("?event=request.created&request_id={id}")).await.len(), 1);
        assert_eq!(events(&format!("?loop_id={}&event=loop.created", asker.loop_id)).await.len(), 1);
        assert_eq!(events(&format!("?account_id={}&event=request.created", asker.owner.id)).await.len(), 2);
        assert_eq!(events(&format!("?account_id={}", john.id)).await, Vec::<Value>::new(), "what concerns him, not what he did");
        assert_eq!(events("?since=2024-03-15T10:31:00Z&until=2024-03-15T10:33:00Z").await, ["request.claimed", "request.released"]);
        assert_eq!(events("?since=2024-03-15T12:31:00%2B02:00&until=2024-03-15T10:32:00Z").await, ["request.claimed"]);
    }

    async fn the_audit_log_is_read_page_by_page(world: World) {
        life(&world).await;
        let boss = owner(&world).await;
        let whole = column(&audit(&world, &boss, "").await, "data.events", "event_id");
        let (mut pages, mut after) = (Vec::new(), json!(0));
        loop {
            let page = audit(&world, &boss, &format!("?limit=2&after={after}")).await;
            after = page.at("data.next_after").clone();
            if after.is_null() {
                break;
            }
            pages.extend(column(&page, "data.events", "event_id"));
        }
        assert_eq!(pages, whole);
        let lines = audit(&world, &boss, "?format=jsonl").await;
        assert_eq!(lines.header("content-type"), "application/jsonl; charset=utf-8");
        let text = String::from_utf8(lines.bytes).unwrap();
        assert!(text.ends_with('\n'));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line["event_id"].clone()).collect::<Vec<_>>(), whole);
    }

    async fn the_exported_audit_log_is_whole(world: World) {
        let boss = owner(&world).await;
        let asker = world.asker().await;
        for count in 0..1100 {
            crate::hooking::rename(&world, &asker, &format!("Name {count}")).await;
        }
        let export = async |query: &str| {
            let text = String::from_utf8(audit(&world, &boss, &format!("?format=jsonl&{query}")).await.bytes).unwrap();
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        let updated = export("event=loop.updated").await;
        assert_eq!(updated.len(), 1100, "more than are read at a time");
        assert!(updated.is_sorted());
        assert_eq!(export(&format!("event=loop.updated&after={}", updated[9])).await, updated[10..]);
        assert_eq!(export("event=loop.updated&limit=5").await, updated[..5]);
    }

    async fn filters_of_the_audit_log_that_mean_nothing_are_refused(world: World) {
        let boss = owner(&world).await;
        for (query, says) in [
            ("?limit=0", "limit must be between 1 and 1000"),
            ("?limit=1001", "limit must be between 1 and 1000"),
            ("?limit=x", "limit must be between 1 and 1000"),
            ("?event=request.eaten", "event is unknown"),
            ("?account_id=x", "account_id must be 24 hex digits"),
            ("?loop_id=x", "loop_id must be 24 hex digits"),
            ("?request_id=x", "request_id must be 24 hex digits"),
            ("?after=x", "after must be a number"),
            ("?since=yesterday", "since must be an RFC 3339 timestamp"),
            ("?until=2024-03-15", "until must be an RFC 3339 timestamp"),
        ] {
            audit(&world, &boss, query).await.refused(400, "Validation failed", &json!(says));
        }
    }

    async fn no_route_changes_the_record(world: World) {
        let (asker, id, _) = life(&world).await;
        let boss = owner(&world).await;
        let before = audit(&world, &boss, "?limit=1000").await.bytes;
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for (path, token) in [
                (format!("{}/timeline", path(&id)), &asker.key),
                (format!("{}/events", path(&id)), &asker.key),
                ("/v1/api/events".into(), &asker.key),
                ("/v1/reviewer/audit".into(), &boss),
            ] {
                let answer = world.call(method.clone(), &path).key(token).json(&json!({})).await;
                answer.refused(405, "Method not allowed", &json!(null));
            }
        }
        assert_eq!(audit(&world, &boss, "?limit=1000").await.bytes, before);
        // What it speaks of may go; it stays.
        let deleted = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        assert_eq!(deleted.status, 200, "{}", deleted.body);
        assert_eq!(column(&audit(&world, &boss, &format!("?request_id={id}")).await, "data.events", "event").len(), 5);
    }
}

/// The store has words to add to the record and to read it, and none to change it. What the settings keep no longer is swept.
#[test]
fn no_statement_changes_the_record() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap();
    let texts: Vec<_> = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("insert into events ")), "this test looks at the right files");
    for word in ["update events", "truncate ", "drop table"] {
        assert!(texts.iter().all(|text| !text.to_lowercase().contains(word)), "{word}");
    }
    for text in texts {
        for (at, _) in text.match_indices("delete from events") {
            let function = text[..at].rsplit("async fn ").next().unwrap();
            assert!(function.starts_with("sweep("), "{function}");
        }
    }
}
