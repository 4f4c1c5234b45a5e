//! What real clients send, as they send it, and what they read (contract 17).

use crate::{
    asking::{has, path, respond},
    harness::{Answer, Asker, World, on_both, question, question_with},
};
use serde_json::{Value, json};

/// What JavaScript's `||` takes for true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// `one || other || …` of JavaScript.
fn or<'v>(values: &[&'v Value]) -> &'v Value {
    values.iter().find(|value| truthy(value)).or(values.last()).unwrap()
}

/// The body of N8N's node for one response type.
fn n8n_body(kind: &str, config: &Value, default: &Value) -> Value {
    json!({
        "processing_type": "time-sensitive", "type": "markdown", "priority": "medium", "request_text": "Please review",
        "timeout_seconds": 600, "response_type": kind, "response_config": config, "default_response": default,
        "platform": "n8n", "platform_version": "1.0.0",
    })
}

/// A poll of N8N's node, which sends a content type without a body: the status it sees, and the answer it goes on with.
async fn n8n_polls(world: &World, asker: &Asker, polling_url: &str, default: &Value) -> (Value, Value, bool) {
    let polled = world.get(polling_url).key(&asker.key).header("content-type", "application/json").await;
    assert_eq!(polled.at("error"), &json!(false));
    let status = or(&[polled.at("data.request.status"), polled.at("data.status")]).clone();
    let (inner, outer) = (polled.at("data.request.response_data"), polled.at("data.response_data"));
    let waits = inner.is_null() && outer.is_null();
    (status, or(&[inner, outer, default]).clone(), waits)
}

async fn n8n_goes_through(
    world: &World,
    asker: &Asker,
    kind: &str,
    config: &Value,
    default: &Value,
    answer: &Value,
    expected: &Value,
) {
    let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
    let made = world.post(&path).key(&asker.key).json(&n8n_body(kind, config, default)).await;
    has(&made.body, &json!({"error": false, "msg": "Request created and broadcasted successfully"}));
    has(
        made.at("data"),
        &json!({
            "status": "pending", "processing_type": "time-sensitive", "priority": "medium",
            "broadcasted_to": 1, "notifications_sent": 0,
        }),
    );
    for field in ["request_id", "timeout_at", "polling_url"] {
        assert!(made.at("data")[field].is_string(), "{field}");
    }
    let url = made.text("data.polling_url");
    let polled = n8n_polls(world, asker, &url, default).await;
    assert_eq!((polled.0, polled.2), (json!("pending"), true), "{kind}");
    world.clock.advance(5);
    respond(world, &asker.session, &made.text("data.request_id"), answer).await.accepted(200, "Response submitted");
    let (status, result, waits) = n8n_polls(world, asker, &url, default).await;
    assert_eq!((status, &result, waits), (json!("completed"), expected, false), "{kind}");
    let done = world.get(&url).key(&asker.key).await;
    assert_eq!(done.at("data.request.response_by_user.email"), "owner@example.com");
    assert_eq!(done.at("data.request.response_time_seconds"), &json!(5));
}

