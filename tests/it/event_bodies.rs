//! What is in a body, key by key, and that JavaScript prints it again unchanged (contract 12.3–12.5).

use crate::{
    asking::{act, in_state, respond, show},
    harness::{Asker, World, on_both, question, question_with},
    hooking::{bodies, hook, names, parsed, rename, subscriber},
    outside::{node, told},
};
use hitl_server::domain::{Timestamp, js_json};
use serde_json::{Value, json};

const URL: &str = "https://app.example.com/hooks/hitl";

/// Every key of a request's event, in the order of contract 12.3.
const KEYS: [&str; 17] = [
    "event",
    "event_id",
    "timestamp",
    "request_id",
    "loop_id",
    "status",
    "response_data",
    "response",
    "response_details",
    "default_response",
    "response_by",
    "response_by_user",
    "response_at",
    "response_time_seconds",
    "created_at",
    "completed_at",
    "data",
];
/// Every key of `data.request`, in that order.
const REQUEST: [&str; 15] = [
    "id",
    "loop_id",
    "processing_type",
    "type",
    "priority",
    "request_text",
    "response_type",
    "status",
    "response_data",
    "response_by",
    "response_at",
    "response_time_seconds",
    "timeout_at",
    "created_at",
    "updated_at",
];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

/// A webhook that hears of everything.
async fn listening(world: &World) -> (Asker, String) {
    let asker = subscriber(world).await;
    let id = hook(world, &asker, &json!({"url": URL})).await;
    (asker, id)
}

/// What was heard last.
async fn last(world: &World, asker: &Asker, id: &str) -> Value {
    parsed(bodies(world, asker, id).await.last().unwrap())
}

/// A request in each state that has an event, with a minute between the steps.
async fn every_event_of_requests(world: &World, asker: &Asker) {
    let (_, session) = world.reviewer("john@example.com", &asker.code).await;
    let id = world.ask(asker, &question()).await;
    world.clock.advance(60);
    act(world, &session, &id, "claim").await.accepted(200, "Request claimed");
    world.clock.advance(185);
    respond(world, &session, &id, &json!("approve")).await.accepted(200, "Response submitted");
    in_state(world, asker, "cancelled").await;
    let claimed = world.ask(asker, &question_with(&json!({"timeout_seconds": 60}))).await;
    act(world, &session, &claimed, "claim").await.accepted(200, "Request claimed");
    world.clock.advance(60);
    show(world, asker, &claimed).await;
}

