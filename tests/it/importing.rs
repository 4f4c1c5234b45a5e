//! What is taken in from a file: once however often, and nothing of a file in which something is wrong.

use crate::{
    asking::has,
    copying::grown,
    exporting::{exported, file_of},
    harness::{Database, Engine, World, on_both, question},
    process::{run, run_with},
    reading::Eye,
};
use hitl_server::settings::Settings;
use serde_json::{Value, json};

async fn elsewhere(world: &World) -> (Database, World) {
    let engine = if world.app.store.engine() == "sqlite" { Engine::Sqlite } else { Engine::Postgres };
    let database = Database::create(engine).await;
    let there = World::at(&database.url, Settings::default(), world.clock.clone()).await;
    (database, there)
}

async fn leave(database: Database, there: World) {
    there.app.store.close().await;
    database.drop().await;
}

/// The lines, changed.
fn changed(text: &str, change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    change(&mut lines);
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn place(lines: &[Value], kind: &str) -> usize {
    lines.iter().position(|line| line["kind"] == kind).unwrap()
}

on_both! {
    async fn the_same_file_twice_doubles_nothing(world: World) {
        grown(&world).await;
        let text = file_of(&world.url).await;
        let (database, there) = elsewhere(&world).await;
        let first = run_with(&there.url, &["import", "-", "--json"], &text).await.json();
        assert_eq!(first["new"], first["read"]);
        let before = Eye::open(&there).await.every_row().await;
        let second = run_with(&there.url, &["import", "-", "--json"], &text).await.json();
        assert_eq!(second["read"], first["read"]);
        assert!(second["new"].as_object().unwrap().values().all(|new| new == 0), "{second}");
        assert_eq!(Eye::open(&there).await.every_row().await, before);

        // Nor into the database that it came from.
        let before = Eye::open(&world).await.every_row().await;
        run_with(&world.url, &["import", "-", "--json"], &text).await.json();
        assert_eq!(Eye::open(&world).await.every_row().await, before);
        leave(database, there).await;
    }

    async fn who_was_interrupted_begins_again(world: World) {
        let asker = world.asker().await;
        for _ in 0..3 {
            world.ask(&asker, &question()).await;
        }
        let text = file_of(&world.url).await;
        let (database, there) = elsewhere(&world).await;
        let half = changed(&text, |lines| {
            lines.retain(|line| !["event", "feedback"].contains(&line["kind"].as_str().unwrap()));
            let last = lines.len() - 1;
            lines.remove(last - 1);
            lines[last - 1]["counts"]["event"] = json!(0);
            lines[last - 1]["counts"]["request"] = json!(2);
        });
        let first = run_with(&there.url, &["import", "-", "--json"], &half).await.json();
        assert_eq!(first["new"]["request"], 2, "{first}");
        let second = run_with(&there.url, &["import", "-", "--json"], &text).await.json();
        assert_eq!((&second["read"]["request"], &second["new"]["request"]), (&json!(3), &json!(1)));
        assert_eq!(exported(&there.url).await, exported(&world.url).await);
        leave(database, there).await;
    }

    async fn several_at_once_double_nothing(world: World) {
        let asker = world.asker().await;
        for _ in 0..250 {
            world.ask(&asker, &question()).await;
        }
        let text = file_of(&world.url).await;
        let (database, there) = elsewhere(&world).await;
        let all_but_events = changed(&text, |lines| {
            lines.retain(|line| line["kind"] != "event");
            lines.last_mut().unwrap()["counts"]["event"] = json!(0);
        });
        assert_eq!(run_with(&there.url, &["import", "-"], &all_but_events).await.code, Some(0));
        let import = || run_with(&there.url, &["import", "-", "--json"], &text);
        for said in <[_; 3]>::from(tokio::join!(import(), import(), import())) {
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        assert_eq!(exported(&there.url).await, exported(&world.url).await);
        leave(database, there).await;
    }

    async fn of_a_file_in_which_something_is_wrong_nothing_is_taken_in(world: World) {
        let asker = world.asker().await;
        world.ask(&asker, &question()).await;
        let text = file_of(&world.url).await;
        let (database, there) = elsewhere(&world).await;
        let before = Eye::open(&there).await.every_row().await;
        let lines: Vec<&str> = text.lines().collect();
        let request = lines.iter().position(|line| line.starts_with(r#"{"kind":"request""#)).unwrap();
        let cut = lines[..lines.len() - 1].join("\n");
        let torn = &text[..text.len() - 30];
        for (file, said) in [
            (String::new(), "it is empty".to_owned()),
            (cut, format!("line {}: it was cut off", lines.len() - 1)),
            (torn.to_owned(), format!("line {}: it is not a JSON object", lines.len())),
            (changed(&text, |it| it[0]["version"] = json!(2)), "line 1: it is of version 2, made by a newer hitl".into()),
            (changed(&text, |it| it[request]["status"] = json!("lost")), format!("line {}: status of this request is not a word", request + 1)),
            (changed(&text, |it| it[request]["loop_id"] = it[request]["id"].clone()), format!("line {}: the loop of this request is not", request + 1)),
            (changed(&text, |it| drop(it.remove(request))), format!("line {}: lines are missing", lines.len() - 1)),
            (text.replace("{\"kind\":\"request\"", "{\"kind\":\"wish\""), format!("line {}: there is no kind", request + 1)),
        ] {
            let refused = run_with(&there.url, &["import", "-"], &file).await;
            assert!(refused.code == Some(4) && refused.err.contains(&said), "{said}: {refused:?}");
            assert_eq!(Eye::open(&there).await.every_row().await, before, "{said}");
        }
        assert_eq!(run(&there.url, &["import", "/nowhere.jsonl"]).await.code, Some(3));
        assert_eq!(run(&there.url, &["import", "/"]).await.code, Some(2));
        assert_eq!(run_with(&there.url, &["import", "-", "--user", "nobody@example.com"], &text).await.code, Some(3));
        leave(database, there).await;
    }

    async fn what_is_somebody_else_s_here_is_not_taken_over(world: World) {
        world.asker().await;
        let text = file_of(&world.url).await;
        world.person("eve@example.com").await;
        let before = Eye::open(&world).await.every_row().await;
        let refused = run_with(&world.url, &["import", "-", "--user", "eve@example.com"], &text).await;
        assert!(refused.code == Some(4) && refused.err.contains("line 3: it is here already, and is somebody else's"), "{refused:?}");
        // Its owner is known here by another identifier, and somebody else has its own.
        let taken = changed(&text, |it| it[1]["email"] = json!("other@example.com"));
        let refused = run_with(&world.url, &["import", "-"], &taken).await;
        assert!(refused.code == Some(4) && refused.err.contains("line 2: somebody else here has this id"), "{refused:?}");
        assert_eq!(Eye::open(&world).await.every_row().await, before);

        let (database, there) = elsewhere(&world).await;
        let code = |it: &[Value]| it[place(it, "loop")]["invite_code"].clone();
        there.asker().await;
        let ours: Vec<Value> = exported(&there.url).await.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        let same = changed(&text, |it| {
            let at = place(it, "loop");
            it[at]["id"] = json!("aaaaaaaaaaaaaaaaaaaaaaaa");
            it[at]["invite_code"] = code(&ours);
            let at = place(it, "member");
            it[at]["loop_id"] = json!("aaaaaaaaaaaaaaaaaaaaaaaa");
        });
        let refused = run_with(&there.url, &["import", "-"], &same).await;
        assert!(refused.code == Some(4) && refused.err.contains("line 3: something else here has its id or its invite code"), "{refused:?}");
        leave(database, there).await;
    }

    async fn nothing_is_put_into_the_story_of_somebody_else_s_request(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let eve = world.person("eve@example.com").await;
        let before = Eye::open(&world).await.every_row().await;
        let feedback = json!({"kind": "feedback", "id": id, "request_id": id, "account_id": eve.id, "body": {"rating": 1}, "submitted_at": "2024-03-15T10:30:00Z"});
        let event = |request: Option<&str>, of: Option<&str>| json!({
            "kind": "event", "id": "aaaaaaaaaaaaaaaaaaaaaaaa", "at": "2024-03-15T10:30:00Z", "name": "request.released", "actor_kind": "operator", "actor_id": null,
            "loop_id": of, "request_id": request, "from_status": null, "to_status": null, "data": {},
        });
        for line in [feedback, event(Some(&id), None), event(None, Some(&asker.loop_id))] {
            let account = json!({"kind": "account", "id": eve.id, "email": "eve@example.com", "name": "Eve", "created_at": "2024-03-15T10:30:00Z"});
            let mut end = json!({"kind": "hitl.export.end", "counts": {
                "account": 1, "person": 0, "loop": 0, "member": 0, "key": 0, "webhook": 0, "request": 0, "feedback": 0, "event": 0}});
            end["counts"][line["kind"].as_str().unwrap()] = json!(1);
            let file = [json!({"kind": "hitl.export", "version": 1}), account, line, end].map(|line| line.to_string()).join("\n");
            let refused = run_with(&world.url, &["import", "-", "--user", "eve@example.com"], &file).await;
            assert!(refused.code == Some(4) && refused.err.contains("line 3: it is here already, and is somebody else's"), "{refused:?}");
        }
        assert_eq!(Eye::open(&world).await.every_row().await, before);
    }

    async fn people_who_are_known_here_stay_who_they_are(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        world.reviewer("bob@example.com", &asker.code).await;
        let id = world.ask(&asker, &question()).await;
        let answer = json!({"response_data": "approve"});
        assert_eq!(world.post(&format!("/v1/reviewer/requests/{id}/respond")).key(&session).json(&answer).await.status, 200);
        let text = file_of(&world.url).await;

        let (database, there) = elsewhere(&world).await;
        there.person("first@example.com").await; // so that nobody has the identifier that they have elsewhere
        let ann = there.person("ann@example.com").await;
        let boss = there.person("boss@example.com").await;
        let said = run_with(&there.url, &["import", "-", "--user", "boss@example.com"], &text).await;
        assert!(said.code == Some(0) && said.out.contains("hitl keys rotate") && said.out.contains("1 people"), "{said:?}");
        let key = there.key(&boss).await;
        let shown = there.get(&format!("/v1/api/requests/{id}")).key(&key).await;
        has(&shown.body["data"]["request"], &json!({"response_by": ann.id, "creator_id": boss.id, "response_data": "approve", "status": "completed"}));
        let members = there.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&key).await;
        let members: Vec<_> = members.at("data.members").as_array().unwrap().iter().map(|it| (it["email"].clone(), it["role"].clone(), it["status"].clone())).collect();
        let member = |email: &str, role: &str| (json!(email), json!(role), json!("active"));
        assert_eq!(members, [member("boss@example.com", "admin"), member("ann@example.com", "member"), member("bob@example.com", "member")]);

        // Bob is new here. He signs up by the loop's link, and is who he was; by that of another loop nobody becomes Bob.
        let (_, other) = there.loop_named(&key, "Of somebody else").await;
        let form = "mode=sign_up&email=bob@example.com&name=Bob&password=correct+horse+battery+staple";
        let posing = there.post(&format!("/join/{other}")).header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin").raw(form).await;
        assert_eq!((posing.status, posing.header("set-cookie")), (409, ""));
        let joined = there.post(&format!("/join/{}", asker.code)).header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin").raw(form).await;
        assert_eq!(joined.status, 200, "{}", String::from_utf8_lossy(&joined.bytes));
        leave(database, there).await;
    }

    async fn no_key_works_before_it_is_replaced(world: World) {
        let asker = world.asker().await;
        let text = file_of(&world.url).await;
        let (database, there) = elsewhere(&world).await;
        let said = run_with(&there.url, &["import", "-"], &text).await;
        assert!(said.out.contains("owner@example.com has no password here"), "{said:?}");
        assert_eq!(there.get("/v1/test").key(&asker.key).await.status, 401);
        let keys = run(&there.url, &["keys", "list", "--json"]).await.json();
        let id = keys[0]["id"].as_str().unwrap();
        assert_eq!(there.get("/v1/test").key(&format!("imported {id}")).await.status, 401);
        let new = run(&there.url, &["keys", "rotate", id, "--overlap", "0", "--json"]).await.json();
        assert_eq!(there.get("/v1/test").key(new["key"].as_str().unwrap()).await.status, 200);
        leave(database, there).await;
    }
}