on_both! {
    async fn contract_17_n8n_creates_and_polls_all_six_types(world: World) {
        let asker = world.asker().await;
        let options =
            json!([{"value": "approve", "label": "Approve"}, {"value": "needs_review", "label": "Needs Review"}]);
        let single = json!({"options": options, "required": true, "prompt": ""});
        let multi =
            json!({"options": options, "min_selections": 1, "max_selections": 2, "required": true, "prompt": ""});
        let rating = json!({"min": 1, "max": 5, "required": true, "prompt": ""});
        let from_zero = json!({"min": 0, "max": 5, "required": true, "prompt": ""});
        let number = json!({
            "min_value": 0, "max_value": 1_000_000, "decimal_places": 0, "allow_negative": false,
            "required": true, "prompt": "",
        });
        let text = json!({"placeholder": "", "min_length": 0, "max_length": 1000, "required": false, "prompt": ""});
        let boolean = json!({"prompt": "", "required": true});
        for (kind, config, default, answer, expected) in [
            ("single_select", &single, json!("approve"), json!("Needs Review"), json!("needs_review")),
            ("multi_select", &multi, json!(["approve"]), json!(["needs_review"]), json!(["needs_review"])),
            ("rating", &rating, json!(3), json!(5), json!(5)),
            ("rating", &from_zero, json!(3), json!(0), json!({"rating": 0, "rating_label": null})),
            ("number", &number, json!(7), json!(42), json!(42)),
            ("number", &number, json!(7), json!(0), json!({"number": 0, "formatted_value": "0"})),
            ("text", &text, json!("fine"), json!("No issues"), json!("No issues")),
            ("text", &text, json!("fine"), json!(""), json!({"text": ""})),
            ("text", &text, json!(""), json!("Late"), json!("Late")),
            ("boolean", &boolean, json!(false), json!(true), json!(true)),
            ("boolean", &boolean, json!(true), json!(false), json!({"boolean": false, "boolean_label": "No"})),
        ] {
            n8n_goes_through(&world, &asker, kind, config, &default, &answer, &expected).await;
        }
    }

    async fn contract_17_n8n_falls_back_to_its_default_when_nobody_answers(world: World) {
        let asker = world.asker().await;
        let default = json!(true);
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let body = n8n_body("boolean", &json!({"prompt": "", "required": true}), &default);
        let made = world.post(&path).key(&asker.key).json(&body).await;
        world.clock.advance(600);
        let polled = n8n_polls(&world, &asker, &made.text("data.polling_url"), &default).await;
        assert_eq!(polled, (json!("timeout"), default, true));
    }

    async fn contract_17_n8n_sends_a_deferred_request_without_a_timeout_and_a_callback(world: World) {
        let asker = world.asker().await;
        let mut body = n8n_body("boolean", &json!({"prompt": "", "required": true}), &json!(false));
        let callback = "https://n8n.example.com/webhook-waiting/231";
        body["processing_type"] = json!("deferred");
        body["callback_url"] = json!(callback);
        body.as_object_mut().unwrap().shift_remove("timeout_seconds");
        let shown = world.get(&path(&world.ask(&asker, &body).await)).key(&asker.key).await;
        has(
            shown.at("data.request"),
            &json!({"callback_url": callback, "timeout_at": "2024-04-14T10:30:00Z", "platform": "n8n"}),
        );
        let picker = world.get("/v1/api/loops").key(&asker.key).header("content-type", "application/json").await;
        has(&picker.body, &json!({"error": false}));
        has(
            picker.at("data.loops.0"),
            &json!({"id": asker.loop_id, "name": "Moderation", "member_count": 1, "description": ""}),
        );
        assert_eq!(world.get("/v1/test").key(&asker.key).await.status, 200, "the credentials");
    }

    async fn contract_17_the_api_keys_page(world: World) {
        let owner = world.person("user@example.com").await;
        let (_, key) = world.key_with(&owner, |new| new.hourly_limit = None).await;
        let tested = world.get("/v1/test").key(&key).header("content-type", "application/json").await;
        assert_eq!(tested.status, 200);
        has(tested.at("data"), &json!({"email": "user@example.com", "account_status": "active"}));
        assert_eq!(
            (tested.at("data.rate_limit.remaining"), tested.at("data.rate_limit.limit")),
            (&json!(99), &json!(100))
        );
        let permissions: Vec<&str> =
            tested.at("data.permissions").as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(permissions.join(", "), "loops:read, loops:write, requests:read, requests:write");

        let made = world
            .post("/v1/api/loops")
            .key(&key)
            .json(&json!({"name": "My Loop", "description": "Created via API"}))
            .await;
        assert_eq!(made.status, 200, "201 makes it print nothing");
        let body = question_with(&json!({"default_response": null, "platform": null}));
        let path = format!("/v1/api/loops/{}/requests", made.text("data.id"));
        let asked = world.post(&path).key(&key).json(&body).await;
        assert_eq!((asked.status, asked.text("data.id").len()), (201, 24));

        for _ in 0..97 {
            assert_eq!(world.get("/v1/test").key(&key).await.status, 200);
        }
        let limited = world.get("/v1/test").key(&key).await;
        assert_eq!((limited.status, limited.header("retry-after").parse::<i64>().unwrap()), (429, 3600));
        has(&limited.body, &json!({"error": true, "msg": "API rate limit exceeded"}));
    }

    async fn contract_17_mcp(world: World) {
        let asker = world.asker().await;
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let mut body = question();
        body["tags"] = json!(["deploy", "prod"]);
        let made = world
            .post(&path)
            .key(&asker.key)
            .header("accept", "application/json")
            .header("user-agent", "hitl-mcp-server/0.1.0")
            .json(&body)
            .await;
        let at = crate::asking::path(&made.text("data.id"));
        let shown = world.get(&at).key(&asker.key).header("accept", "application/json").await;
        has(
            shown.at("data.request"),
            &json!({"tags": ["deploy", "prod"], "platform": "api", "user_agent": "hitl-mcp-server/0.1.0"}),
        );
        let changed = world.patch(&at).key(&asker.key).json(&json!({"priority": "critical", "tags": ["x"]})).await;
        has(changed.at("data.request"), &json!({"priority": "critical", "tags": ["x"]}));
        assert_eq!(world.delete(&at).key(&asker.key).header("accept", "application/json").await.status, 200);
        let refused: Answer = world.delete(&at).key(&asker.key).header("accept", "application/json").await;
        assert!(refused.header("content-type").contains("application/json"));
        assert!(refused.text("msg").contains("cannot be cancelled"));
        let missing = world.get("/v1/api/nowhere").key(&asker.key).header("accept", "application/json").await;
        assert!(
            missing.header("content-type").contains("application/json")
                && missing.text("msg").to_lowercase().contains("not found")
        );
    }

    async fn contract_17_mindcloud(world: World) {
        let asker = world.asker().await;
        let body = question_with(&json!({"default_response": null}));
        let made = world.post(&format!("/v1/loops/{}/requests", asker.loop_id)).key(&asker.key).json(&body).await;
        let id = made.text("data.request_id");
        let listed = world.get("/v1/requests").key(&asker.key).await;
        assert_eq!((listed.at("data.count"), listed.at("data.requests.0.id")), (&json!(1), &json!(id)));
        let members = world.get(&format!("/v1/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        has(members.at("data"), &json!({"loop_id": asker.loop_id, "member_count": 1}));
        assert_eq!(members.at("data.members").as_array().unwrap().len(), 1);
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        let feedback = json!({"feedback": {"rating": 5}, "would_recommend": true});
        let given = world.post(&format!("/v1/requests/{id}/feedback")).key(&asker.key).json(&feedback).await;
        assert_eq!(given.at("data.feedback"), &json!({"rating": 5, "would_recommend": true}));
        let second = world
            .post(&format!("/v1/loops/{}/requests", asker.loop_id))
            .key(&asker.key)
            .json(&body)
            .await
            .text("data.id");
        let cancelled = world.delete(&format!("/v1/requests/{second}")).key(&asker.key).await;
        has(cancelled.at("data"), &json!({"request_id": second, "status": "cancelled"}));
    }

    async fn contract_17_make_has_string_options_and_reads_the_slug(world: World) {
        let asker = world.asker().await;
        let callback = "https://hook.make.example.com/abc";
        let body = question_with(&json!({
            "response_config": {"options": ["Approve", "Needs Review"], "required": true},
            "default_response": "needs_review",
            "callback_url": callback, "platform": null,
        }));
        let made = world.post(&format!("/v1/api/loops/{}/requests", asker.loop_id)).key(&asker.key).json(&body).await;
        let id = made.text("data.request_id");
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        let shown = world.get(&path(&id)).key(&asker.key).await;
        has(
            shown.at("data.request"),
            &json!({"response_data": "Approve", "callback_url": callback, "default_response": "needs_review"}),
        );
        assert_eq!(shown.at("data.request.response_details.selected_slug"), "approve");
        assert_eq!(shown.at("data.request.response_by_user.name"), "owner");
    }

    async fn contract_17_the_quickstart_in_its_legacy_form(world: World) {
        let asker = world.asker().await;
        let mut body = json!({
            "loop_id": asker.loop_id, "request_text": "Should we publish this?", "response_type": "single_select",
            "response_config": {"options": ["✅ Approve - Publish", "❌ Reject - Do not publish"]},
            "timeout_minutes": 30, "metadata": {"source": "quickstart"},
            "default_response": "❌ Reject - Review timeout",
        });
        let refused = world.post("/v1/requests").key(&asker.key).json(&body).await;
        refused.refused(
            400,
            "Invalid default response",
            &json!("default_response must match one of the configured options"),
        );
        body.as_object_mut().unwrap().shift_remove("default_response");
        let made = world.post("/v1/requests").key(&asker.key).json(&body).await;
        assert_eq!((made.status, made.at("data.request.status")), (201, &json!("pending")));
        assert_eq!(made.at("data.request.timeout_at"), "2024-03-15T11:00:00Z");
        let id = made.text("data.request.id");
        respond(&world, &asker.session, &id, &json!("✅ Approve - Publish")).await.accepted(200, "Response submitted");
        let shown = world.get(&format!("/v1/requests/{id}/status")).key(&asker.key).await;
        assert_eq!(shown.at("data.status"), "completed");
        assert!(shown.text("data.response_data").contains("Approve"), "'Approve' in response_data");
        assert_eq!(shown.at("data.request.metadata"), &json!({"source": "quickstart"}));
    }

    async fn contract_17_the_introduction_reads_the_object_form_beside(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        world.clock.advance(245);
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        let shown = world.get(&format!("/v1/requests/{id}")).key(&asker.key).await;
        let request = shown.at("data.request");
        assert_eq!(request["response_details"]["selected_value"], "approve");
        assert_eq!(request["response_by_user"]["name"], "owner");
        has(request, &json!({"completed_at": "2024-03-15T10:34:05Z", "response_at": "2024-03-15T10:34:05Z"}));
    }

    async fn contract_17_the_pager_reads_all_there_is(world: World) {
        let asker = world.asker().await;
        let mut made = Vec::new();
        for _ in 0..101 {
            made.push(world.ask(&asker, &question()).await);
        }
        let (mut read, mut pages) = (Vec::new(), 0);
        loop {
            let page = world.get(&format!("/v1/requests?limit=100&offset={}", read.len())).key(&asker.key).await;
            read.extend(crate::asking::ids(&page));
            pages += 1;
            assert!(pages < 9, "it never ends");
            if page.at("data.has_more") != &json!(true) {
                break;
            }
        }
        made.reverse();
        assert_eq!((pages, read), (2, made));
    }
}
