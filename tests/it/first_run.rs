//! From nothing to an answer, by the commands of the README alone: invariant 10.

use crate::{
    harness::{Database, Engine},
    process::{Server, in_repository, make_key, make_owner, run},
};
use reqwest::Client;
use serde_json::{Value, json};

/// Every command that this test gives is one that the README shows.
const COMMANDS: [&str; 6] =
    ["hitl check", "hitl serve", "hitl users create", "hitl keys create", "hitl loops      list create", "respond"];

/// What comes back to a call with a key: a body where there is one to send.
async fn called(server: &Server, key: &str, path: &str, body: Option<&Value>) -> Value {
    let (client, url) = (Client::new(), format!("{}{path}", server.url));
    let call = body.map_or_else(|| client.get(&url), |body| client.post(&url).json(body));
    let answer = call.bearer_auth(key).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

async fn from_nothing(engine: Engine) {
    let readme = std::fs::read_to_string(in_repository("README.md")).unwrap();
    for command in COMMANDS {
        assert!(readme.contains(command), "{command}");
    }
    let database = Database::create(engine).await;
    let checked = run(&database.url, &["check"]).await;
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "before anything is there: {checked:?}");
    let server = Server::start(&database.url).await;
    make_owner(&database.url).await;
    let key = make_key(&database.url).await;
    assert_eq!(called(&server, &key, "/v1/test", None).await["msg"], "API key is valid");
    let made = called(&server, &key, "/v1/api/loops", Some(&json!({"name": "First"}))).await;
    let question = json!({
        "processing_type": "time-sensitive", "timeout_seconds": 600, "type": "markdown", "priority": "low",
        "request_text": "Ship it?", "response_type": "boolean", "response_config": {}
    });
    let path = format!("/v1/api/loops/{}/requests", made["data"]["id"].as_str().unwrap());
    let asked = called(&server, &key, &path, Some(&question)).await;
    let id = asked["data"]["id"].as_str().unwrap();
    let answered = run(&database.url, &["requests", "respond", id, "--as", "owner@example.com", "yes"]).await;
    assert_eq!(answered.code, Some(0), "{answered:?}");
    let read = called(&server, &key, &format!("/v1/api/requests/{id}"), None).await;
    assert_eq!((&read["data"]["status"], &read["data"]["response_data"]), (&json!("completed"), &json!(true)));
    let checked = run(&database.url, &["check"]).await;
    assert!(checked.code == Some(0) && checked.out.contains("its schema is up to date"), "{checked:?}");
    let said = server.stopped().await;
    assert!(said.code == Some(0) && said.out.contains("/setup/"), "the other way to the first account: {said:?}");
    database.drop().await;
}

mod a10_from_nothing_to_an_answer_by_the_documented_commands {
    use super::{Engine, from_nothing};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        from_nothing(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        from_nothing(Engine::Postgres).await;
    }
}
