//! Listing requests: filters, orders and pages (contract 7.2, 7.3).

use crate::{
    asking::{act, create, has, ids, in_state, path, respond},
    harness::{Answer, Asker, World, on_both, question, question_with},
};
use serde_json::{Value, json};

const LISTED: &str = "Requests retrieved successfully";
const LISTED_OF_LOOP: &str = "Loop requests retrieved successfully";

/// Six requests a minute apart; the last two in the same instant. 0 timed out, 1 is pending, 2 claimed, 3 completed,
/// 4 cancelled, 5 pending.
async fn six(world: &World, asker: &Asker) -> Vec<String> {
    let mut made = vec![];
    for (minute, priority, seconds) in [
        (0, "medium", 60),
        (1, "low", 3600),
        (2, "critical", 3600),
        (3, "high", 3600),
        (4, "critical", 3600),
        (4, "low", 3600),
    ] {
        while world.now() < format!("2024-03-15T10:3{minute}:00Z").parse().unwrap() {
            world.clock.advance(60);
        }
        let body = question_with(&json!({"priority": priority, "timeout_seconds": seconds}));
        made.push(world.ask(asker, &body).await);
    }
    act(world, &asker.session, &made[2], "claim").await.accepted(200, "Request claimed");
    respond(world, &asker.session, &made[3], &json!("approve")).await.accepted(200, "Response submitted");
    world.delete(&path(&made[4])).key(&asker.key).await.accepted(200, "Request cancelled successfully");
    made
}

async fn list(world: &World, key: &str, query: &str) -> Answer {
    world.get(&format!("/v1/api/requests{query}")).key(key).await
}

/// Asserts which of `made` a list has, in order.
#[track_caller]
fn assert_lists(answer: &Answer, made: &[String], expected: &[usize], query: &str) {
    let found: Vec<_> = ids(answer).iter().map(|id| made.iter().position(|one| one == id).unwrap()).collect();
    assert_eq!(found, expected, "{query}");
}

