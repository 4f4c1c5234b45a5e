//! Every operation that programs call, in the contract's words: what it takes, which scope it wants, what it says. Tests walk it.

use crate::harness::{Answer, Asker, Call, World};
use hitl_server::domain::Scope;
use serde_json::{Value, json};

/// One operation of the public API (contract 6 and 7).
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The canonical path (1.1.2); `{loop_id}` and its kin stand for ids.
    pub(crate) path: &'static str,
    /// The scope it wants (2.8.2); empty for none.
    pub(crate) scope: &'static str,
    /// A body that does; empty for none.
    pub(crate) body: &'static str,
    /// What it answers when it succeeds.
    pub(crate) status: u16,
    /// What it says then; empty where the contract leaves it open.
    pub(crate) msg: &'static str,
    /// What it says when the storage fails (E16); empty where the contract leaves it open.
    pub(crate) failed: &'static str,
}

type Row = (&'static str, &'static str, &'static str, &'static str, u16, &'static str, &'static str);

const ASK: &str = r#"{"loop_id": "{loop_id}", "processing_type": "time-sensitive", "timeout_seconds": 86400, "type": "markdown",
    "priority": "low", "request_text": "Good?", "response_type": "boolean", "response_config": {}}"#;
// Nobody listens there, and nothing is sent there: the address is closed (12.7).
const HOOK: &str = r#"{"url": "http://127.0.0.1:9/hook", "events": ["loop.deleted"]}"#;
const NAME: &str = r#"{"name": "Second"}"#;
const PRIORITY: &str = r#"{"priority": "high"}"#;
const ASKED: &str = "Request created and broadcasted successfully";
const SHOWN: &str = "Request retrieved successfully";
const LISTED: &str = "Requests retrieved successfully";
const CHANGED: &str = "Request updated successfully";
const CANCELLED: &str = "Request cancelled successfully";
const RENAMED: &str = "Loop updated successfully";

