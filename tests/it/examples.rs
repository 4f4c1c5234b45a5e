//! The small clients in `examples/`, unchanged, against a real server.

use crate::{
    harness::{World, on_both},
    process::{PASSWORD, Said, Server, ended, in_repository, make_key, make_owner, run},
};
use hitl_server::{
    domain::{Id, Key, Request},
    store::{Db, windows},
};
use reqwest::Client;
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

/// A client of one of the two languages.
fn client(language: &str, arguments: &[&str], server: &str, key: &str) -> Command {
    let program = match language {
        "python" => in_repository("target/examples-python/bin/python"),
        _ => "node".into(),
    };
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(in_repository("examples").join(language)).kill_on_drop(true);
    command.env("HITL_URL", server).env("HITL_API_KEY", key).env("HITL_POLL_SECONDS", "0.1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

struct Clients {
    server: Server,
    key: String,
    session: String,
}

impl Clients {
    async fn new(world: &World) -> Self {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let server = Server::start(&world.url).await;
        let signs_in = json!({"email": "owner@example.com", "password": PASSWORD});
        let call = Client::new().post(format!("{}/v1/reviewer/session", server.url)).json(&signs_in);
        let signed_in: Value = call.send().await.unwrap().json().await.unwrap();
        Self { server, key, session: signed_in["data"]["token"].as_str().unwrap().to_owned() }
    }

    async fn run(&self, language: &str, arguments: &[&str]) -> Said {
        ended(client(language, arguments, &self.server.url, &self.key), "").await
    }

    /// The same, which must succeed; what it printed.
    async fn told(&self, language: &str, arguments: &[&str]) -> String {
        let said = self.run(language, arguments).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{arguments:?} {said:?}");
        said.out
    }

    /// A request with that form of answer; its id.
    async fn ask(&self, loop_id: &str, form: &Value) -> String {
        let mut body = json!({"loop_id": loop_id, "request_text": "Is it good?"});
        body.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let call = Client::new().post(format!("{}/v1/requests", self.server.url)).bearer_auth(&self.key).json(&body);
        let made: Value = call.send().await.unwrap().json().await.unwrap();
        made["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    async fn answer(&self, id: &str, answer: impl Into<Value>) {
        let path = format!("{}/v1/reviewer/requests/{id}/respond", self.server.url);
        let call = Client::new().post(path).bearer_auth(&self.session).json(&json!({"response_data": answer.into()}));
        assert_eq!(call.send().await.unwrap().status(), 200);
    }

    /// The open request that the newest client asked, as soon as there is one.
    async fn newest_open(&self) -> String {
        for _ in 0..200 {
            let call =
                Client::new().get(format!("{}/v1/api/requests?status=pending", self.server.url)).bearer_auth(&self.key);
            let listed: Value = call.send().await.unwrap().json().await.unwrap();
            if let Some(id) = listed["data"]["requests"][0]["id"].as_str() {
                return id.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing was asked");
    }

    async fn make_loop(&self) -> String {
        let told = self.told("python", &["create_loop.py", "Examples"]).await;
        let id = told.lines().find_map(|line| line.strip_prefix("Loop:")).unwrap();
        assert!(told.contains("/join/"), "{told}");
        id.trim().to_owned()
    }
}

on_both! {
    async fn both_languages_check_a_key(world: World) {
        let clients = Clients::new(&world).await;
        for (language, script) in [("python", "check_key.py"), ("javascript", "check_key.mjs")] {
            let told = clients.told(language, &[script]).await;
            assert!(told.contains("owner@example.com (active)"), "{told}");
            assert!(told.contains("loops:read, loops:write, requests:read, requests:write"), "{told}");
            let refused = ended(client(language, &[script], &clients.server.url, "hitl_live_wrong"), "").await;
            assert!(refused.code == Some(1) && refused.err.contains("401") && refused.err.contains("Invalid authorization token"), "{refused:?}");
        }
        let told = clients.told("python", &["retry.py", "/v1/test"]).await;
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["email"], "owner@example.com");
        clients.server.stop().await;
    }

    async fn the_python_quickstart_waits_for_a_person(world: World) {
        let clients = Clients::new(&world).await;
        let loop_id = clients.make_loop().await;
        for (answer, verdict) in [("Approve", "goes out"), ("Reject", "stays here")] {
            let running = client("python", &["quickstart.py", &loop_id], &clients.server.url, &clients.key);
            let running = tokio::spawn(ended(running, ""));
            clients.answer(&clients.newest_open().await, answer).await;
            let said = running.await.unwrap();
            assert!(said.code == Some(0) && said.out.contains(&format!("Owner said {answer}: the post {verdict}")), "{said:?}");
        }
        let listed = clients.told("python", &["pager.py", "completed"]).await;
        assert!(listed.ends_with("2 requests\n"), "{listed}");
        clients.server.stop().await;
    }

    async fn python_waits_as_long_as_the_server_says_and_tries_again(world: World) {
        let clients = Clients::new(&world).await;
        let create = ["keys", "create", "--user", "owner@example.com", "--name", "small", "--limit", "1", "--json"];
        let key = run(&world.url, &create).await.json()["key"].as_str().unwrap().to_owned();
        let used = Client::new().get(format!("{}/v1/test", clients.server.url)).bearer_auth(&key).send().await.unwrap();
        let used: Value = used.json().await.unwrap();
        assert_eq!(used["data"]["rate_limit"]["remaining"], 0);
        let id: Id<Key> = used["data"]["api_key_id"].as_str().unwrap().parse().unwrap();
        let window = windows::find(&world.app.store, id).await.unwrap().unwrap();
        let moved = (&world.app.store).sql("update windows set closes_at = $2 where key_id = $1").bind(id);
        moved.bind(window.closes_at.plus_seconds(4 - 3600)).run().await.unwrap(); // the hour is nearly over
        let said = ended(client("python", &["retry.py", "/v1/test"], &clients.server.url, &key), "").await;
        assert_eq!((said.code, said.err.starts_with("Limit reached; waiting ")), (Some(0), true), "{said:?}");
        assert_eq!(serde_json::from_str::<Value>(&said.out).unwrap()["api_key_id"], id.to_string(), "the second try");
        clients.server.stop().await;
    }

    async fn python_lists_more_than_a_page(world: World) {
        let clients = Clients::new(&world).await;
        let loop_id = clients.make_loop().await;
        let mut asked = Vec::new();
        for _ in 0..103 {
            asked.push(clients.ask(&loop_id, &json!({"response_type": "text", "response_config": {}})).await);
        }
        let told = clients.told("python", &["pager.py"]).await;
        let listed: Vec<&str> = told.lines().filter_map(|line| line.split_once("  pending ")).map(|it| it.0).collect();
        assert!(told.ends_with("103 requests\n"), "{told}");
        assert_eq!(listed, asked, "each of them once, the oldest first");
        clients.server.stop().await;
    }

    async fn javascript_takes_no_for_an_answer_and_falls_back_when_there_is_none(world: World) {
        let clients = Clients::new(&world).await;
        let loop_id = clients.make_loop().await;
        let poll = async |arguments: &[&str]| -> Value {
            let told = clients.told("javascript", &[&["poll.mjs"], arguments].concat()).await;
            serde_json::from_str(&told).unwrap()
        };
        for (kind, config, answer, mirror) in [
            ("boolean", json!({}), json!(false), json!({"boolean": false, "boolean_label": "No"})),
            ("number", json!({"decimal_places": 0}), json!(0), json!({"number": 0, "formatted_value": "0"})),
        ] {
            let id = clients.ask(&loop_id, &json!({"response_type": kind, "response_config": config})).await;
            clients.answer(&id, answer).await;
            let told = poll(&[&id, "true"]).await;
            assert_eq!(told, json!({"status": "completed", "answer": mirror, "by": "Owner"}), "not the fallback");
        }
        let id = clients.ask(&loop_id, &json!({"response_type": "boolean", "response_config": {}})).await;
        let late: Id<Request> = id.parse().unwrap();
        (&world.app.store).sql("update requests set timeout_at = created_at where id = $1").bind(late).run().await.unwrap();
        for (arguments, answer) in [(&[id.as_str(), "reject"][..], "reject"), (&[&id], "no answer")] {
            assert_eq!(poll(arguments).await, json!({"status": "timeout", "answer": answer, "by": null}));
        }
        clients.server.stop().await;
    }

    async fn javascript_asks_and_polls(world: World) {
        let clients = Clients::new(&world).await;
        let loop_id = clients.make_loop().await;
        let id = clients.told("javascript", &["create_request.mjs", &loop_id, "Is it good?"]).await.trim().to_owned();
        let running = tokio::spawn(ended(client("javascript", &["poll.mjs", &id], &clients.server.url, &clients.key), ""));
        clients.answer(&id, "approve").await;
        let said = running.await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&said.out).unwrap(), json!({"status": "completed", "answer": "approve", "by": "Owner"}), "{said:?}");
        let refused = clients.run("javascript", &["create_request.mjs", &"0".repeat(24)]).await;
        assert!(refused.code == Some(1) && refused.err.contains("Loop not found"), "{refused:?}");
        clients.server.stop().await;
    }
}
