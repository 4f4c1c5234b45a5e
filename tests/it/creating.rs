//! Creating a request: what is taken, and what comes of it (contract 7.1, 5.3, 10).

use crate::{
    asking::{create, has, path, show},
    harness::{on_both, question, question_with},
};
use serde_json::{Value, json};

const CREATED: &str = "Request created and broadcasted successfully";

on_both! {
    async fn contract_7_1_4_creation_answers_with_integers_and_a_path_to_poll(world: World) {
        let asker = world.asker().await;
        world.reviewer("john@example.com", &asker.code).await;
        let made = create(&world, &asker, &question()).await;
        made.accepted(201, CREATED);
        let id = made.text("data.id");
        assert!(id.len() == 24 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{id}");
        has(
            made.at("data"),
            &json!({
                "id": id, "request_id": id, "loop_id": asker.loop_id, "status": "pending",
                "processing_type": "time-sensitive", "type": "markdown", "priority": "high",
                "timeout_at": "2024-03-15T11:30:00Z", "broadcasted_to": 2, "notifications_sent": 0,
                "polling_url": format!("/v1/api/requests/{id}"), "created_at": "2024-03-15T10:30:00Z",
            }),
        );
        assert_eq!(world.events(&id).await, ["request.created"]);
    }

    async fn contract_7_1_5_the_timeout_counts_from_creation_to_the_second(world: World) {
        let asker = world.asker().await;
        for (processing_type, seconds, timeout_at, effective) in [
            ("time-sensitive", json!(60), "2024-03-15T10:31:00Z", 60),
            ("time-sensitive", json!(86_400), "2024-03-16T10:30:00Z", 86_400),
            ("deferred", json!(60), "2024-03-15T10:31:00Z", 60),
            ("deferred", json!(86_401), "2024-03-16T10:30:01Z", 86_401),
            ("deferred", json!(2_592_000), "2024-04-14T10:30:00Z", 2_592_000),
            ("deferred", Value::Null, "2024-04-14T10:30:00Z", 2_592_000),
        ] {
            let body = question_with(&json!({"processing_type": processing_type, "timeout_seconds": seconds}));
            let made = create(&world, &asker, &body).await;
            made.accepted(201, CREATED);
            assert_eq!(made.at("data.timeout_at"), timeout_at, "{processing_type} {seconds}");
            let shown = show(&world, &asker, &made.text("data.id")).await;
            has(shown.at("data.request"), &json!({"timeout_at": timeout_at, "timeout_seconds": effective}));
        }
    }

    async fn contract_7_1_2_what_is_left_out_has_its_default(world: World) {
        let asker = world.asker().await;
        let least =
            json!({"type": "markdown", "request_text": "Fine?", "response_type": "boolean", "response_config": {}});
        for (field, value, processing_type) in
            [("timeout_seconds", json!(60), "time-sensitive"), ("processing_type", json!("deferred"), "deferred")]
        {
            let mut body = least.clone();
            body[field] = value;
            let request = show(&world, &asker, &world.ask(&asker, &body).await).await;
            has(
                request.at("data.request"),
                &json!({
                    "processing_type": processing_type, "priority": "medium", "platform": "api",
                    "platform_version": null,
                    "image_url": null, "context": null, "default_response": null, "callback_url": null,
                }),
            );
        }
    }

    async fn contract_7_1_2_every_value_is_taken_and_kept(world: World) {
        let asker = world.asker().await;
        let rows: [(&str, &[&str]); 5] = [
            ("processing_type", &["time-sensitive", "deferred"]),
            ("type", &["markdown", "image"]),
            ("priority", &["low", "medium", "high", "critical"]),
            ("platform", &["n8n", "zapier", "web_portal", "api", "mobile", "webhook"]),
            ("response_type", &["text", "single_select", "multi_select", "rating", "number", "boolean"]),
        ];
        for (field, values) in rows {
            for value in values {
                let config = json!({"options": ["Yes", "No"], "max": 5});
                let mut body = question_with(
                    &json!({"image_url": "https://example.com/", "response_config": config, "default_response": null}),
                );
                body[field] = json!(value);
                let request = show(&world, &asker, &world.ask(&asker, &body).await).await;
                assert_eq!(request.at("data.request")[field], json!(value), "{field}");
            }
        }
    }

    async fn contract_7_1_2_the_longest_of_everything_is_taken(world: World) {
        let asker = world.asker().await;
        let url = format!("https://example.com/{}", "a".repeat(2048 - 20));
        let context = json!({"text": "x".repeat(50 * 1024 - 11)});
        assert_eq!(context.to_string().len(), 50 * 1024);
        for (field, value) in [
            ("request_text", json!(format!("  {}\n", "é".repeat(2000)))),
            ("request_text", json!("x")),
            ("image_url", json!(url)),
            ("callback_url", json!(url)),
            ("context", context),
            ("platform_version", json!("ü".repeat(50))),
        ] {
            create(&world, &asker, &question_with(&json!({field: value}))).await.accepted(201, CREATED);
        }
    }

    async fn contract_7_1_2_empty_and_null_are_absent_and_unknown_is_ignored(world: World) {
        let asker = world.asker().await;
        let mut body = question();
        for field in ["context", "default_response", "platform", "platform_version", "priority", "tags", "metadata"] {
            body[field] = Value::Null;
        }
        for field in ["image_url", "callback_url"] {
            body[field] = json!("");
        }
        for (field, value) in
            [("title", json!([1])), ("prompt", json!({})), ("timeout_minutes", json!("soon")), ("id", json!(7))]
        {
            body[field] = value;
        }
        let request = show(&world, &asker, &world.ask(&asker, &body).await).await;
        has(
            request.at("data.request"),
            &json!({
                "image_url": null, "callback_url": null, "context": null, "default_response": null, "platform": "api",
                "platform_version": null, "priority": "medium", "timeout_seconds": 3600,
            }),
        );
    }

    async fn contract_7_1_8_a_repeated_creation_is_another_request(world: World) {
        let asker = world.asker().await;
        assert_ne!(world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
    }

    async fn contract_5_3_recipients_are_the_active_members_with_the_creator(world: World) {
        let asker = world.asker().await;
        let (john, _) = world.reviewer("john@example.com", &asker.code).await;
        let invite = world.post(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key);
        assert!(crate::harness::is_success(invite.json(&json!({"email": "late@example.com"})).await.status));
        let id = world.ask(&asker, &question()).await;
        world.reviewer("later@example.com", &asker.code).await; // joins after: not added (10.5)
        let told = |account: &hitl_server::domain::Account, role| {
            json!({
                "user_id": account.id, "email": account.email.to_string(), "role": role,
                "notification_sent": false, "notification_error": "No notification channel configured",
            })
        };
        let shown = show(&world, &asker, &id).await;
        let expected = json!([told(&asker.owner, "admin"), told(&john, "member")]);
        assert_eq!(shown.at("data.request.broadcasted_to"), &expected);
        assert_eq!(shown.at("data.request.broadcasted_at"), "2024-03-15T10:30:00Z");
    }

    async fn contract_7_1_9_the_legacy_form_has_more_defaults_and_shows_the_request(world: World) {
        let asker = world.asker().await;
        let least = json!({
            "loop_id": asker.loop_id.to_uppercase(), "request_text": "Fine?", "response_type": "text",
            "response_config": {},
        });
        for prefix in ["/v1/requests", "/v1/api/requests"] {
            let made = world.post(prefix).key(&asker.key).json(&least).await;
            made.accepted(201, CREATED);
            let id = made.text("data.id");
            has(
                made.at("data"),
                &json!({
                    "request_id": id, "loop_id": asker.loop_id, "status": "pending", "broadcasted_to": 1,
                    "polling_url": path(&id), "timeout_at": "2024-03-15T11:30:00Z",
                }),
            );
            has(
                made.at("data.request"),
                &json!({
                    "id": id, "status": "pending", "type": "markdown", "priority": "medium",
                    "processing_type": "time-sensitive", "timeout_seconds": 3600, "platform": "api",
                }),
            );
            assert_eq!(show(&world, &asker, &id).await.at("data.request"), made.at("data.request"));
        }
    }

    async fn contract_7_1_9_minutes_are_seconds_times_sixty(world: World) {
        let asker = world.asker().await;
        for (minutes, more, seconds) in [
            (json!(30), json!({}), 1800),
            (json!(1.5), json!({}), 90),
            (json!(1440), json!({}), 86_400),
            (json!(1441), json!({"processing_type": "deferred"}), 86_460),
        ] {
            let mut body =
                question_with(&json!({"loop_id": asker.loop_id, "timeout_seconds": null, "timeout_minutes": minutes}));
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = world.post("/v1/requests").key(&asker.key).json(&body).await;
            made.accepted(201, CREATED);
            assert_eq!(made.at("data.request.timeout_seconds"), seconds);
        }
    }
}
