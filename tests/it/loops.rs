//! Loops as programs manage them (contract 5.1, 6.2–6.6, 6.10).

use crate::{
    cast::{JOINED_LOOP, MEMBER, OWN_LOOP},
    harness::{BASE, START, on_both, question},
};
use serde_json::{Value, json};

/// An id that nothing has.
const NOWHERE: &str = "0123456789abcdef01234567";

on_both! {
    async fn contract_6_2_a_loop_is_made_with_its_creator_and_its_ways_in(world: World) {
        let owner = world.person("owner@example.com").await;
        let key = world.key(&owner).await;
        let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": "  Posts  ", "colour": "red"})).await;
        made.accepted(200, "Loop created successfully with QR code");
        made.has_keys("data", "id loop invite_code qr_code_base64 qr_code_url join_url");
        made.has_keys("data.loop", OWN_LOOP);
        made.has_keys("data.loop.members.0", MEMBER);
        assert_eq!(made.at("data.id"), made.at("data.loop.id"));
        for name in ["invite_code", "join_url", "qr_code_url"] {
            assert_eq!(made.at(&format!("data.{name}")), made.at(&format!("data.loop.{name}")));
        }
        let code = made.text("data.invite_code");
        assert!(code.len() == 9 && code.bytes().all(|b| b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains(&b)), "{code}");
        assert_eq!(made.text("data.join_url"), format!("{BASE}/join/{code}"));
        assert_eq!(made.text("data.qr_code_url"), format!("{BASE}/qr/{code}.png"));
        assert!(made.text("data.qr_code_base64").starts_with("data:image/png;base64,iVBORw0K"));
        let id = owner.id.to_string();
        for (name, value) in [
            ("name", json!("Posts")), ("description", json!("")), ("icon", json!("shield-check")), ("creator_id", json!(id)),
            ("member_count", json!(1)), ("pending_count", json!(0)), ("active_count", json!(1)),
            ("created_at", json!(START)), ("updated_at", json!(START)),
            ("members", json!([{"user_id": id, "email": "owner@example.com", "status": "active", "joined_at": START}])),
        ] {
            assert_eq!(made.at(&format!("data.loop.{name}")), &value, "{name}");
        }
        assert_eq!(world.loop_events(&made.text("data.id")).await, ["loop.created"]);
    }

    async fn contract_6_2_the_status_is_201_when_an_icon_is_sent_and_200_when_not(world: World) {
        let key = world.key(&world.person("owner@example.com").await).await;
        for (icon, status, shown) in [
            (None, 200, "shield-check"),
            (Some(Value::Null), 200, "shield-check"),
            (Some(json!("lock")), 201, "lock"),
            (Some(json!("🔒")), 201, "🔒"),
        ] {
            let mut body = json!({"name": "Posts", "description": "Review posts"});
            if let Some(icon) = icon {
                body["icon"] = icon;
            }
            let made = world.post("/v1/api/loops").key(&key).json(&body).await;
            made.accepted(status, "Loop created successfully with QR code");
            assert_eq!((made.at("data.loop.icon"), made.at("data.loop.description")), (&json!(shown), &json!("Review posts")));
        }
        let list = world.get("/v1/api/loops").key(&key).await;
        assert_eq!(list.at("data.count"), 4, "names may be the same");
    }

    async fn contract_4_4_v1_v5_to_v8_a_loop_is_refused_for_its_first_failing_field(world: World) {
        let key = world.key(&world.person("owner@example.com").await).await;
        let long = |count| "é".repeat(count);
        let name = json!("name must be between 1 and 100 characters");
        for (body, msg, data) in [
            (json!({}), "Loop name is required", json!("name is required")),
            (json!({"name": null}), "Loop name is required", json!("name is required")),
            (json!({"name": "", "icon": 7}), "Loop name is required", json!("name is required")),
            (json!({"name": " \t "}), "Loop name is required", json!("name is required")),
            (json!({"name": long(101)}), "Validation failed", name.clone()),
            (json!({"name": long(101), "description": long(501)}), "Validation failed", name),
            (json!({"name": "x", "description": long(501)}), "Validation failed", json!("description must be at most 500 characters")),
            (json!({"name": "x", "icon": long(101)}), "Validation failed", json!("icon must be at most 100 characters")),
            (json!({"name": 7}), "Invalid request body", json!({"field": "name", "issue": "must be a string"})),
            (json!({"name": "x", "description": []}), "Invalid request body", json!({"field": "description", "issue": "must be a string"})),
            (json!({"name": "x", "icon": {}}), "Invalid request body", json!({"field": "icon", "issue": "must be a string"})),
        ] {
            world.post("/v1/api/loops").key(&key).json(&body).await.refused(400, msg, &data);
        }
        for body in ["", "{", "[]", "\"name\"", "null"] {
            world.post("/v1/api/loops").key(&key).raw(body).await.refused(400, "Invalid request body", &Value::Null);
        }
        let list = world.get("/v1/api/loops").key(&key).await;
        list.accepted(200, "Loops retrieved successfully");
        assert_eq!(list.at("data"), &json!({"loops": [], "count": 0}), "nothing was made");
        let most = json!({"name": long(100), "description": long(500), "icon": long(100)});
        assert_eq!(world.post("/v1/api/loops").key(&key).json(&most).await.status, 201, "counted in code points");
    }

    async fn contract_6_3_lists_the_loops_one_made_newest_first_and_joined_ones_when_asked(world: World) {
        let (asker, other) = (world.asker().await, world.person("ann@example.com").await);
        let key = world.key(&other).await;
        world.clock.advance(1);
        let (first, _) = world.loop_named(&key, "First").await;
        world.clock.advance(1);
        let (second, _) = world.loop_named(&key, "Second").await;
        world.join(&world.sign_in(&other).await, &asker.code).await.accepted(200, "Joined loop");

        let own = world.get("/v1/api/loops").key(&key).await;
        own.accepted(200, "Loops retrieved successfully");
        own.has_keys("data", "loops count");
        own.has_keys("data.loops.0", OWN_LOOP);
        assert_eq!((own.each("data.loops", "id"), own.at("data.count")), (vec![second.clone(), first.clone()], &json!(2)));

        let all = world.get("/v1/api/loops?include=member").key(&key).await;
        assert_eq!(all.each("data.loops", "id"), [second, first, asker.loop_id.clone()]);
        all.has_keys("data.loops.2", JOINED_LOOP);
        assert_eq!((all.at("data.loops.2.member_count"), all.at("data.loops.2.members.1.email")), (&json!(2), &json!("ann@example.com")));
        let theirs = world.get("/v1/api/loops?include=member").key(&asker.key).await;
        assert_eq!(theirs.each("data.loops", "id"), [asker.loop_id]);
    }

    async fn contract_6_4_shows_a_loop_to_its_creator_and_its_active_members(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        let seen = world.get(&path).key(&asker.key).await;
        seen.accepted(200, "Loop retrieved successfully");
        seen.has_keys("data", "loop");
        seen.has_keys("data.loop", OWN_LOOP);
        let key = world.key(&member).await;
        let seen = world.get(&format!("/v1/api/loops/{}", asker.loop_id.to_uppercase())).key(&key).await;
        seen.accepted(200, "Loop retrieved successfully");
        seen.has_keys("data.loop", JOINED_LOOP);
        assert_eq!(seen.text("data.loop.id"), asker.loop_id, "ids are told in lower case");

        let outsider = world.key(&world.person("out@example.com").await).await;
        world.get(&path).key(&outsider).await.refused(403, "Access denied to this loop", &Value::Null);
        let invited = world.person("bob@example.com").await;
        world.invite(&asker.key, &asker.loop_id, "bob@example.com").await;
        world.get(&path).key(&world.key(&invited).await).await.refused(403, "Access denied to this loop", &Value::Null);
    }

    async fn contract_4_1_every_loop_path_checks_the_form_then_existence_then_access(world: World) {
        let asker = world.asker().await;
        let outsider = world.key(&world.person("out@example.com").await).await;
        for (method, rest) in [
            ("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/stats"), ("POST", "/invite"), ("GET", "/members"),
            ("POST", "/members"), ("DELETE", "/members/0123456789abcdef01234567"), ("GET", "/requests"), ("POST", "/requests"),
        ] {
            let call = |id: &str| world.call(method.parse().unwrap(), &format!("/v1/api/loops/{id}{rest}")).key(&outsider);
            for bad in ["x", "0123456789abcdef0123456", "0123456789abcdef012345678", "0123456789abcdef0123456g", "%20"] {
                call(bad).await.refused(400, "Invalid loop ID format", &Value::Null);
            }
            call(NOWHERE).await.refused(404, "Loop not found", &Value::Null);
            call(&asker.loop_id).await.refused(403, "Access denied to this loop", &Value::Null);
        }
    }

    async fn contract_6_5_updates_what_is_sent_and_nothing_else(world: World) {
        let asker = world.asker().await;
        world.ask(&asker, &question()).await;
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        let before = world.loop_seen(&asker.key, &asker.loop_id).await;
        for (index, (body, name, description, icon)) in [
            (json!({"name": " Posts "}), "Posts", "", "shield-check"),
            (json!({"description": "All of them", "colour": 7}), "Posts", "All of them", "shield-check"),
            (json!({"icon": "eye", "name": null}), "Posts", "All of them", "eye"),
            (json!({"description": ""}), "Posts", "", "eye"),
        ].into_iter().enumerate() {
            world.clock.advance(1);
            let call = if index % 2 == 0 { world.put(&path) } else { world.patch(&path) };
            let changed = call.key(&asker.key).json(&body).await;
            changed.accepted(200, "Loop updated successfully");
            changed.has_keys("data", "loop");
            changed.has_keys("data.loop", OWN_LOOP);
            let mut wanted = before.at("data.loop").clone();
            (wanted["name"], wanted["description"], wanted["icon"]) = (json!(name), json!(description), json!(icon));
            wanted["updated_at"] = json!(world.now());
            assert_eq!(changed.at("data.loop"), &wanted);
            assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop"), &wanted);
        }
        assert_eq!(world.loop_events(&asker.loop_id).await[1..], ["loop.updated"; 4]);
    }

    async fn contract_4_4_v6_to_v8_v10_an_update_is_refused(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        let before = world.loop_seen(&asker.key, &asker.loop_id).await;
        let empty = "At least one field must be provided for update";
        let name = json!("name must be between 1 and 100 characters");
        for (body, msg, data) in [
            (json!({}), empty, Value::Null),
            (json!({"colour": "red", "id": "x"}), empty, Value::Null),
            (json!({"name": null, "icon": null}), empty, Value::Null),
            (json!({"name": ""}), "Validation failed", name.clone()),
            (json!({"name": "  "}), "Validation failed", name.clone()),
            (json!({"name": "x".repeat(101), "icon": "x".repeat(101)}), "Validation failed", name),
            (json!({"description": "x".repeat(501)}), "Validation failed", json!("description must be at most 500 characters")),
            (json!({"icon": "x".repeat(101)}), "Validation failed", json!("icon must be at most 100 characters")),
            (json!({"name": true}), "Invalid request body", json!({"field": "name", "issue": "must be a string"})),
        ] {
            world.put(&path).key(&asker.key).json(&body).await.refused(400, msg, &data);
        }
        world.put(&path).key(&asker.key).await.refused(400, "Invalid request body", &Value::Null);
        let refused = world.put(&path).key(&world.key(&member).await).raw("{").await;
        refused.refused(403, "Only loop creator can update the loop", &Value::Null);
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.body, before.body);
    }

    async fn contract_6_10_statistics_count_by_status_and_average_the_answers(world: World) {
        let asker = world.asker().await;
        let path = format!("/v1/api/loops/{}/stats", asker.loop_id);
        let fresh = world.get(&path).key(&asker.key).await;
        fresh.accepted(200, "Loop statistics retrieved successfully");
        let none = json!({"pending": 0, "claimed": 0, "completed": 0, "timeout": 0, "cancelled": 0});
        assert_eq!(fresh.at("data"), &json!({"loop_id": asker.loop_id, "total_requests": 0, "by_status": none,
            "avg_response_time_seconds": null, "completion_rate": null}));

        let mut asked = Vec::new();
        for _ in 0..5 {
            asked.push(world.ask(&asker, &question()).await);
        }
        world.clock.advance(10);
        world.respond(&asker.session, &asked[0], json!("approve")).await.accepted(200, "Response submitted");
        world.clock.advance(11);
        world.respond(&asker.session, &asked[1], json!("reject")).await.accepted(200, "Response submitted");
        world.act(&asker.session, &asked[2], "claim").await.accepted(200, "Request claimed");
        world.delete(&format!("/v1/api/requests/{}", asked[3])).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        let now = world.get(&path).key(&asker.key).await;
        assert_eq!(now.at("data.by_status"), &json!({"pending": 1, "claimed": 1, "completed": 2, "timeout": 0, "cancelled": 1}));
        assert_eq!((now.at("data.total_requests"), now.at("data.avg_response_time_seconds")), (&json!(5), &json!(15.5)));
        world.clock.advance(3600);
        let ended = world.get(&path).key(&asker.key).await;
        assert_eq!(ended.at("data.by_status"), &json!({"pending": 0, "claimed": 0, "completed": 2, "timeout": 2, "cancelled": 1}));
        assert_eq!(ended.at("data.completion_rate"), &json!(0.4));
    }

    async fn contract_1_3_4_whole_numbers_are_written_without_a_point(world: World) {
        let asker = world.asker().await;
        let request = world.ask(&asker, &question()).await;
        world.clock.advance(10);
        world.respond(&asker.session, &request, json!("approve")).await.accepted(200, "Response submitted");
        let stats = world.get(&format!("/v1/api/loops/{}/stats", asker.loop_id)).key(&asker.key).await;
        assert_eq!((stats.at("data.avg_response_time_seconds"), stats.at("data.completion_rate")), (&json!(10), &json!(1)));
        let members = world.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        assert_eq!(members.at("data.statistics.avg_join_time_days"), &json!(0));
    }
}
