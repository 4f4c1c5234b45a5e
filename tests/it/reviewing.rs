//! What a reviewer sees: oneself, the inbox and its order, loops, history, a request (contract 8.7, 16.1, 16.2).

use crate::{
    accidents,
    cast::{JOINED_LOOP, OWN_LOOP},
    harness::{on_both, question, question_with},
};
use serde_json::{Value, json};

on_both! {
    async fn contract_16_2_me_is_who_is_signed_in(world: World) {
        let ann = world.person("ann@example.com").await;
        let me = world.get("/v1/reviewer/me").key(&world.sign_in(&ann).await).await;
        me.accepted(200, "Signed in");
        assert_eq!(me.at("data"), &json!({"id": ann.id, "email": "ann@example.com", "name": "ann", "role": "member"}));
    }

    async fn contract_8_7_the_inbox_is_by_priority_then_time_sensitive_first_then_the_oldest(world: World) {
        let asker = world.asker().await;
        for (text, changes) in [
            ("low", json!({"priority": "low"})),
            ("medium, deferred", json!({"priority": "medium", "processing_type": "deferred", "timeout_seconds": null})),
            ("medium, first", json!({"priority": "medium"})),
            ("critical, first", json!({"priority": "critical"})),
            ("high", json!({"priority": "high"})),
            ("critical, second", json!({"priority": "critical"})),
            ("medium, second, but due sooner", json!({"priority": "medium", "timeout_seconds": 600})),
            ("critical, deferred", json!({"priority": "critical", "processing_type": "deferred", "timeout_seconds": null})),
        ] {
            let mut body = question_with(&changes);
            body["request_text"] = json!(text);
            world.ask(&asker, &body).await;
            world.clock.advance(1);
        }
        let order = [
            "critical, first", "critical, second", "critical, deferred", "high", "medium, first", "medium, second, but due sooner",
            "medium, deferred", "low",
        ];
        let inbox = world.inbox(&asker.session, "active").await;
        inbox.accepted(200, "Inbox retrieved successfully");
        assert_eq!(inbox.each("data.requests", "request_text"), order);
        assert_eq!(inbox.at("data.pagination"), &json!({"limit": 50, "offset": 0, "next_offset": null}));
        let (first, second) = ("/v1/reviewer/inbox?limit=5", "/v1/reviewer/inbox?tab=active&limit=5&offset=5");
        let pages = [world.get(first).key(&asker.session).await, world.get(second).key(&asker.session).await];
        assert_eq!(pages.each_ref().map(|page| page.each("data.requests", "request_text")).concat(), order);
        assert_eq!(pages[0].at("data.pagination"), &json!({"limit": 5, "offset": 0, "next_offset": 5}));
        assert_eq!((pages[1].at("data.pagination.next_offset"), pages[1].at("data.count"), pages[1].at("data.counts.active")), (&Value::Null, &json!(3), &json!(8)));
    }

    async fn contract_16_1_the_inbox_holds_what_waits_what_is_mine_and_what_i_answered(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let outsider = world.sign_in(&world.person("out@example.com").await).await;
        let (waiting, held, answered) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        world.act(&ann, &held, "claim").await.accepted(200, "Request claimed");
        world.respond(&ann, &answered, json!("approve")).await.accepted(200, "Response submitted");
        let counts = |active: u8, mine: u8, completed: u8| json!({"active": active, "mine": mine, "completed": completed});
        for (session, tab, ids, counts) in [
            (&ann, "active", vec![&waiting], counts(1, 1, 1)), (&ann, "mine", vec![&held], counts(1, 1, 1)), (&ann, "completed", vec![&answered], counts(1, 1, 1)),
            (&asker.session, "active", vec![&waiting], counts(1, 0, 0)), (&asker.session, "mine", vec![], counts(1, 0, 0)),
            (&asker.session, "completed", vec![], counts(1, 0, 0)), (&outsider, "active", vec![], counts(0, 0, 0)),
        ] {
            let inbox = world.inbox(session, tab).await;
            inbox.has_keys("data", "tab requests count counts pagination");
            assert_eq!(inbox.each("data.requests", "id").iter().collect::<Vec<_>>(), ids, "{tab}");
            assert_eq!((inbox.text("data.tab").as_str(), inbox.at("data.counts"), inbox.at("data.count")), (tab, &counts, &json!(ids.len())));
        }
        world.clock.advance(3600);
        assert_eq!(world.inbox(&ann, "active").await.at("data.counts"), &counts(0, 0, 1), "what has run out is never shown as open (7.4)");
    }

    async fn what_was_answered_is_counted_up_to_a_hundred_or_as_far_as_the_next_page(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        world.respond(&asker.session, &id, json!("approve")).await.accepted(200, "Response submitted");
        let kept = "loop_id, creator_id, api_key_id, processing_type, type, priority, request_text, timeout_seconds, response_type, response_config,
            platform, broadcasted_to, status, created_at, updated_at, timeout_at, claimed_by, claimed_at, response_by, response_at, response_data";
        accidents::run(&world, &format!(
            "insert into requests (id, {kept}) with recursive numbers (k) as (select 1 union all select k + 1 from numbers where k < 299)
             select substr(id, 1, 16) || (10000000 + k), {kept} from requests cross join numbers"
        )).await;
        for (query, completed, next) in [
            ("tab=active", 100, None), ("tab=completed&limit=50", 100, Some(50)), ("tab=completed&limit=100&offset=100", 201, Some(200)),
            ("tab=completed&limit=50&offset=200", 251, Some(250)), ("tab=completed&limit=100&offset=200", 300, None),
        ] {
            let inbox = world.get(&format!("/v1/reviewer/inbox?{query}")).key(&asker.session).await;
            assert_eq!((inbox.at("data.counts.completed"), inbox.at("data.pagination.next_offset")), (&json!(completed), &json!(next)), "{query}");
        }
        assert!(world.get("/inbox").cookie(&asker.session).await.page().contains(r#"Done <span class="count">100+</span>"#));
    }

    async fn contract_4_4_v13_v27_the_inbox_refuses_what_it_does_not_know(world: World) {
        let session = world.asker().await.session;
        let (limit, offset) = ("limit must be between 1 and 100", "offset must be 0 or greater");
        for (query, msg, data) in [
            ("tab=done", "Validation failed", "tab must be one of: active, mine, completed"),
            ("limit=0", "Invalid pagination parameters", limit), ("limit=101", "Invalid pagination parameters", limit),
            ("limit=x", "Invalid pagination parameters", limit), ("offset=-1", "Invalid pagination parameters", offset),
        ] {
            world.get(&format!("/v1/reviewer/inbox?{query}")).key(&session).await.refused(400, msg, &json!(data));
        }
        world.get("/v1/reviewer/history?limit=0").key(&session).await.refused(400, "Invalid pagination parameters", &json!(limit));
        assert_eq!(world.get("/v1/reviewer/inbox?tab=&limit=").key(&session).await.text("data.tab"), "active");
    }

    async fn contract_16_2_a_request_is_shown_whole_to_members_of_its_loop(world: World) {
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        let outsider = world.sign_in(&world.person("out@example.com").await).await;
        let request = world.ask(&asker, &question_with(&json!({"context": {"post": 7}, "timeout_seconds": 86400}))).await;
        let path = format!("/v1/reviewer/requests/{request}");
        let shown = world.get(&path).key(&session).await;
        shown.accepted(200, "Request retrieved successfully");
        shown.has_keys("data", "request claim_expires_at draft");
        assert_eq!(shown.at("data.request"), world.request(&asker.key, &request).await.at("data.request"));
        assert_eq!((shown.at("data.claim_expires_at"), shown.at("data.draft")), (&Value::Null, &Value::Null));
        world.act(&session, &request, "claim").await.accepted(200, "Request claimed");
        let shown = world.get(&path).key(&session).await;
        assert_eq!((shown.at("data.claim_expires_at"), shown.at("data.request.claimed_by")), (&json!("2024-03-15T11:00:00Z"), &json!(ann.id)));

        world.get(&path).key(&outsider).await.refused(404, "Request not found", &Value::Null);
        world.get("/v1/reviewer/requests/0123456789abcdef01234567").key(&session).await.refused(404, "Request not found", &Value::Null);
        for (method, rest) in [("GET", ""), ("POST", "/claim"), ("POST", "/release"), ("POST", "/respond"), ("PUT", "/draft")] {
            let call = world.call(method.parse().unwrap(), &format!("/v1/reviewer/requests/x{rest}"));
            call.key(&session).await.refused(400, "Invalid request ID format", &Value::Null);
        }
    }

    async fn contract_16_2_loops_are_those_one_is_in(world: World) {
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        world.clock.advance(1);
        let (own, _) = world.loop_named(&world.key(&ann).await, "Own").await;
        let (other, _) = world.loop_named(&asker.key, "Other").await;
        world.invite(&asker.key, &other, "ann@example.com").await;
        let loops = world.get("/v1/reviewer/loops").key(&session).await;
        loops.accepted(200, "Loops retrieved successfully");
        loops.has_keys("data", "loops count");
        assert_eq!((loops.each("data.loops", "id"), loops.at("data.count")), (vec![own, asker.loop_id], &json!(2)));
        loops.has_keys("data.loops.0", OWN_LOOP);
        loops.has_keys("data.loops.1", JOINED_LOOP);
    }

    async fn contract_16_1_history_tells_what_became_of_what_one_worked_on(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let mut asked = Vec::new();
        for seconds in [3600, 600, 3600, 3600, 3600] {
            asked.push(world.ask(&asker, &question_with(&json!({"timeout_seconds": seconds}))).await);
        }
        for request in &asked[1..3] {
            world.act(&ann, request, "claim").await.accepted(200, "Request claimed");
        }
        world.clock.advance(1);
        world.respond(&ann, &asked[0], json!("approve")).await.accepted(200, "Response submitted");
        world.respond(&asker.session, &asked[3], json!("reject")).await.accepted(200, "Response submitted");
        world.clock.advance(1);
        let feedback = json!({"feedback": {"rating": 5, "comment": "Well seen"}});
        let given = world.post(&format!("/v1/api/requests/{}/feedback", asked[0])).key(&asker.key).json(&feedback).await;
        given.accepted(200, "Feedback added successfully");
        world.clock.advance(1);
        world.delete(&format!("/v1/api/requests/{}", asked[2])).key(&asker.key).await.accepted(200, "Request cancelled successfully");
        world.clock.advance(600);

        let history = world.get("/v1/reviewer/history").key(&ann).await;
        history.accepted(200, "History retrieved successfully");
        history.has_keys("data", "requests count has_more pagination");
        assert_eq!(history.each("data.requests", "id"), [asked[1].clone(), asked[2].clone(), asked[0].clone()]);
        assert_eq!(history.each("data.requests", "status"), ["timeout", "cancelled", "completed"]);
        let beyond = world.get(&format!("/v1/reviewer/history?offset={}", i64::MAX / 2)).key(&ann).await;
        assert_eq!((beyond.status, beyond.at("data.count")), (200, &json!(0)));
        assert_eq!(history.at("data.requests.2.feedback.comment"), "Well seen");
        let page = world.get("/v1/reviewer/history?limit=1&offset=1").key(&ann).await;
        assert_eq!((page.each("data.requests", "id"), page.at("data.count")), (vec![asked[2].clone()], &json!(1)));
        for (query, next) in [("", json!(null)), ("?limit=2", json!(2)), ("?limit=1&offset=1", json!(2)), ("?limit=3", json!(null)), ("?limit=1&offset=2", json!(null))] {
            let page = world.get(&format!("/v1/reviewer/history{query}")).key(&ann).await;
            assert_eq!((page.at("data.has_more"), page.at("data.pagination.next_offset")), (&json!(!next.is_null()), &next), "{query}");
        }
    }
}
