//! What is refused when a request is created, with which words and in which order (contract 4.4, 7.1.2, 7.1.7, 7.1.9).

use crate::{
    asking::create,
    harness::{on_both, question, question_with},
};
use serde_json::{Value, json};

const FAILED: &str = "Validation failed";
const V1: &str = "Invalid request body";
const V14: &str = "timeout_seconds is required for time-sensitive requests";
const V16: &str = "Image URL is required when type is image";
const PROCESSING_TYPES: &str = "processing_type must be one of: time-sensitive, deferred";
const TYPES: &str = "type must be one of: markdown, image";
const PRIORITIES: &str = "priority must be one of: low, medium, high, critical";
const PLATFORMS: &str = "platform must be one of: n8n, zapier, web_portal, api, mobile, webhook";
const RESPONSE_TYPES: &str = "response_type must be one of: text, single_select, multi_select, rating, number, boolean";
const NO_OPTIONS: &str = "options array required for select response type";
const UNMATCHED: &str = "default_response must match one of the configured options";

on_both! {
    async fn contract_4_4_each_fault_has_its_words(world: World) {
        let asker = world.asker().await;
        let long = format!("https://example.com/{}", "a".repeat(2048 - 19));
        let mut rows = vec![
            (json!({"processing_type": "urgent"}), FAILED, PROCESSING_TYPES),
            (json!({"processing_type": null, "timeout_seconds": null}), FAILED, "processing_type is required"),
            (json!({"type": "video"}), FAILED, TYPES),
            (json!({"type": null}), FAILED, "type is required"),
            (json!({"priority": "urgent"}), FAILED, PRIORITIES),
            (json!({"priority": "High"}), FAILED, PRIORITIES),
            (json!({"request_text": null}), "Request text is required", "request_text is required"),
            (json!({"request_text": ""}), "Request text is required", "request_text is required"),
            (json!({"request_text": " \n\t"}), "Request text is required", "request_text is required"),
            (json!({"request_text": "é".repeat(2001)}), FAILED, "request_text must be between 1 and 2000 characters"),
            (json!({"type": "image"}), V16, "image_url is required when type is image"),
            (json!({"type": "image", "image_url": ""}), V16, "image_url is required when type is image"),
            (json!({"timeout_seconds": null}), V14, V14),
            (json!({"timeout_seconds": null, "timeout_minutes": 5}), V14, V14),
            (json!({"response_type": null}), FAILED, "response_type is required"),
            (json!({"response_type": "email"}), FAILED, RESPONSE_TYPES),
            (json!({"response_config": null}), FAILED, "response_config is required"),
            (json!({"response_config": {}}), "Invalid response configuration", NO_OPTIONS),
            (json!({"default_response": "maybe"}), "Invalid default response", UNMATCHED),
            (json!({"platform": "ios"}), FAILED, PLATFORMS),
        ];
        for seconds in [59, 0, -60, 86_401, i64::MAX] {
            rows.push((json!({"timeout_seconds": seconds}), FAILED, "timeout_seconds must be between 60 and 86400"));
        }
        for seconds in [59, 2_592_001] {
            let change = json!({"processing_type": "deferred", "timeout_seconds": seconds});
            rows.push((change, FAILED, "timeout_seconds must be between 60 and 2592000"));
        }
        for url in [
            "nope",
            "example.com/a.png",
            "ftp://example.com/a",
            "javascript:alert(1)",
            "//example.com",
            "http://",
            &long,
        ] {
            rows.push((json!({"image_url": url}), FAILED, "image_url must be a valid URL"));
            rows.push((json!({"callback_url": url}), FAILED, "callback_url must be a valid URL"));
        }
        for (change, msg, data) in rows {
            create(&world, &asker, &question_with(&change)).await.refused(400, msg, &json!(data));
        }
        for change in [json!({"platform_version": "x".repeat(51)}), json!({"context": {"text": "x".repeat(50 * 1024)}})]
        {
            let refused = create(&world, &asker, &question_with(&change)).await;
            assert_eq!((refused.status, refused.at("msg")), (400, &json!(FAILED)));
        }
        let listed = world.get("/v1/api/requests").key(&asker.key).await;
        assert_eq!(listed.at("data.total"), 0, "nothing of it is kept");
    }

    async fn contract_4_4_v1_a_field_of_the_wrong_type_is_named(world: World) {
        let asker = world.asker().await;
        let rows: [(&str, &[Value]); 12] = [
            ("processing_type", &[json!(1), json!([])]),
            ("type", &[json!(true)]),
            ("priority", &[json!(3), json!({})]),
            ("request_text", &[json!(5), json!(["a"])]),
            ("image_url", &[json!(1), json!({})]),
            ("context", &[json!([]), json!("text"), json!(0), json!(false)]),
            ("timeout_seconds", &[json!("3600"), json!(60.5), json!(true), json!([60])]),
            ("response_type", &[json!(1)]),
            ("response_config", &[json!([]), json!(1), json!("not JSON"), json!("[]")]),
            ("platform", &[json!(1)]),
            ("platform_version", &[json!(1.0)]),
            ("callback_url", &[json!(["https://example.com"])]),
        ];
        for (field, values) in rows {
            for value in values {
                let refused = create(&world, &asker, &question_with(&json!({field: value}))).await;
                assert_eq!((refused.status, refused.at("msg")), (400, &json!(V1)), "{field}: {value}");
                assert_eq!(refused.at("data.field"), field, "{value}");
            }
        }
    }

    async fn contract_1_2_6_what_is_no_json_object_is_refused(world: World) {
        let asker = world.asker().await;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let bodies: Vec<Vec<u8>> =
            ["", " ", "[]", "null", "7", "\"text\"", "{", "{\"a\":1,}", "{'a':1}", "{\"a\":NaN}", &deep]
                .iter()
                .map(|body| body.as_bytes().to_vec())
                .chain([b"{\"request_text\":\"\xff\"}".to_vec(), b"{\"request_text\":\"a\\u0000b\"}".to_vec()])
                .collect();
        for path in ["/v1/requests", &format!("/v1/api/loops/{}/requests", asker.loop_id)] {
            for body in &bodies {
                world.post(path).key(&asker.key).raw(body.clone()).await.refused(400, V1, &json!(null));
            }
        }
    }

    async fn contract_7_1_7_fields_are_checked_in_order(world: World) {
        let asker = world.asker().await;
        let leave = format!("/v1/reviewer/loops/{}/leave", asker.loop_id);
        world.post(&leave).key(&asker.session).await.accepted(200, "Left loop");
        let mut body = json!({
            "processing_type": null, "type": null, "priority": "x", "request_text": null, "image_url": "", "context": 1,
            "timeout_seconds": null, "response_type": null, "response_config": null, "default_response": "x",
            "platform": "x", "callback_url": "x",
        });
        let not_an_object = json!({"field": "context", "issue": "must be an object"});
        for (msg, data, field, next) in [
            (FAILED, json!("processing_type is required"), "processing_type", json!("x")),
            (FAILED, json!(PROCESSING_TYPES), "processing_type", json!("time-sensitive")),
            (FAILED, json!("type is required"), "type", json!("x")),
            (FAILED, json!(TYPES), "type", json!("image")),
            (FAILED, json!(PRIORITIES), "priority", json!("low")),
            ("Request text is required", json!("request_text is required"), "request_text", json!("x".repeat(2001))),
            (FAILED, json!("request_text must be between 1 and 2000 characters"), "request_text", json!("Fine?")),
            (V16, json!("image_url is required when type is image"), "image_url", json!("x")),
            (FAILED, json!("image_url must be a valid URL"), "image_url", json!("https://example.com/a.png")),
            (V1, not_an_object, "context", json!({})),
            (V14, json!(V14), "timeout_seconds", json!(59)),
            (FAILED, json!("timeout_seconds must be between 60 and 86400"), "timeout_seconds", json!(60)),
            (FAILED, json!("response_type is required"), "response_type", json!("x")),
            (FAILED, json!(RESPONSE_TYPES), "response_type", json!("single_select")),
            (FAILED, json!("response_config is required"), "response_config", json!({})),
            ("Invalid response configuration", json!(NO_OPTIONS), "response_config", json!({"options": ["Yes", "No"]})),
            ("Invalid default response", json!(UNMATCHED), "default_response", json!("Yes")),
            (FAILED, json!(PLATFORMS), "platform", json!("api")),
            (FAILED, json!("callback_url must be a valid URL"), "callback_url", json!("https://example.com/hook")),
        ] {
            create(&world, &asker, &body).await.refused(400, msg, &data);
            body[field] = next;
        }
        create(&world, &asker, &body).await.refused(400, "No active members found in the loop", &json!(null));
        let join = world.post("/v1/reviewer/loops/join").key(&asker.session).json(&json!({"invite_code": asker.code}));
        join.await.accepted(200, "Joined loop");
        create(&world, &asker, &body).await.accepted(201, "Request created and broadcasted successfully");
    }

    async fn contract_7_1_7_place_and_person_come_before_the_body(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("john@example.com", &asker.code).await;
        let (member, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        let to = |id: &str| format!("/v1/api/loops/{id}/requests");
        for id in ["x", "0", &"g".repeat(24), &"a".repeat(23), &"a".repeat(25)] {
            let refused = world.post(&to(id)).key(&asker.key).raw("{").await;
            refused.refused(400, "Invalid loop ID format", &json!(null));
        }
        for (id, key, status, msg) in [
            ("f".repeat(24), &asker.key, 404, "Loop not found"),
            (asker.loop_id.clone(), &outsider, 403, "Access denied to this loop"),
            (asker.loop_id.clone(), &member, 403, "Only loop creators can create requests"),
            (asker.loop_id.clone(), &asker.key, 400, V1),
        ] {
            world.post(&to(&id)).key(key).raw("{").await.refused(status, msg, &json!(null));
        }
        let gone = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        assert_eq!(gone.status, 200);
        create(&world, &asker, &question()).await.refused(404, "Loop not found", &json!(null));
    }

    async fn contract_7_1_9_the_legacy_form_is_refused_in_order(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("john@example.com", &asker.code).await;
        let (member, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        let broken = |loop_id: &str| json!({"loop_id": loop_id, "type": "x"});
        for (key, body, status, msg, data) in [
            (&asker.key, json!({"type": "x"}), 400, FAILED, json!("loop_id is required")),
            (&asker.key, json!({"loop_id": null}), 400, FAILED, json!("loop_id is required")),
            (&asker.key, broken("x"), 400, "Invalid loop ID format", json!(null)),
            (&asker.key, broken(&"f".repeat(24)), 404, "Loop not found", json!(null)),
            (&outsider, broken(&asker.loop_id), 403, "Access denied to this loop", json!(null)),
            (&member, broken(&asker.loop_id), 403, "Only loop creators can create requests", json!(null)),
            (&asker.key, broken(&asker.loop_id), 400, FAILED, json!(TYPES)),
        ] {
            world.post("/v1/requests").key(key).json(&body).await.refused(status, msg, &data);
        }
        let minutes = |minutes: Value| {
            question_with(&json!({"loop_id": asker.loop_id, "timeout_seconds": null, "timeout_minutes": minutes}))
        };
        for (given, msg, data) in [
            (json!(0.5), FAILED, json!("timeout_seconds must be between 60 and 86400")),
            (json!(1441), FAILED, json!("timeout_seconds must be between 60 and 86400")),
            (json!(1e300), FAILED, json!("timeout_seconds must be between 60 and 86400")),
            (json!("5"), V1, json!({"field": "timeout_minutes", "issue": "must be a number"})),
        ] {
            world.post("/v1/requests").key(&asker.key).json(&minutes(given)).await.refused(400, msg, &data);
        }
    }

    async fn contract_4_4_v15_numbers_beyond_their_bounds_are_told_the_bounds(world: World) {
        let asker = world.asker().await;
        let huge = [json!(1e30), json!(-1e30), json!(1e308), json!(u64::MAX), json!(i64::MIN), json!(-0.0), json!(59.0)];
        for number in &huge {
            for (processing_type, most) in [("time-sensitive", 86_400), ("deferred", 2_592_000)] {
                let body = question_with(&json!({"processing_type": processing_type, "timeout_seconds": number}));
                let words = format!("timeout_seconds must be between 60 and {most}");
                create(&world, &asker, &body).await.refused(400, FAILED, &json!(words));
            }
            let mut legacy = question_with(&json!({"loop_id": asker.loop_id, "timeout_seconds": null}));
            legacy["timeout_minutes"] = if number == &json!(59.0) { json!(0.5) } else { number.clone() };
            let refused = world.post("/v1/requests").key(&asker.key).json(&legacy).await;
            refused.refused(400, FAILED, &json!("timeout_seconds must be between 60 and 86400"));
        }
        let fraction = create(&world, &asker, &question_with(&json!({"timeout_seconds": 60.5}))).await;
        fraction.refused(400, V1, &json!({"field": "timeout_seconds", "issue": "must be an integer"}));
        let options = json!(["a", "b"]);
        for (kind, config, words) in [
            ("text", json!({"max_length": 1e30}), "max_length must be between 1 and 5000"),
            ("text", json!({"max_length": -1}), "max_length must be between 1 and 5000"),
            ("text", json!({"max_length": 1.5}), "max_length must be an integer"),
            ("text", json!({"min_length": -1e30}), "min_length must be 0 or greater"),
            ("text", json!({"min_length": 1e30}), "max_length must be greater than or equal to min_length"),
            ("multi_select", json!({"options": options, "min_selections": 1e30}), "min_selections cannot exceed the number of options"),
            ("multi_select", json!({"options": options, "min_selections": u64::MAX, "max_selections": 2}), "max_selections must be greater than or equal to min_selections"),
            ("multi_select", json!({"options": options, "max_selections": -1e308}), "max_selections must be 1 or greater"),
            ("rating", json!({"scale_max": -1e30}), "scale_max must be greater than scale_min"),
            ("rating", json!({"scale_max": 5, "scale_min": 1e308}), "scale_max must be greater than scale_min"),
            ("rating", json!({"scale_max": 5, "scale_step": -1e30}), "scale_step must be greater than 0"),
            ("number", json!({"max_value": -1e30}), "max_value must be greater than min_value"),
            ("number", json!({"decimal_places": 1e30}), "decimal_places must be between 0 and 10"),
            ("number", json!({"decimal_places": -1}), "decimal_places must be between 0 and 10"),
            ("number", json!({"decimal_places": 0.5}), "decimal_places must be an integer"),
            ("number", json!({"step": -1e30}), "step must be greater than 0"),
        ] {
            let body = question_with(&json!({"response_type": kind, "response_config": config, "default_response": null}));
            create(&world, &asker, &body).await.refused(400, "Invalid response configuration", &json!(words));
        }
        for (kind, config, words) in [
            ("rating", json!({"scale_max": 5}), "default_response must be between 1 and 5"),
            ("number", json!({"max_value": 10}), "default_response must be between 0 and 10"),
        ] {
            for number in huge.iter().filter(|number| **number != json!(-0.0) || kind == "rating") {
                let body = question_with(&json!({"response_type": kind, "response_config": config, "default_response": number}));
                create(&world, &asker, &body).await.refused(400, "Invalid default response", &json!(words));
            }
        }
        assert_eq!(world.get("/v1/api/requests").key(&asker.key).await.at("data.total"), 0);
    }
}
