//! Who is in a loop (contract 6.7, 11.5, 11.6) and what a member may not do (4.3).

use crate::{
    cast::MEMBER_DETAILS,
    harness::{START, on_both, question},
};
use serde_json::{Value, json};

on_both! {
    async fn contract_6_7_lists_members_the_creator_first_then_by_joining_then_invitations(world: World) {
        let asker = world.asker().await;
        let invited = world.invite(&asker.key, &asker.loop_id, "zoe@example.com").await;
        world.clock.advance(10);
        let (bob, bobs) = world.reviewer("bob@example.com", &asker.code).await;
        world.clock.advance(10);
        let (ann, anns) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.clock.advance(10);
        world.act(&bobs, &request, "claim").await.accepted(200, "Request claimed");

        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        let list = world.get(&path).key(&asker.key).await;
        list.accepted(200, "Loop members retrieved successfully");
        list.has_keys("data", "loop_id members member_count total_count active_count pending_count statistics");
        list.has_keys("data.statistics", "avg_join_time_days newest_member_joined oldest_member_joined");
        for index in 0..4 {
            list.has_keys(&format!("data.members.{index}"), MEMBER_DETAILS);
        }
        let member = |id: &str, name: &str, role: &str, joined: &str, active: Value| {
            json!({"user_id": id, "email": format!("{name}@example.com"), "status": "active", "joined_at": joined,
                "name": name, "role": role, "last_active": active})
        };
        assert_eq!(list.at("data.members"), &json!([
            member(&asker.owner.id.to_string(), "owner", "admin", START, Value::Null),
            member(&bob.id.to_string(), "bob", "member", "2024-03-15T10:30:10Z", json!("2024-03-15T10:30:30Z")),
            member(&ann.id.to_string(), "ann", "member", "2024-03-15T10:30:20Z", Value::Null),
            {"user_id": invited, "email": "zoe@example.com", "status": "pending", "joined_at": null, "name": "zoe", "role": "member", "last_active": null},
        ]));
        let counts = ["member_count", "total_count", "active_count", "pending_count"].map(|name| list.at(&format!("data.{name}")).clone());
        assert_eq!(counts, [json!(4), json!(4), json!(3), json!(1)]);
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!(seen.each("data.loop.members", "email"), list.each("data.members", "email"), "in the same order");
        assert_eq!((seen.at("data.loop.member_count"), seen.at("data.loop.pending_count"), seen.at("data.loop.active_count")), (&json!(4), &json!(1), &json!(3)));
        let theirs = world.get("/v1/reviewer/loops").key(&anns).await;
        assert_eq!(theirs.each("data.loops.0.members", "email"), list.each("data.members", "email"));
    }

    async fn contract_6_7_statistics_average_the_days_from_invitation_to_joining(world: World) {
        let asker = world.asker().await;
        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        let alone = world.get(&path).key(&asker.key).await;
        assert_eq!(alone.at("data.statistics"), &json!({"avg_join_time_days": 0, "newest_member_joined": START, "oldest_member_joined": START}));

        world.invite(&asker.key, &asker.loop_id, "ann@example.com").await;
        world.invite(&asker.key, &asker.loop_id, "never@example.com").await;
        world.clock.advance(12 * 3600);
        world.sign_up_with(&asker.code, "ann@example.com").await.accepted(201, "Account created");
        let after = world.get(&path).key(&asker.key).await;
        assert_eq!(after.at("data.statistics"), &json!({"avg_join_time_days": 0.5, "newest_member_joined": world.now(), "oldest_member_joined": START}));
        world.reviewer("bob@example.com", &asker.code).await;
        assert_eq!(world.get(&path).key(&asker.key).await.at("data.statistics.avg_join_time_days"), &json!(0.25));
    }

    async fn contract_6_7_members_may_list_members(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        let list = world.get(&path).key(&world.key(&member).await).await;
        list.accepted(200, "Loop members retrieved successfully");
        assert_eq!(list.each("data.members", "email"), ["owner@example.com", "ann@example.com"]);
    }

    async fn contract_4_3_e6_e7_e8_e9_what_only_the_creator_may_is_said_to_members(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let key = world.key(&member).await;
        for (method, rest, msg) in [
            ("POST", "/requests", "Only loop creators can create requests"),
            ("PUT", "", "Only loop creator can update the loop"),
            ("PATCH", "", "Only loop creator can update the loop"),
            ("POST", "/invite", "Only loop creator can update the loop"),
            ("POST", "/members", "Only loop creator can update the loop"),
            ("DELETE", "", "Only loop creator can delete the loop"),
            ("DELETE", "/members/0123456789abcdef01234567", "Only loop creator can remove members"),
        ] {
            let call = world.call(method.parse().unwrap(), &format!("/v1/api/loops/{}{rest}", asker.loop_id));
            call.key(&key).raw("{").await.refused(403, msg, &Value::Null);
        }
        for rest in ["", "/members", "/stats", "/requests"] {
            let read = world.get(&format!("/v1/api/loops/{}{rest}", asker.loop_id)).key(&key).await;
            assert_eq!(read.status, 200, "{rest}");
        }
    }

    async fn contract_10_1_pending_members_are_asked_nothing(world: World) {
        let asker = world.asker().await;
        let bob = world.person("bob@example.com").await;
        let session = world.sign_in(&bob).await;
        world.invite(&asker.key, &asker.loop_id, "bob@example.com").await;
        let request = world.ask(&asker, &question()).await;
        let asked = world.request(&asker.key, &request).await;
        assert_eq!(asked.each("data.request.broadcasted_to", "email"), ["owner@example.com"]);
        assert_eq!(world.inbox(&session, "active").await.at("data.count"), 0);
        world.act(&session, &request, "claim").await.refused(404, "Request not found", &Value::Null);
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        assert_eq!(world.inbox(&session, "active").await.each("data.requests", "id"), std::slice::from_ref(&request));
        let asked = world.request(&asker.key, &request).await;
        assert_eq!(asked.each("data.request.broadcasted_to", "email"), ["owner@example.com"], "who joins later is not added (10.5)");
    }
}
