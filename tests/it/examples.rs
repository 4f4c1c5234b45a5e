//! The small clients in `examples/`, unchanged, against a real server.

use crate::{
    harness::{World, on_both},
    process::{PASSWORD, Said, Server, ended, in_repository, make_key, make_owner},
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

    async fn answer(&self, id: &str, answer: &str) {
        let path = format!("{}/v1/reviewer/requests/{id}/respond", self.server.url);
        let call = Client::new().post(path).bearer_auth(&self.session).json(&json!({"response_data": answer}));
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