#[rustfmt::skip]
const ROWS: [Row; 42] = [
    ("GET", "/v1/test", "", "", 200, "API key is valid", ""),
    ("GET", "/v1/api/loops", "loops:read", "", 200, "Loops retrieved successfully", "Failed to retrieve loops"),
    ("POST", "/v1/api/loops", "loops:write", NAME, 200, "Loop created successfully with QR code", "Failed to create loop"),
    ("GET", "/v1/api/loops/{loop_id}", "loops:read", "", 200, "Loop retrieved successfully", "Failed to retrieve loop"),
    ("PUT", "/v1/api/loops/{loop_id}", "loops:write", NAME, 200, RENAMED, "Failed to update loop"),
    ("PATCH", "/v1/api/loops/{loop_id}", "loops:write", NAME, 200, RENAMED, "Failed to update loop"),
    ("DELETE", "/v1/api/loops/{loop_id}", "loops:write", "", 200, "Loop deleted successfully", "Failed to delete loop"),
    ("GET", "/v1/api/loops/{loop_id}/stats", "loops:read", "", 200, "", ""),
    ("POST", "/v1/api/loops/{loop_id}/invite", "loops:write", "", 200, "Invite code regenerated successfully", ""),
    ("GET", "/v1/api/loops/{loop_id}/members", "loops:read", "", 200, "Loop members retrieved successfully", ""),
    ("POST", "/v1/api/loops/{loop_id}/members", "loops:write", r#"{"email": "new@example.com"}"#, 201, "Member invited successfully", ""),
    ("DELETE", "/v1/api/loops/{loop_id}/members/{user_id}", "loops:write", "", 200, "Member removed from loop successfully", ""),
    ("GET", "/v1/api/loops/{loop_id}/requests", "requests:read", "", 200, "Loop requests retrieved successfully", "Failed to retrieve requests"),
    ("POST", "/v1/api/loops/{loop_id}/requests", "requests:write", ASK, 201, ASKED, "Failed to create request"),
    ("GET", "/v1/api/requests", "requests:read", "", 200, LISTED, "Failed to retrieve requests"),
    ("POST", "/v1/api/requests", "requests:write", ASK, 201, ASKED, "Failed to create request"),
    ("GET", "/v1/api/requests/{request_id}", "requests:read", "", 200, SHOWN, "Failed to retrieve request"),
    ("GET", "/v1/api/requests/{request_id}/status", "requests:read", "", 200, SHOWN, "Failed to retrieve request"),
    ("GET", "/v1/api/requests/{request_id}/response", "requests:read", "", 200, SHOWN, "Failed to retrieve request"),
    ("PATCH", "/v1/api/requests/{request_id}", "requests:write", PRIORITY, 200, CHANGED, ""),
    ("PUT", "/v1/api/requests/{request_id}", "requests:write", PRIORITY, 200, CHANGED, ""),
    ("DELETE", "/v1/api/requests/{request_id}", "requests:write", "", 200, CANCELLED, "Failed to cancel request"),
    ("POST", "/v1/api/requests/{request_id}/cancel", "requests:write", "", 200, CANCELLED, "Failed to cancel request"),
    ("POST", "/v1/api/requests/{request_id}/feedback", "requests:write", r#"{"feedback": {"rating": 5}}"#, 200,
        "Feedback added successfully", "Failed to add feedback"),
    ("GET", "/v1/api/requests/{request_id}/wait", "requests:read", "", 200, SHOWN, "Failed to retrieve request"),
    ("GET", "/v1/api/requests/{request_id}/timeline", "requests:read", "", 200, "Timeline retrieved successfully", ""),
    ("GET", "/v1/api/requests/{request_id}/deliveries", "requests:read", "", 200, "Deliveries retrieved successfully", ""),
    ("POST", "/v1/api/requests/{request_id}/deliveries/{delivery_id}/redeliver", "requests:write", "", 200, "Delivery queued successfully", ""),
    ("GET", "/v1/api/webhooks", "webhooks:read", "", 200, "Webhooks retrieved successfully", ""),
    ("POST", "/v1/api/webhooks", "webhooks:write", HOOK, 201, "Webhook created successfully", ""),
    ("GET", "/v1/api/webhooks/signing-secret", "webhooks:write", "", 200, "Signing secret retrieved successfully", ""),
    ("POST", "/v1/api/webhooks/signing-secret/rotate", "webhooks:write", "", 200, "Signing secret rotated successfully", ""),
    ("GET", "/v1/api/webhooks/{webhook_id}", "webhooks:read", "", 200, "Webhook retrieved successfully", ""),
    ("PATCH", "/v1/api/webhooks/{webhook_id}", "webhooks:write", HOOK, 200, "Webhook updated successfully", ""),
    ("PUT", "/v1/api/webhooks/{webhook_id}", "webhooks:write", HOOK, 200, "Webhook updated successfully", ""),
    ("DELETE", "/v1/api/webhooks/{webhook_id}", "webhooks:write", "", 200, "Webhook deleted successfully", ""),
    ("POST", "/v1/api/webhooks/{webhook_id}/test", "webhooks:write", "", 200, "Test webhook sent successfully", ""),
    ("POST", "/v1/api/webhooks/{webhook_id}/rotate-secret", "webhooks:write", "", 200, "Webhook secret rotated successfully", ""),
    ("GET", "/v1/api/webhooks/{webhook_id}/deliveries", "webhooks:read", "", 200, "Webhook deliveries retrieved successfully", ""),
    ("GET", "/v1/api/webhooks/{webhook_id}/deliveries/{delivery_id}", "webhooks:read", "", 200, "Webhook delivery retrieved successfully", ""),
    ("POST", "/v1/api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", "webhooks:write", "", 200, "Delivery queued successfully", ""),
    ("POST", "/v1/api/webhooks/{webhook_id}/recover", "webhooks:write", r#"{"since": "2024-01-01T00:00:00Z"}"#, 200,
        "Deliveries queued successfully", ""),
];

/// What answers with a stream instead of the envelope; `streams.rs` tests them.
const STREAMS: [&str; 2] = ["/v1/api/requests/{request_id}/events", "/v1/api/events"];

/// All of them.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    ROWS.into_iter().map(|(method, path, scope, body, status, msg, failed)| Operation {
        method,
        path,
        scope,
        body,
        status,
        msg,
        failed,
    })
}

impl Operation {
    /// Both paths that lead to it (1.1.2).
    pub(crate) fn paths(&self) -> [String; 2] {
        let bare = self.path.strip_prefix("/v1/api").or_else(|| self.path.strip_prefix("/v1")).unwrap();
        [format!("/v1/api{bare}"), format!("/v1{bare}")]
    }

    /// Whether it reads a body, so that a malformed one is refused; a cancellation's may be anything (1.2.2).
    pub(crate) fn takes_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// A call of it, without a key.
    pub(crate) fn call<'w>(&self, world: &'w World, scene: &Scene, path: &str) -> Call<'w> {
        let call = world.call(self.method.parse().unwrap(), &scene.fill(path));
        if !self.takes_body() {
            return call;
        }
        call.header("content-type", "application/json").raw(scene.fill(self.body))
    }
}

/// What an operation can succeed on: a loop with an invited person, and a request in it.
pub(crate) struct Scene {
    pub(crate) loop_id: String,
    pub(crate) request_id: String,
    pub(crate) user_id: String,
    pub(crate) webhook_id: String,
    pub(crate) delivery_id: String,
}

