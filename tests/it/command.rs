//! The command line from end to end: what it prints for people and for programs, and how it ends. Beside a running server.

use crate::{
    harness::{on_both, question_with},
    process::{PASSWORD, Server, make_key, make_owner, run, run_where, run_with},
    receiver::Receiver,
};
use reqwest::Client;
use serde_json::{Value, json};

const NOBODY: &str = "65f1234567890abcdef12345";

async fn get(server: &Server, path: &str, token: &str) -> (u16, Value) {
    let answer = Client::new().get(format!("{}{path}", server.url)).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(server: &Server, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let call = Client::new().post(format!("{}{path}", server.url)).bearer_auth(token).json(body);
    let answer = call.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
}

on_both! {
    async fn users_are_made_listed_suspended_and_let_in_again(world: World) {
        let owner = make_owner(&world.url).await;
        assert_eq!((&owner["email"], &owner["role"], &owner["status"]), (&json!("owner@example.com"), &json!("owner"), &json!("active")));
        let server = Server::start(&world.url).await;
        let signs_in = |password: &str| json!({"email": "owner@example.com", "password": password});
        let (status, signed_in) = post(&server, "/v1/reviewer/session", "", &signs_in(PASSWORD)).await;
        assert_eq!(status, 200);
        let session = text(&signed_in["data"]["token"]);

        let create = ["users", "create", "--email", "owner@example.com", "--name", "Again", "--password-stdin"];
        let again = run_with(&world.url, &create, PASSWORD).await;
        assert_eq!((again.code, again.out.as_str()), (Some(4), ""), "{again:?}");
        let create = ["users", "create", "--email", "ann@example.com", "--name", "Ann", "--password-stdin"];
        let short = run_with(&world.url, &create, "short\n").await;
        assert!(short.code == Some(4) && short.err.starts_with("error: "), "{short:?}");
        let ann = run_with(&world.url, &create, PASSWORD).await;
        assert!(ann.code == Some(0) && ann.out.contains("ann@example.com") && ann.out.contains("member"), "{ann:?}");
        let listed = run(&world.url, &["users", "list"]).await;
        assert!(listed.out.starts_with("ID") && listed.out.lines().count() == 3, "{listed:?}");
        let listed = run(&world.url, &["users", "list", "--json"]).await.json();
        assert_eq!(listed.as_array().unwrap().len(), 2);

        let suspended = run(&world.url, &["users", "suspend", "owner@example.com", "--json"]).await.json();
        assert_eq!(suspended["status"], "suspended");
        assert_eq!(get(&server, "/v1/reviewer/me", &session).await.0, 401);
        let active = run(&world.url, &["users", "activate", "owner@example.com", "--json"]).await.json();
        assert_eq!(active["status"], "active");
        let set = run_with(&world.url, &["users", "set-password", "owner@example.com", "--password-stdin"], "another good password\n").await;
        assert_eq!(set.code, Some(0), "{set:?}");
        assert_eq!(post(&server, "/v1/reviewer/session", "", &signs_in(PASSWORD)).await.0, 401);
        assert_eq!(post(&server, "/v1/reviewer/session", "", &signs_in("another good password")).await.0, 200);
        let link = run(&world.url, &["users", "reset-link", "owner@example.com"]).await;
        let path = link.out.trim().split_once("/reset/").map(|(_, token)| format!("/reset/{token}"));
        assert!(link.code == Some(0) && link.out.lines().count() == 1, "{link:?}");
        assert_eq!(world.get(&path.unwrap()).await.status, 200, "it leads to the form");
        let nobody = run(&world.url, &["users", "suspend", "nobody@example.com"]).await;
        assert_eq!((nobody.code, nobody.err.lines().count()), (Some(3), 1), "{nobody:?}");
        server.stop().await;
    }

    async fn keys_are_shown_once_and_their_state_holds_at_a_running_server(world: World) {
        make_owner(&world.url).await;
        let server = Server::start(&world.url).await;
        let made = run(&world.url, &["keys", "create", "--user", "owner@example.com", "--name", "n8n", "--scopes", "loops:read", "--limit", "7", "--json"]).await.json();
        let (key, id) = (text(&made["key"]), text(&made["id"]));
        let (status, tested) = get(&server, "/v1/test", &key).await;
        assert_eq!((status, &tested["data"]["permissions"], &tested["data"]["rate_limit"]["limit"]), (200, &json!(["loops:read"]), &json!(7)));
        for arguments in [&["keys", "list"][..], &["keys", "list", "--json"], &["keys", "show", &id], &["keys", "show", &id, "--json"]] {
            let said = run(&world.url, arguments).await;
            assert!(said.code == Some(0) && said.out.contains(&id) && said.out.contains("n8n"), "{said:?}");
            assert!(!said.out.contains(&key), "a key is shown once");
        }
        let second = std::time::Duration::from_secs(1); // design 4: takes effect within a second
        for (act, shown, status) in [("suspend", "suspended", 401), ("activate", "active", 200), ("revoke", "revoked", 401)] {
            assert_eq!(run(&world.url, &["keys", act, &id, "--json"]).await.json()["status"], shown);
            tokio::time::sleep(second).await;
            assert_eq!(get(&server, "/v1/test", &key).await.0, status, "{act}");
        }
        let again = run(&world.url, &["keys", "activate", &id]).await;
        assert_eq!(again.code, Some(4), "revoked is for good: {again:?}");

        let old = make_key(&world.url).await;
        let (_, tested) = get(&server, "/v1/test", &old).await;
        let rotated = run(&world.url, &["keys", "rotate", &text(&tested["data"]["api_key_id"]), "--overlap", "0"]).await;
        assert!(rotated.code == Some(0), "{rotated:?}");
        let new = rotated.out.lines().next().unwrap();
        tokio::time::sleep(second).await;
        assert_eq!((get(&server, "/v1/test", &old).await.0, get(&server, "/v1/test", new).await.0), (401, 200));

        for (arguments, code) in [
            (&["keys", "show", NOBODY][..], 3),
            (&["keys", "create", "--user", "nobody@example.com", "--name", "x"], 3),
            (&["keys", "create", "--user", "owner@example.com", "--name", "x", "--scopes", "everything"], 2),
            (&["keys", "create", "--user", "owner@example.com", "--name", ""], 4),
            (&["keys", "rotate", &id, "--overlap", "1w"], 2),
        ] {
            let said = run(&world.url, arguments).await;
            assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{arguments:?} {said:?}");
        }
        server.stop().await;
    }

    async fn loops_and_requests_are_seen_and_answered(world: World) {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let server = Server::start(&world.url).await;
        let made = run(&world.url, &["loops", "create", "--user", "owner@example.com", "--name", "Ops", "--json"]).await.json();
        let loop_id = text(&made["id"]);
        assert!(run(&world.url, &["loops", "list"]).await.out.contains("Ops"));
        assert_eq!(run(&world.url, &["loops", "list", "--json"]).await.json()[0]["id"], json!(loop_id));
        let invited = run(&world.url, &["loops", "invite", &loop_id, "--email", "ann@example.com", "--rotate", "--json"]).await.json();
        assert_ne!(invited["invite_code"], made["invite_code"]);
        assert_eq!(invited["invited"]["status"], "pending");
        let human = run(&world.url, &["loops", "invite", &loop_id]).await;
        assert!(human.out.contains(&text(&invited["invite_code"])), "{human:?}");
        assert_eq!(run(&world.url, &["loops", "invite", NOBODY]).await.code, Some(3));

        let body = json!({
            "processing_type": "deferred", "type": "markdown", "request_text": "Ship it?", "response_type": "boolean", "response_config": {}
        });
        let (_, asked) = post(&server, &format!("/v1/api/loops/{loop_id}/requests"), &key, &body).await;
        let id = text(&asked["data"]["id"]);
        let human = run(&world.url, &["requests", "list", "--status", "pending", "--loop", &loop_id]).await;
        assert!(human.out.contains(&id) && human.out.ends_with("1 of 1\n"), "{human:?}");
        assert_eq!(run(&world.url, &["requests", "list", "--json"]).await.json()[0]["id"], json!(id));
        let respond = |answer: &'static str, more: &'static [&'static str]| {
            let (url, id) = (world.url.clone(), id.clone());
            async move { run(&url, &[&["requests", "respond", &id, "--as", "owner@example.com", answer], more].concat()).await }
        };
        let wrong = respond("banana", &[]).await;
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(4), ""), "invariant 7: {wrong:?}");
        let answered = respond("false", &["--json"]).await.json();
        assert_eq!((&answered["status"], &answered["response_data"]), (&json!("completed"), &json!(false)));
        assert_eq!(respond("true", &[]).await.code, Some(4));
        let (_, polled) = get(&server, &format!("/v1/api/requests/{id}"), &key).await;
        assert_eq!(polled["data"]["request"]["response_by_user"]["email"], "owner@example.com");
        assert!(run(&world.url, &["requests", "show", &id]).await.out.contains("completed"));
        assert_eq!(run(&world.url, &["requests", "show", &id, "--json"]).await.json()["response_data"], false);
        assert_eq!(run(&world.url, &["requests", "show", NOBODY]).await.code, Some(3));
        assert_eq!(run(&world.url, &["requests", "show", "not-an-id"]).await.code, Some(2));
        let since = run(&world.url, &["webhooks", "recover", "65f1234567890abcdef12350", "--since", "yesterday"]).await;
        assert!(since.code == Some(2) && since.err.contains("yesterday"), "{since:?}");
        let limit = run(&world.url, &["keys", "create", "--user", "owner@example.com", "--name", "n8n", "--limit", "-1"]).await;
        assert!(limit.code == Some(2) && limit.err.contains("-1 is not in"), "{limit:?}");
        server.stop().await;
    }

    async fn check_migrate_and_health_say_how_it_is(world: World) {
        let checked = run(&world.url, &["check"]).await;
        assert!(checked.code == Some(0) && checked.out.contains("its schema is up to date"), "{checked:?}");
        let checked = run(&world.url, &["check", "--json"]).await.json();
        assert_eq!((&checked["ok"], &checked["checks"][1]["name"], &checked["checks"][1]["ok"]), (&json!(true), &json!("database"), &json!(true)));
        assert_eq!(checked["settings"]["limits.requests_per_hour"], json!({"value": 100, "from": "default"}));
        let migrated = run(&world.url, &["migrate"]).await;
        assert!(migrated.code == Some(0) && migrated.out.contains("is up to date"), "{migrated:?}");
        let server = Server::start(&world.url).await;
        let healthy = run(&world.url, &["health", "--url", &server.url]).await;
        assert_eq!((healthy.code, healthy.out.as_str()), (Some(0), "ready\n"));
        let healthy = run(&world.url, &["health", "--json", "--url", &server.url]).await.json();
        assert_eq!((&healthy["ready"], &healthy["status"]), (&json!(true), &json!(200)));
        let url = server.url.clone();
        let said = server.stopped().await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains(&format!("{url}/setup/")), "nobody can sign in yet: {said:?}");
        assert!(!said.err.contains("/setup/"), "the link is a secret: {said:?}");
        let gone = run(&world.url, &["health", "--url", &url]).await;
        assert!(gone.code == Some(1) && gone.err.starts_with("error: ") && gone.out.is_empty(), "{gone:?}");
        let gone = run(&world.url, &["health", "--json", "--url", &url]).await;
        assert!(gone.code == Some(1) && gone.err.starts_with("error: "), "{gone:?}");
        let gone: Value = serde_json::from_str(&gone.out).unwrap();
        assert_eq!((&gone["ready"], &gone["status"]), (&json!(false), &Value::Null));
        assert!(gone["error"].as_str().unwrap().contains(&url), "{gone}");
    }

    async fn a07_the_command_line_takes_no_answer_that_does_not_fit(world: World) {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let server = Server::start(&world.url).await;
        let made = run(&world.url, &["loops", "create", "--user", "owner@example.com", "--name", "Ops", "--json"]).await.json();
        let path = format!("/v1/api/loops/{}/requests", text(&made["id"]));
        let options = json!(["a", "b"]);
        for (kind, config, wrong, right) in [
            ("boolean", json!({}), "banana", "yes"),
            ("single_select", json!({"options": options}), "c", "a"),
            ("multi_select", json!({"options": options, "max_selections": 1}), r#"["a", "b"]"#, r#"["b"]"#),
            ("rating", json!({"scale_max": 5}), "6", "5"),
            ("number", json!({"max_value": 10}), "11", "10"),
            ("text", json!({"min_length": 3, "required": true}), "ab", "abc"),
        ] {
            let body = json!({
                "processing_type": "deferred", "type": "markdown", "request_text": "Well?", "response_type": kind, "response_config": config
            });
            let id = text(&post(&server, &path, &key, &body).await.1["data"]["id"]);
            let respond = async |answer| run(&world.url, &["requests", "respond", &id, "--as", "owner@example.com", answer]).await;
            let refused = respond(wrong).await;
            assert_eq!((refused.code, refused.out.as_str()), (Some(4), ""), "{kind} {refused:?}");
            let (_, polled) = get(&server, &format!("/v1/api/requests/{id}"), &key).await;
            assert_eq!((&polled["data"]["status"], &polled["data"]["response_data"]), (&json!("pending"), &Value::Null));
            assert_eq!(respond(right).await.code, Some(0), "{kind}: it was the answer that did not fit");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_typed_wrong_is_said_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/hitl.db", folder.path().display());
    for arguments in [
        &["bogus"][..],
        &["serve", "--listen", "nowhere"],
        &["health", "--url", "https://example.com"],
        &["users", "create"],
        &[],
    ] {
        let said = run(&url, arguments).await;
        assert!(said.code == Some(2) && said.out.is_empty() && !said.err.is_empty(), "{arguments:?} {said:?}");
    }
    let said = run(&url, &["keys", "list"]).await;
    assert_eq!(said.code, Some(3), "there is no database, and none is made by asking: {said:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let said = run("mysql://user:hunter2@db", &["check"]).await;
    assert!(said.code == Some(2) && said.out.is_empty() && !said.err.contains("hunter2"), "{said:?}");
    let said = run("mysql://user:hunter2@db", &["check", "--json"]).await;
    assert!(said.code == Some(2) && !said.err.contains("hunter2") && !said.out.contains("hunter2"), "{said:?}");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&told["ok"], told["faults"].as_array().map(Vec::len)), (&json!(false), Some(1)), "{told}");
    for level in ["inof", "info,sqlx=loud"] {
        let wrong = [("HITL_LOG_LEVEL", level), ("HITL_SESSIONS_DAYS", "0")];
        for arguments in [&["check"][..], &["serve", "--listen", "127.0.0.1:0"], &["keys", "list"]] {
            let said = run_where(&url, arguments, &wrong).await;
            let lines: Vec<_> = said.err.lines().filter(|line| line.contains("HITL_")).collect();
            assert_eq!((said.code, lines.len()), (Some(2), 2), "both faults at once: {said:?}");
            assert!(lines.iter().any(|line| line.contains("HITL_LOG_LEVEL: log.level must be ")), "{said:?}");
        }
    }
    for arguments in [&["--help"][..], &["--version"], &["keys", "--help"]] {
        let said = run(&url, arguments).await;
        assert!(said.code == Some(0) && said.out.contains("hitl"), "{said:?}");
    }
}

#[tokio::test]
async fn dev_makes_all_one_needs_to_try_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let server = Server::dev(&data).await;
    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("data/credentials.json")).unwrap()).unwrap();
    let key = text(&credentials["key"]);
    assert_eq!(get(&server, "/v1/test", &key).await.0, 200);
    let signs_in = json!({"email": credentials["email"], "password": credentials["password"]});
    let (status, signed_in) = post(&server, "/v1/reviewer/session", "", &signs_in).await;
    assert_eq!(status, 200);
    let receiver = Receiver::start().await;
    let body = question_with(&json!({"callback_url": receiver.url("/here")}));
    let path = format!("/v1/api/loops/{}/requests", text(&credentials["loop_id"]));
    let id = text(&post(&server, &path, &key, &body).await.1["data"]["id"]);
    let (path, answer) = (format!("/v1/reviewer/requests/{id}/respond"), json!({"response_data": "approve"}));
    assert_eq!(post(&server, &path, &text(&signed_in["data"]["token"]), &answer).await.0, 200);
    receiver.has(1).await; // it may send to this machine
    assert_eq!(receiver.only().event(), "request.completed");
    server.stop().await;
    let again = Server::dev(&data).await;
    assert_eq!(get(&again, "/v1/test", &key).await.0, 200, "the second start remembers the first");
    again.stop().await;
    let refused = run("", &["dev", "--listen", "0.0.0.0:0", "--data-dir", &data]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
}
