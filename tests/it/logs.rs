//! Nothing secret is ever logged, however much is: invariant 16.

use crate::{
    harness::{on_both, question},
    process::{PASSWORD, Server, make_key, make_owner, run},
};
use hitl_server::service::push_keys;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const OTHER_PASSWORD: &str = "an even better battery";

on_both! {
    async fn a16_no_secret_is_in_any_log_line(world: World) {
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let server = Server::start_with(&world.url, &[("HITL_LOG_LEVEL", "trace")]).await;
        let client = Client::new();
        let call = async |method: Method, path: &str, token: &str, body: &Value| -> Value {
            let call = client.request(method, format!("{}{path}", server.url)).bearer_auth(token).json(body);
            call.send().await.unwrap().json().await.unwrap()
        };
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned();

        let signs_in = json!({"email": "owner@example.com", "password": PASSWORD});
        let session = text(&call(Method::POST, "/v1/reviewer/session", "", &signs_in).await["data"]["token"]);
        let guess = "guessed-password-9731";
        call(Method::POST, "/v1/reviewer/session", "", &json!({"email": "owner@example.com", "password": guess})).await;
        call(Method::GET, "/v1/test", &key, &Value::Null).await;
        let wrong = format!("hitl_live_{}", "7".repeat(48));
        call(Method::GET, "/v1/test", &wrong, &Value::Null).await;
        let ways = json!({"ntfy_url": "http://127.0.0.1:9/topic-secret-5678"});
        assert_eq!(call(Method::PUT, "/v1/reviewer/notification-settings", &session, &ways).await["error"], false);
        let browser = push_keys::find(&world.app).await.unwrap().unwrap();
        let keys = json!({"p256dh": browser.public_key, "auth": "c2VjcmV0LXNlY3JldC1zZQ"});
        let device = json!({"endpoint": "http://127.0.0.1:9/endpoint-secret-9012", "keys": keys});
        assert_eq!(call(Method::POST, "/v1/reviewer/devices", &session, &device).await["error"], false);
        let made = call(Method::POST, "/v1/api/loops", &key, &json!({"name": "Loop"})).await;
        let (loop_id, code) = (text(&made["data"]["id"]), text(&made["data"]["invite_code"]));
        let mut body = question();
        body["request_text"] = json!("confidential-question-text");
        body["context"] = json!({"customer": "confidential-context"});
        body["callback_url"] = json!("http://127.0.0.1:9/callback?token=callback-secret-1234");
        let asked = call(Method::POST, &format!("/v1/api/loops/{loop_id}/requests"), &key, &body).await;
        let id = text(&asked["data"]["id"]);
        let arguments = ["keys", "create", "--user", "owner@example.com", "--name", "hooks", "--scopes", "webhooks:write", "--json"];
        let hooks = text(&run(&world.url, &arguments).await.json()["key"]);
        let hook = json!({"url": "http://127.0.0.1:9/hook", "secret": "webhook-secret-3456"});
        let hook = text(&call(Method::POST, "/v1/api/webhooks", &hooks, &hook).await["data"]["id"]);
        let rotated = text(&call(Method::POST, &format!("/v1/api/webhooks/{hook}/rotate-secret"), &hooks, &Value::Null).await["data"]["secret"]);
        assert_eq!(call(Method::POST, &format!("/v1/api/webhooks/{hook}/test"), &hooks, &Value::Null).await["error"], false);
        let signing = text(&call(Method::GET, "/v1/api/webhooks/signing-secret", &hooks, &Value::Null).await["data"]["secret"]);
        let signing_rotated = call(Method::POST, "/v1/api/webhooks/signing-secret/rotate", &hooks, &Value::Null).await;
        let signing_rotated = text(&signing_rotated["data"]["secret"]);
        let answer = json!({"response_data": "approve"});
        call(Method::POST, &format!("/v1/reviewer/requests/{id}/respond"), &session, &answer).await;
        let signs_up = json!({"invite_code": code, "email": "jane@example.com", "name": "Jane", "password": PASSWORD});
        let janes = text(&call(Method::POST, "/v1/reviewer/signup", "", &signs_up).await["data"]["token"]);
        let passwords = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
        let changed = call(Method::POST, "/v1/reviewer/password", &janes, &passwords).await;
        assert_eq!(changed["msg"], "Password changed");
        let cookie = client.get(format!("{}/v1/reviewer/me", server.url)).header("cookie", format!("hitl_session={session}"));
        assert_eq!(cookie.send().await.unwrap().status(), 200);
        call(Method::POST, "/v1/reviewer/setup", "", &json!({"token": "setup-token-guess", "email": "a@b.c", "name": "A", "password": OTHER_PASSWORD})).await;
        client.get(format!("{}/setup/setup-token-in-path", server.url)).send().await.unwrap();

        let log = server.stop().await;
        assert!(log.contains("/v1/reviewer/session") && log.contains("/v1/api/loops/{loop_id}/requests"), "requests are logged: {log}");
        for secret in [
            &key, &wrong, &session, &janes, PASSWORD, OTHER_PASSWORD, guess, "Bearer ", "hitl_session=", "confidential-question-text",
            "confidential-context", "callback-secret-1234", "topic-secret-5678", "endpoint-secret-9012", "c2VjcmV0LXNlY3JldC1zZQ",
            &browser.private_key.0, "setup-token-guess", "setup-token-in-path",
            &hooks, "webhook-secret-3456", &rotated, &signing, &signing_rotated,
            &key["hitl_live_".len()..], &session[session.len() - 48..],
        ] {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is in the log: {}", line.unwrap_or_default());
        }
    }
}