impl Scene {
    /// A fresh one, with its request answered where the operation wants that.
    pub(crate) async fn set(world: &World, asker: &Asker, operation: &Operation) -> Self {
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Scene"})).await;
        let loop_id = made.text("data.id");
        let path = format!("/v1/api/loops/{loop_id}");
        let invited =
            world.post(&format!("{path}/members")).key(&asker.key).json(&json!({"email": "guest@example.com"})).await;
        let mut body: Value = serde_json::from_str(ASK).unwrap();
        let of_callback = operation.path.contains("{request_id}") && operation.path.contains("{delivery_id}");
        if of_callback {
            body["callback_url"] = json!("http://127.0.0.1:9/callback");
        }
        let asked = world.post(&format!("{path}/requests")).key(&asker.key).json(&body).await;
        let (webhook_id, delivery_id) = hook(world, asker, operation).await;
        let (request_id, user_id) = (asked.text("data.id"), invited.text("data.member.user_id"));
        let mut scene = Self { loop_id, request_id, user_id, webhook_id, delivery_id };
        if operation.path.ends_with("/feedback") || operation.path.ends_with("/wait") {
            let path = format!("/v1/reviewer/requests/{}/respond", scene.request_id);
            let answered = world.post(&path).key(&asker.session).json(&json!({"response_data": true})).await;
            assert_eq!(answered.status, 200, "{}", answered.body);
        }
        if of_callback {
            let path = format!("/v1/api/requests/{}", scene.request_id);
            assert_eq!(world.delete(&path).key(&asker.key).await.status, 200);
            let log = world.get(&format!("{path}/deliveries")).key(&asker.key).await;
            scene.delivery_id = log.text("data.deliveries.0.id");
        }
        scene
    }

    /// One of nothing: well-formed ids that nobody has.
    pub(crate) fn of_nothing() -> Self {
        Self::of("65f1234567890abcdef12345")
    }

    /// The same id for everything.
    pub(crate) fn of(id: &str) -> Self {
        let id = || id.to_owned();
        Self { loop_id: id(), request_id: id(), user_id: id(), webhook_id: id(), delivery_id: id() }
    }

    /// Puts the ids into a pattern.
    pub(crate) fn fill(&self, pattern: &str) -> String {
        pattern
            .replace("{loop_id}", &self.loop_id)
            .replace("{request_id}", &self.request_id)
            .replace("{user_id}", &self.user_id)
            .replace("{webhook_id}", &self.webhook_id)
            .replace("{delivery_id}", &self.delivery_id)
    }
}

/// A webhook, and a delivery to it, where the operation wants them.
async fn hook(world: &World, asker: &Asker, operation: &Operation) -> (String, String) {
    if !operation.path.contains("{webhook_id}") {
        return Default::default();
    }
    let (_, key) = world.key_with(&asker.owner, |new| new.scopes = vec![Scope::WebhooksWrite]).await;
    let hook: Value = serde_json::from_str(HOOK).unwrap();
    let webhook_id = world.post("/v1/api/webhooks").key(&key).json(&hook).await.text("data.id");
    if !operation.path.contains("{delivery_id}") {
        return (webhook_id, String::new());
    }
    let sent = world.post(&format!("/v1/api/webhooks/{webhook_id}/test")).key(&key).await;
    (webhook_id, sent.text("data.delivery.id"))
}

/// Asserts that an answer is a failure in the envelope of contract 1.3.2.
#[track_caller]
pub(crate) fn assert_failure(answer: &Answer, about: &str) {
    assert!(answer.status >= 400, "{about}: {} {}", answer.status, answer.body);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{about}");
    let body = answer.body.as_object().unwrap_or_else(|| panic!("{about}: no JSON object"));
    assert_eq!(body["error"], true, "{about}: {}", answer.body);
    assert!(body["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{about}: {}", answer.body);
    assert!(body.get("data").is_none_or(|data| data.is_string() || data.is_object()), "{about}: {}", answer.body);
    assert!(body.keys().all(|key| ["error", "msg", "data"].contains(&key.as_str())), "{about}: {}", answer.body);
}

/// The operations that the server has are the ones of the contract, each with the scope that its description names.
#[test]
fn contract_1_1_2_the_server_has_these_operations_under_both_prefixes() {
    let mut served: Vec<String> = Vec::new();
    for operation in hitl_server::http::keyed().operations.into_iter().filter(|it| !STREAMS.contains(&it.path.as_str()))
    {
        for path in std::iter::once(&operation.path).chain(&operation.aliases) {
            served.push(format!("{} {path}", operation.method));
        }
    }
    let mut wanted: Vec<String> = operations()
        .flat_map(|operation| operation.paths().map(|path| format!("{} {path}", operation.method)))
        .collect();
    served.sort();
    wanted.sort();
    assert_eq!(served, wanted);
}
