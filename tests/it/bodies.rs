//! What a body may be (contract 1.2), for every operation that takes one.

use crate::{
    harness::on_both,
    operations::{Scene, operations},
};
use serde_json::{Value, json};

const LIMIT: usize = 1024 * 1024;

/// A loop's body that is that many bytes long.
fn padded(bytes: usize) -> String {
    let frame = r#"{"name": "Big", "padding": ""}"#;
    frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
}

on_both! {
    async fn contract_1_2_1_any_content_type_does_for_a_json_object(world: World) {
        let asker = world.asker().await;
        for kind in [
            None,
            Some("application/json"),
            Some("application/json; charset=utf-8"),
            Some("application/json;charset=ISO-8859-1"),
            Some("APPLICATION/JSON"),
            Some("application/x-www-form-urlencoded"),
            Some("text/plain"),
            Some("multipart/form-data; boundary=x"),
            Some("nonsense"),
        ] {
            let call = world.post("/v1/api/loops").key(&asker.key).raw(r#"{"name": "Any"}"#);
            let answer = if let Some(kind) = kind { call.header("content-type", kind).await } else { call.await };
            answer.accepted(200, "Loop created successfully with QR code");
        }
    }

    async fn contract_1_2_2_a_cancellation_or_deletion_takes_any_body(world: World) {
        let asker = world.asker().await;
        for operation in operations().filter(|it| it.method == "DELETE" || it.path.ends_with("/cancel")) {
            for body in ["", "{", "[]", "null", "reason=x", r#"{"reason": 7}"#, r#"{"reason": null}"#, r#"{"reason": "No"}"#] {
                let scene = Scene::set(&world, &asker, &operation).await;
                let call = operation.call(&world, &scene, operation.path).key(&asker.key);
                call.header("content-type", "application/json").raw(body).await.accepted(200, operation.msg);
            }
            let scene = Scene::set(&world, &asker, &operation).await;
            let call = operation.call(&world, &scene, operation.path).key(&asker.key);
            call.raw(&b"\xff\xfe\0"[..]).await.accepted(200, operation.msg);
        }
    }

    async fn contract_1_2_3_get_may_name_a_content_type_without_a_body(world: World) {
        let asker = world.asker().await;
        for operation in operations().filter(|it| it.method == "GET") {
            let scene = Scene::set(&world, &asker, &operation).await;
            let call = operation.call(&world, &scene, operation.path).key(&asker.key);
            let answer = call.header("content-type", "application/json").await;
            assert_eq!(answer.status, 200, "{}: {}", operation.path, answer.body);
        }
    }

    async fn contract_1_2_4_unknown_fields_are_ignored(world: World) {
        let asker = world.asker().await;
        for operation in operations().filter(super::operations::Operation::takes_body) {
            let scene = Scene::set(&world, &asker, &operation).await;
            let mut body: Value = serde_json::from_str(&scene.fill(operation.body)).unwrap();
            for (name, value) in [("title", json!("x")), ("", json!(1)), ("$where", json!({"a": [1]})), ("__proto__", json!(null))] {
                body[name] = value;
            }
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).raw(body.to_string()).await;
            assert_eq!(answer.status, operation.status, "{} {}: {}", operation.method, operation.path, answer.body);
        }
    }

    async fn contract_1_2_5_null_is_absent(world: World) {
        let asker = world.asker().await;
        let create = |body: Value| world.post("/v1/api/loops").key(&asker.key).json(&body);
        let made = create(json!({"name": "Nulls", "description": null, "icon": null})).await;
        made.accepted(200, "Loop created successfully with QR code");
        assert_eq!((made.at("data.loop.description"), made.at("data.loop.icon")), (&json!(""), &json!("shield-check")));
        create(json!({"name": null})).await.refused(400, "Loop name is required", &json!("name is required"));
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        let nothing = world.put(&path).key(&asker.key).json(&json!({"name": null, "icon": null})).await;
        nothing.refused(400, "At least one field must be provided for update", &Value::Null);
    }

    async fn contract_1_2_6_a_body_that_is_no_clean_object_is_refused(world: World) {
        let asker = world.asker().await;
        let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
        let bodies: Vec<Vec<u8>> = [
            "", " ", "\n", "{", "}", "[]", "[{}]", "null", "1", "true", "\"name\"", "{\"name\": \"x\"", "{\"name\": \"x\"} x", "{'name': 'x'}",
            "{name: \"x\"}", "{\"name\": \"x\",}", "name=x&description=y", "<name>x</name>", "{\"name\": NaN}", "{\"name\": 1e999}",
            "{\"name\": \"\\u0000\"}", "{\"name\": \"a\\u0000b\"}", "{\"x\": [{\"\\u0000\": 1}]}", "{\"name\": \"\\ud800\"}", "{\"name\": \"\n\"}",
        ]
        .into_iter()
        .map(|body| body.as_bytes().to_vec())
        .chain([b"{\"name\": \"\xff\"}".to_vec(), b"{\"name\": \"\xc3\x28\"}".to_vec(), b"\0".to_vec(), b"{\"name\": \"\0\"}".to_vec()])
        .chain([deep("[", "]"), deep("{\"a\":", "}")])
        .collect();
        for operation in operations().filter(super::operations::Operation::takes_body) {
            let scene = Scene::set(&world, &asker, &operation).await;
            for body in &bodies {
                let answer = operation.call(&world, &scene, operation.path).key(&asker.key).raw(body.clone()).await;
                let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
                let told = (answer.status, answer.at("msg"));
                assert_eq!(told, (400, &json!("Invalid request body")), "{} {} {start:?}", operation.method, operation.path);
            }
            let answer = operation.call(&world, &scene, operation.path).key(&asker.key).await;
            assert_eq!(answer.status, operation.status, "the refused ones changed nothing: {}", answer.body);
        }
    }

    async fn contract_1_2_6_a_field_of_the_wrong_type_is_refused(world: World) {
        let asker = world.asker().await;
        for name in ["name", "description", "icon"] {
            for value in [json!(1), json!(true), json!([]), json!(["x"]), json!({}), json!(1.5)] {
                let mut body = json!({"name": "Types"});
                body[name] = value;
                let answer = world.post("/v1/api/loops").key(&asker.key).json(&body).await;
                assert_eq!((answer.status, answer.at("msg")), (400, &json!("Invalid request body")), "{body}");
            }
        }
    }

    async fn contract_1_2_7_a_megabyte_is_read_and_more_is_413(world: World) {
        let asker = world.asker().await;
        let create = || world.post("/v1/api/loops").key(&asker.key);
        for bytes in [256 * 1024, LIMIT] {
            create().raw(padded(bytes)).await.accepted(200, "Loop created successfully with QR code");
        }
        for operation in operations().filter(super::operations::Operation::takes_body) {
            let scene = Scene::set(&world, &asker, &operation).await;
            let streamed = operation.call(&world, &scene, operation.path).key(&asker.key).raw(padded(LIMIT + 1)).await;
            streamed.refused(413, "Request body too large", &Value::Null);
            assert!(!streamed.header("x-ratelimit-remaining").is_empty(), "it was authenticated (3.3)");
            let announced = operation.call(&world, &scene, operation.path).key(&asker.key);
            let announced = announced.header("content-length", &(LIMIT + 1).to_string()).raw("{}").await;
            announced.refused(413, "Request body too large", &Value::Null);
        }
        world.post("/v1/api/loops").raw(padded(LIMIT + 1)).await.refused(
            401,
            "Missing or invalid authorization header",
            &json!("Missing Authorization header"),
        );
    }

    async fn contract_1_2_8_lengths_are_counted_in_code_points_after_trimming(world: World) {
        let asker = world.asker().await;
        let create = |name: String| world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": name}));
        let longest = "\u{1F6E1}".repeat(100);
        let made = create(format!(" \t{longest}\u{a0}\n")).await;
        assert_eq!((made.status, made.at("data.loop.name")), (200, &json!(longest)));
        let rule = json!("name must be between 1 and 100 characters");
        create(format!("{longest}x")).await.refused(400, "Validation failed", &rule);
    }
}