on_both! {
    async fn contract_7_3_a_loops_list_is_of_that_loop_whatever_loop_id_says(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for other in ["bad", "0123456789abcdef01234567", &asker.loop_id, ""] {
            let listed = world.get(&format!("/v1/api/loops/{}/requests?loop_id={other}", asker.loop_id)).key(&asker.key).await;
            listed.accepted(200, LISTED_OF_LOOP);
            assert_eq!((ids(&listed), listed.text("data.loop_id")), (vec![id.clone()], asker.loop_id.clone()), "{other}");
        }
    }

    async fn contract_7_2_filters_and_orders(world: World) {
        let asker = world.asker().await;
        let made = six(&world, &asker).await;
        let of_loop = format!("?loop_id={}", asker.loop_id.to_uppercase());
        let rows: [(&str, &[usize]); 26] = [
            ("", &[5, 4, 3, 2, 1, 0]),
            (
                "?status=&priority=&loop_id=&limit=&offset=&sort=&created_before=&created_after=&api_key_id=",
                &[5, 4, 3, 2, 1, 0],
            ),
            ("?unknown=1&page=x", &[5, 4, 3, 2, 1, 0]),
            ("?status=pending", &[5, 1]),
            ("?status=claimed", &[2]),
            ("?status=completed", &[3]),
            ("?status=timeout", &[0]),
            ("?status=timed_out", &[0]),
            ("?status=cancelled", &[4]),
            ("?status=pending,claimed", &[5, 2, 1]),
            ("?status=timed_out%2C%20cancelled", &[4, 0]),
            ("?priority=critical", &[4, 2]),
            ("?priority=high", &[3]),
            ("?priority=medium", &[0]),
            ("?priority=low", &[5, 1]),
            (&of_loop, &[5, 4, 3, 2, 1, 0]),
            ("?sort=created_at_desc", &[5, 4, 3, 2, 1, 0]),
            ("?sort=created_at_asc", &[0, 1, 2, 3, 5, 4]),
            ("?sort=priority_desc", &[4, 2, 3, 0, 5, 1]),
            ("?sort=status_asc", &[4, 2, 3, 5, 1, 0]),
            ("?created_after=2024-03-15T10:32:00Z", &[5, 4, 3]),
            ("?created_before=2024-03-15T10:32:00Z", &[1, 0]),
            ("?created_after=2024-03-15T10:30:00Z&created_before=2024-03-15T10:34:00Z", &[3, 2, 1]),
            ("?created_after=2024-03-15T12:32:00%2B02:00", &[5, 4, 3]),
            ("?status=pending&priority=low&created_before=2024-03-15T10:34:00Z", &[1]),
            ("?status=completed&priority=low", &[]),
        ];
        for (query, expected) in rows {
            let listed = list(&world, &asker.key, query).await;
            listed.accepted(200, LISTED);
            assert_lists(&listed, &made, expected, query);
            has(listed.at("data"), &json!({"count": expected.len(), "total": expected.len(), "has_more": false}));
            let of_loop = world.get(&format!("/v1/api/loops/{}/requests{query}", asker.loop_id)).key(&asker.key).await;
            of_loop.accepted(200, LISTED_OF_LOOP);
            assert_lists(&of_loop, &made, expected, query);
        }
    }

    async fn contract_7_2_pages(world: World) {
        let asker = world.asker().await;
        let made = six(&world, &asker).await;
        let pages: [(&str, &[usize], i64, i64, Value); 8] = [
            ("", &[5, 4, 3, 2, 1, 0], 50, 0, json!(null)),
            ("?limit=2", &[5, 4], 2, 0, json!(2)),
            ("?limit=2&offset=2", &[3, 2], 2, 2, json!(4)),
            ("?limit=2&offset=4", &[1, 0], 2, 4, json!(null)),
            ("?limit=4&offset=3", &[2, 1, 0], 4, 3, json!(null)),
            ("?limit=5", &[5, 4, 3, 2, 1], 5, 0, json!(5)),
            ("?limit=100&offset=6", &[], 100, 6, json!(null)),
            ("?limit=1&offset=1000000", &[], 1, 1_000_000, json!(null)),
        ];
        for (query, expected, limit, offset, next) in pages {
            let listed = list(&world, &asker.key, query).await;
            assert_lists(&listed, &made, expected, query);
            let pagination = json!({"limit": limit, "offset": offset, "next_offset": next});
            let data =
                json!({"count": expected.len(), "total": 6, "has_more": !next.is_null(), "pagination": pagination});
            has(listed.at("data"), &data);
        }
        let filtered = list(&world, &asker.key, "?status=pending&limit=1").await;
        has(filtered.at("data"), &json!({"count": 1, "total": 2, "has_more": true}));
    }

    async fn contract_7_2_bad_values_have_their_words(world: World) {
        let asker = world.asker().await;
        let statuses = json!("status must be one of: pending, claimed, completed, timeout, cancelled");
        let priorities = json!("priority must be one of: low, medium, high, critical");
        let sorts = json!("sort must be one of: created_at_desc, created_at_asc, priority_desc, status_asc");
        let mut rows = vec![
            ("status=open".to_owned(), "Invalid status filter value", statuses.clone()),
            ("status=Pending".to_owned(), "Invalid status filter value", statuses.clone()),
            ("status=pending,open".to_owned(), "Invalid status filter value", statuses),
            ("priority=urgent".to_owned(), "Invalid priority filter value", priorities),
            ("sort=newest".to_owned(), "Invalid sort value", sorts),
        ];
        for limit in ["0", "101", "-1", "ten", "1.5", "99999999999999999999"] {
            rows.push((
                format!("limit={limit}"),
                "Invalid pagination parameters",
                json!("limit must be between 1 and 100"),
            ));
        }
        for offset in ["-1", "x", "0.5"] {
            rows.push((
                format!("offset={offset}"),
                "Invalid pagination parameters",
                json!("offset must be 0 or greater"),
            ));
        }
        let of_loop = format!("/v1/api/loops/{}/requests", asker.loop_id);
        for path in ["/v1/api/requests", &of_loop] {
            for (query, msg, data) in &rows {
                world.get(&format!("{path}?{query}")).key(&asker.key).await.refused(400, msg, data);
            }
            for query in ["created_before=yesterday", "created_after=2024-13-01T00:00:00Z", "created_after=1710000000"]
            {
                let refused = world.get(&format!("{path}?{query}")).key(&asker.key).await;
                assert_eq!((refused.status, refused.at("msg")), (400, &json!("Validation failed")), "{query}");
            }
        }
        for id in ["x", &"g".repeat(24), &"a".repeat(23)] {
            let refused = list(&world, &asker.key, &format!("?loop_id={id}")).await;
            refused.refused(400, "Invalid loop ID format", &json!(null));
        }
    }

    async fn contract_7_2_the_list_is_the_account_s_through_any_key(world: World) {
        let asker = world.asker().await;
        let (other, second) = world.key_with(&asker.owner, |new| new.name = "second".into()).await;
        let first = world.ask(&asker, &question()).await;
        let with_second = world.ask(&Asker { key: second.clone(), ..asker.clone() }, &question()).await;
        for key in [&asker.key, &second] {
            assert_eq!(ids(&list(&world, key, "").await), [with_second.clone(), first.clone()]);
            assert_eq!(ids(&list(&world, key, &format!("?api_key_id={}", other.id)).await), vec![with_second.clone()]);
        }
        let (member, _) = world.reviewer("john@example.com", &asker.code).await;
        let member = world.key(&member).await;
        let nothing = json!({"requests": [], "count": 0, "total": 0, "has_more": false});
        for query in ["", &format!("?loop_id={}", asker.loop_id)] {
            let listed = list(&world, &member, query).await;
            listed.accepted(200, LISTED);
            has(listed.at("data"), &nothing);
        }
        has(list(&world, &asker.key, &format!("?loop_id={}", "f".repeat(24))).await.at("data"), &nothing);
    }

    async fn contract_7_3_a_loop_s_requests_show_to_its_creator_and_members(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("john@example.com", &asker.code).await;
        let member = world.key(&member).await;
        let outsider = world.key(&world.person("out@example.com").await).await;
        let id = world.ask(&asker, &question()).await;
        let elsewhere =
            world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": "Elsewhere"})).await.text("data.id");
        create(&world, &Asker { loop_id: elsewhere, ..asker.clone() }, &question())
            .await
            .accepted(201, "Request created and broadcasted successfully");
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        for key in [&asker.key, &member] {
            let listed = world.get(&path).key(key).await;
            listed.accepted(200, LISTED_OF_LOOP);
            assert_eq!((ids(&listed), listed.at("data.loop_id")), (vec![id.clone()], &json!(asker.loop_id)));
        }
        let refused = world.get(&format!("{path}?status=open")).key(&outsider).await;
        refused.refused(403, "Access denied to this loop", &json!(null));
        world
            .post(&format!("/v1/reviewer/loops/{}/leave", asker.loop_id))
            .key(&session)
            .await
            .accepted(200, "Left loop");
        world.get(&path).key(&member).await.refused(403, "Access denied to this loop", &json!(null));
        for (id, status, msg) in
            [("x".to_owned(), 400, "Invalid loop ID format"), ("f".repeat(24), 404, "Loop not found")]
        {
            let refused = world.get(&format!("/v1/api/loops/{id}/requests")).key(&asker.key).await;
            refused.refused(status, msg, &json!(null));
        }
    }

    async fn contract_7_3_without_a_limit_a_page_is_fifty_or_of_a_loop_a_hundred(world: World) {
        let asker = world.asker().await;
        for _ in 0..101 {
            world.ask(&asker, &question()).await;
        }
        let mine = list(&world, &asker.key, "").await;
        has(
            mine.at("data"),
            &json!({
                "count": 50, "total": 101, "has_more": true,
                "pagination": {"limit": 50, "offset": 0, "next_offset": 50},
            }),
        );
        let of_loop = world.get(&format!("/v1/api/loops/{}/requests", asker.loop_id)).key(&asker.key).await;
        has(
            of_loop.at("data"),
            &json!({
                "count": 100, "total": 101, "has_more": true,
                "pagination": {"limit": 100, "offset": 0, "next_offset": 100},
            }),
        );
    }

    async fn contract_7_4_nothing_overdue_is_listed_as_open(world: World) {
        let asker = world.asker().await;
        let claimed = in_state(&world, &asker, "claimed").await;
        let id = in_state(&world, &asker, "timeout").await;
        let inbox = world.get("/v1/reviewer/inbox").key(&asker.session).await;
        has(inbox.at("data"), &json!({"requests": [], "counts": {"active": 0, "mine": 1, "completed": 0}}));
        world.clock.advance(3600);
        let inbox = world.get("/v1/reviewer/inbox?tab=mine").key(&asker.session).await;
        has(inbox.at("data"), &json!({"requests": [], "counts": {"active": 0, "mine": 0, "completed": 0}}));
        let of_loop = format!("/v1/api/loops/{}/requests", asker.loop_id);
        for path in ["/v1/api/requests", &of_loop] {
            let open = world.get(&format!("{path}?status=pending,claimed")).key(&asker.key).await;
            has(open.at("data"), &json!({"requests": [], "total": 0}));
            let ended = world.get(&format!("{path}?status=timeout")).key(&asker.key).await;
            assert_eq!(ids(&ended), [id.clone(), claimed.clone()]);
        }
        assert_eq!(world.events(&id).await, ["request.created", "request.timeout"]);
    }
}