on_both! {
    async fn contract_12_3_every_key_of_a_requests_event_in_order(world: World) {
        let (asker, id) = listening(&world).await;
        every_event_of_requests(&world, &asker).await;
        let (mut seen, no_more): (Vec<_>, &[&str]) = (vec![], &[]);
        for body in bodies(&world, &asker, &id).await.iter().map(|body| parsed(body)) {
            let name = body["event"].as_str().unwrap().to_owned();
            let Some(name) = name.strip_prefix("request.") else { continue };
            assert_eq!(keys(&body), KEYS, "{name}");
            let (request, data) = match name {
                "claimed" => (&["claimed_by", "claimed_at"][..], &["reviewer", "estimated_completion"][..]),
                "completed" => (no_more, &["reviewer"][..]),
                "cancelled" => (&["previous_status", "cancelled_at"][..], &["reviewer", "refund_info"][..]),
                "timeout" => (&["previous_status", "default_response"][..], &["reviewer"][..]),
                _ => (no_more, no_more),
            };
            assert_eq!(keys(&body["data"]["request"]), [&REQUEST[..], request].concat(), "{name}");
            assert_eq!(keys(&body["data"]), [&["request_id", "response_data", "request", "loop"][..], data].concat(), "{name}");
            assert_eq!(keys(&body["data"]["loop"]), ["id", "name", "creator_id"]);
            seen.push(name.to_owned());
        }
        assert_eq!(seen, ["created", "claimed", "completed", "created", "cancelled", "created", "claimed", "timeout"]);
    }

    async fn contract_12_3_what_a_body_says_of_each_end(world: World) {
        let (asker, id) = listening(&world).await;
        every_event_of_requests(&world, &asker).await;
        let all = bodies(&world, &asker, &id).await;
        let of = |name: &str| parsed(all.iter().rfind(|body| parsed(body)["event"] == name).unwrap());
        let completed = of("request.completed");
        let member = &completed["response_by"];
        assert_eq!((keys(member), &member["email"]), (vec!["user_id", "name", "email"], &json!("john@example.com")));
        assert_eq!(keys(&completed["response_by_user"]), ["id", "name", "email"]);
        assert_eq!(completed["data"]["request"]["response_by"], member["user_id"], "inside it is the id");
        assert_eq!(completed["data"]["reviewer"], json!({"user_id": member["user_id"], "email": "john@example.com", "name": "john"}));
        assert_eq!(completed["response_details"], json!({
            "selected_value": "approve", "selected_label": "Approve", "selected_slug": "approve",
        }));
        for (name, value) in [
            ("status", json!("completed")), ("response_data", json!("approve")), ("response", json!("approve")),
            ("default_response", json!("reject")), ("response_at", json!("2024-03-15T10:34:05Z")),
            ("completed_at", json!("2024-03-15T10:34:05Z")), ("created_at", json!("2024-03-15T10:30:00Z")),
            ("timestamp", json!("2024-03-15T10:34:05Z")), ("response_time_seconds", json!(245)),
        ] {
            assert_eq!(completed[name], value, "{name}");
        }
        for (name, response) in [("request.cancelled", json!(null)), ("request.timeout", json!("reject"))] {
            let body = of(name);
            for field in ["response_data", "response_details", "response_by", "response_by_user", "response_at", "response_time_seconds", "completed_at"] {
                assert_eq!(body[field], json!(null), "{name} {field}");
            }
            assert_eq!((&body["response"], &body["default_response"], &body["data"]["reviewer"]), (&response, &json!("reject"), &json!(null)), "{name}");
        }
        assert_eq!(of("request.timeout")["data"]["request"]["previous_status"], "claimed");
        assert_eq!(of("request.cancelled")["data"]["request"]["previous_status"], "pending");
        assert_eq!(of("request.cancelled")["data"]["refund_info"], json!({"refunded": true, "reason": "Request cancelled before processing began"}));
        let claimed = of("request.claimed");
        assert_eq!(claimed["data"]["estimated_completion"], claimed["data"]["request"]["timeout_at"], "a minute is less than 30");
        let first = parsed(all.iter().find(|body| parsed(body)["event"] == "request.claimed").unwrap());
        assert_eq!(first["data"]["estimated_completion"], "2024-03-15T11:01:00Z", "30 minutes after the claim");
    }

    async fn contract_7_6_what_was_pending_is_never_said_to_have_been_worked_on(world: World) {
        let (asker, id) = listening(&world).await;
        let cancelled = async |request: &str| {
            let all = bodies(&world, &asker, &id).await;
            let mut of_it = all.iter().map(|body| parsed(body)).filter(|body| body["request_id"] == request);
            let body = of_it.find(|body| body["event"] == "request.cancelled").unwrap();
            (body["data"]["request"]["previous_status"].clone(), body["data"]["refund_info"].clone())
        };
        let before = json!({"refunded": false, "reason": "Request cancelled before processing began"});
        let during = json!({"refunded": false, "reason": "Request was already being processed by reviewer"});
        for (state, said) in [("pending", &before), ("claimed", &during)] {
            let request = in_state(&world, &asker, state).await;
            let form = world.post(&format!("/requests/{request}/cancel")).cookie(&asker.session).form(&[]).await;
            assert_eq!(form.status, 303, "a person cancels, whom no limit counts");
            assert_eq!(cancelled(&request).await, (json!(state), said.clone()), "by a person");
        }
        let (pending, claimed) = (in_state(&world, &asker, "pending").await, in_state(&world, &asker, "claimed").await);
        assert_eq!(world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.status, 200);
        assert_eq!(cancelled(&pending).await, (json!("pending"), before), "with its loop");
        assert_eq!(cancelled(&claimed).await, (json!("claimed"), during), "with its loop");
    }

    async fn contract_8_9_the_time_an_answer_took_keeps_its_fraction(world: World) {
        let (asker, id) = listening(&world).await;
        for (micros, seconds) in [(900_500_000, json!(900.5)), (1_234_567, json!(1.234)), (2_000_000, json!(2))] {
            let request = world.ask(&asker, &question()).await;
            world.clock.set(Timestamp::from_micros(world.now().micros() + micros));
            respond(&world, &asker.session, &request, &json!("approve")).await.accepted(200, "Response submitted");
            let (shown, body) = (show(&world, &asker, &request).await, last(&world, &asker, &id).await);
            assert_eq!(shown.at("data.request.response_time_seconds"), &seconds);
            assert_eq!((&body["response_time_seconds"], &body["data"]["request"]["response_time_seconds"]), (&seconds, &seconds));
        }
    }

    async fn contract_12_3_the_bodies_of_requests(world: World) {
        let (asker, id) = listening(&world).await;
        every_event_of_requests(&world, &asker).await;
        let all = bodies(&world, &asker, &id).await;
        for name in ["request.created", "request.claimed", "request.completed", "request.cancelled", "request.timeout"] {
            let first = all.iter().map(|body| parsed(body)).find(|body| body["event"] == name).unwrap();
            insta::assert_json_snapshot!(name.replace('.', "_"), first);
        }
    }

    async fn contract_12_4_the_bodies_of_loops(world: World) {
        let (asker, id) = listening(&world).await;
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Moderation", "description": "All of it"})).await;
        insta::assert_json_snapshot!("loop_created", last(&world, &asker, &id).await);
        let asker = Asker { loop_id: made.text("data.id"), ..asker };
        world.clock.advance(1);
        rename(&world, &asker, "Renamed").await;
        insta::assert_json_snapshot!("loop_updated", last(&world, &asker, &id).await);
        world.clock.advance(1);
        let (member, _) = world.reviewer("john@example.com", &made.text("data.invite_code")).await;
        insta::assert_json_snapshot!("loop_member_joined", last(&world, &asker, &id).await);
        world.clock.advance(1);
        let path = format!("/v1/api/loops/{}/members/{}", asker.loop_id, member.id);
        assert_eq!(world.delete(&path).key(&asker.key).await.status, 200);
        insta::assert_json_snapshot!("loop_member_left", last(&world, &asker, &id).await);
        world.clock.advance(1);
        assert_eq!(world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.status, 200);
        insta::assert_json_snapshot!("loop_deleted", last(&world, &asker, &id).await);

        let all = bodies(&world, &asker, &id).await;
        assert_eq!(names(&all), ["loop.created", "loop.updated", "loop.member_joined", "loop.member_left", "loop.deleted"]);
        let about = ["id", "name", "description", "icon", "creator_id", "member_count", "active_count", "pending_count", "created_at", "updated_at"];
        for (body, name) in all.iter().map(|body| parsed(body)).zip(names(&all)) {
            assert_eq!(keys(&body), ["event", "event_id", "timestamp", "loop_id", "data"], "{name}");
            let of_loop = keys(&body["data"]["loop"]);
            match &*name {
                "loop.member_joined" | "loop.member_left" => {
                    assert_eq!(of_loop, ["id", "name", "member_count", "active_count", "pending_count"]);
                    assert_eq!(keys(&body["data"]), ["loop", "member"]);
                    assert_eq!(keys(&body["data"]["member"]), ["user_id", "email", "status", "joined_at", "role"]);
                }
                "loop.deleted" => assert_eq!(of_loop, [&about[..], &["deleted_at"]].concat()),
                _ => assert_eq!(of_loop, about),
            }
        }
    }

    async fn contract_12_3_a_falsy_answer_is_mirrored_by_a_truthy_response(world: World) {
        let (asker, id) = listening(&world).await;
        for (kind, config, answer, response) in [
            ("boolean", json!({}), json!(false), json!({"boolean": false, "boolean_label": "No"})),
            ("boolean", json!({}), json!(true), json!(true)),
            ("number", json!({}), json!(0), json!({"number": 0, "formatted_value": "0.00"})),
            ("number", json!({}), json!(2.5), json!(2.5)),
            ("rating", json!({"min": 0, "max": 5}), json!(0), json!({"rating": 0, "rating_label": null})),
            ("text", json!({}), json!(""), json!({"text": ""})),
            ("text", json!({}), json!("0"), json!("0")),
            ("multi_select", json!({"options": ["a", "b"], "min_selections": 0}), json!([]), json!([])),
        ] {
            let body = question_with(&json!({"response_type": kind, "response_config": config, "default_response": null}));
            let request = world.ask(&asker, &body).await;
            respond(&world, &asker.session, &request, &answer).await.accepted(200, "Response submitted");
            let body = last(&world, &asker, &id).await;
            assert_eq!((&body["response_data"], &body["response"]), (&answer, &response), "{kind}");
            assert_eq!(body["data"]["response_data"], answer);
        }
    }

    async fn contract_12_5_nothing_that_a_caller_made_up_is_in_it(world: World) {
        let (asker, id) = listening(&world).await;
        let body = question_with(&json!({
            "context": {"10": "needle", "2": "needle"}, "metadata": {"needle": 1}, "tags": ["needle"],
            "response_type": "rating", "response_config": {"min": 1, "max": 5, "labels": {"5": "needle", "1": "needle"}},
            "default_response": {"rating": 3, "2": "needle", "1": "needle"},
        }));
        let request = world.ask(&asker, &body).await;
        world.clock.advance(3600);
        show(&world, &asker, &request).await;
        let all = bodies(&world, &asker, &id).await;
        assert_eq!(names(&all), ["request.created", "request.timeout"]);
        assert!(all.iter().all(|body| !body.contains("needle")), "{all:#?}");
        assert_eq!((&parsed(&all[1])["response"], &parsed(&all[1])["default_response"]), (&json!(3), &json!(3)));
    }

    async fn contract_12_5_javascript_prints_every_body_again_unchanged(world: World) {
        let (asker, id) = listening(&world).await;
        every_event_of_requests(&world, &asker).await;
        let texts = ["Grüße 🎉 <b>&amp;</b> / \\ \" '", "\u{1}\u{8}\t\n\r\u{1f}\u{7f}\u{2028}\u{2029}\u{feff}\u{fffd}", "日本語", "__proto__"];
        for text in texts {
            rename(&world, &asker, text.trim()).await;
            let body = question_with(&json!({"request_text": text, "response_type": "text", "response_config": {}, "default_response": text}));
            let request = world.ask(&asker, &body).await;
            respond(&world, &asker.session, &request, &json!(text)).await.accepted(200, "Response submitted");
        }
        for number in ["900.0", "0.1", "-0.0", "1e2", "12345678.25", "-3", "1e20", "1e21", "9007199254740993", "0.5e-3", "1.7976931348623157e308"] {
            let default: Value = serde_json::from_str(number).unwrap();
            let config = json!({"allow_negative": true, "min": -1e9});
            let body = question_with(&json!({"response_type": "number", "response_config": config, "default_response": default}));
            world.ask(&asker, &body).await;
        }
        for default in [json!({"selected_value": "reject", "2": 1, "1": 2}), json!({"selected_value": "reject", "b": {"__proto__": 1}})] {
            world.ask(&asker, &question_with(&json!({"default_response": default}))).await;
        }
        let mut lines = bodies(&world, &asker, &id).await;
        assert_eq!(lines.len(), 9 + 4 * 3 + 11 + 2);
        lines.extend(numbers());
        assert_eq!(printed_again(&lines), lines);
    }
}

/// What `JSON.stringify(JSON.parse(line))` gives for each line.
fn printed_again(lines: &[String]) -> Vec<String> {
    let script = "for (const line of require('fs').readFileSync(0, 'utf8').split('\\n')) console.log(JSON.stringify(JSON.parse(line)))";
    let mut node = node();
    node.args(["-e", script]);
    told(node, &lines.join("\n")).lines().map(str::to_owned).collect()
}

/// Numbers of every magnitude, whole and not, as bodies print them.
fn numbers() -> Vec<String> {
    let mut state = 1_u64;
    let mut bits = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 29)
    };
    let some = (0..3000).map(|_| bits());
    let printed = |bits: u64| {
        let shift = bits % 60;
        let whole = (bits >> shift).cast_signed();
        let any = Some(f64::from_bits(bits)).filter(|number| number.is_finite());
        let usual = f64::from_bits((bits & 0x800f_ffff_ffff_ffff) | ((990 + bits % 70) << 52));
        js_json::to_string(&json!([any, usual, whole, bits >> shift]))
    };
    some.map(printed).collect()
}
