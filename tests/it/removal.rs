//! Deleting a loop, removing a member, leaving: what goes, what stays, and who can no longer see what (contract 6.6, 6.8, 11.7, 16.7).

use crate::{
    harness::{Asker, World, on_both, question, question_with},
    hooking::deliver,
    receiver::{Receiver, reaching_loopback},
};
use hitl_server::{
    domain::{Account, AccountStatus, Actor, Id, Json},
    service::accounts,
    store::{self, Db, transitions},
};
use serde_json::{Value, json};

/// An id that nobody has.
const NOBODY: &str = "0123456789abcdef01234567";

fn member_path(asker: &Asker, user: &impl ToString) -> String {
    format!("/v1/api/loops/{}/members/{}", asker.loop_id, user.to_string())
}

/// Every way of a reviewer to a request, each of which must end in `404 Request not found`.
async fn is_hidden(world: &World, session: &str, request: &str) {
    let path = format!("/v1/reviewer/requests/{request}");
    let body = json!({"response_data": "approve"});
    for (method, rest) in
        [("GET", ""), ("POST", "/claim"), ("POST", "/release"), ("POST", "/respond"), ("PUT", "/draft")]
    {
        let tried = world.call(method.parse().unwrap(), &format!("{path}{rest}")).key(session).json(&body).await;
        tried.refused(404, "Request not found", &Value::Null);
    }
}

on_both! {
    async fn contract_6_6_deleting_takes_everything_along_and_counts_it(world: World) {
        let asker = world.asker().await;
        let (elsewhere, _) = world.loop_named(&asker.key, "Other").await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        world.invite(&asker.key, &asker.loop_id, "invited@example.com").await;
        let (pending, claimed) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        let (completed, cancelled) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        world.act(&session, &claimed, "claim").await.accepted(200, "Request claimed");
        world.respond(&session, &completed, json!("approve")).await.accepted(200, "Response submitted");
        world.delete(&format!("/v1/api/requests/{cancelled}")).key(&asker.key).await.accepted(200, "Request cancelled successfully");

        world.clock.advance(5);
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        let deleted = world.delete(&path).key(&asker.key).await;
        deleted.accepted(200, "Loop deleted successfully");
        assert_eq!(deleted.at("data"), &json!({"loop_id": asker.loop_id, "deleted_at": world.now(),
            "deleted_data": {"members_removed": 3, "requests_deleted": 4, "responses_deleted": 1}}));
        assert_eq!(world.loop_events(&asker.loop_id).await.last().unwrap(), "loop.deleted");
        assert_eq!(world.events(&pending).await, ["request.created", "request.cancelled"]);
        assert_eq!(world.events(&claimed).await, ["request.created", "request.claimed", "request.cancelled"]);
        assert_eq!(world.events(&completed).await, ["request.created", "request.completed"]);
        assert_eq!(world.events(&cancelled).await, ["request.created", "request.cancelled"]);

        world.delete(&path).key(&asker.key).await.refused(404, "Loop not found", &Value::Null);
        for request in [&pending, &claimed, &completed, &cancelled] {
            world.request(&asker.key, request).await.refused(404, "Request not found", &Value::Null);
            is_hidden(&world, &session, request).await;
        }
        world.join(&session, &asker.code).await.refused(404, "No loop found with that invite code", &Value::Null);
        assert_eq!(world.get("/v1/reviewer/history").key(&session).await.at("data"), &json!({
            "requests": [], "count": 0, "has_more": false, "pagination": {"limit": 50, "offset": 0, "next_offset": null},
        }));
        assert_eq!(world.get("/v1/reviewer/me").key(&session).await.at("data.email"), "ann@example.com", "people stay");
        assert_eq!(world.get("/v1/api/loops").key(&asker.key).await.each("data.loops", "id"), [elsewhere]);
    }

    async fn contract_6_6_a_callback_hears_that_its_request_went_with_its_loop(world: World) {
        let (world, receiver) = (reaching_loopback(&world), Receiver::start().await);
        let asker = world.asker().await;
        let id = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/done")}))).await;
        let deleted = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        deleted.accepted(200, "Loop deleted successfully");
        assert_eq!(deliver(&world).await, 1);
        let told = receiver.only();
        assert_eq!((told.path.as_str(), told.event()), ("/done", "request.cancelled".to_owned()));
        assert_eq!((&told.json()["request_id"], &told.json()["status"]), (&json!(id), &json!("cancelled")));
    }

    async fn contract_8_1_what_is_due_when_its_loop_is_deleted_has_timed_out(world: World) {
        let asker = world.asker().await;
        let brief = question_with(&json!({"timeout_seconds": 60, "callback_url": "https://app.example.com/done"}));
        let (pending, claimed) = (world.ask(&asker, &brief).await, world.ask(&asker, &brief).await);
        world.act(&asker.session, &claimed, "claim").await.accepted(200, "Request claimed");
        world.clock.advance(59);
        let open = world.ask(&asker, &brief).await;
        world.clock.advance(1); // and nobody has looked since
        let deleted = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        deleted.accepted(200, "Loop deleted successfully");
        assert_eq!(deleted.at("data.deleted_data.requests_deleted"), 3);
        assert_eq!(world.events(&pending).await, ["request.created", "request.timeout"]);
        assert_eq!(world.events(&claimed).await, ["request.created", "request.claimed", "request.timeout"]);
        assert_eq!(world.events(&open).await, ["request.created", "request.cancelled"]);
        let called: Vec<(String, String)> = (&world.app.store)
            .sql("select event, request_id from deliveries where kind = 'callback' order by request_id").all().await.unwrap();
        let expected = [(&pending, "request.timeout"), (&claimed, "request.timeout"), (&open, "request.cancelled")];
        assert_eq!(called, expected.map(|(id, event)| (event.to_owned(), id.clone())), "whoever waits is told");
    }

    async fn contract_4_3_e8_only_the_creator_deletes_a_loop(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let refused = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&world.key(&member).await).await;
        refused.refused(403, "Only loop creator can delete the loop", &Value::Null);
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.status, 200);
    }

    async fn contract_6_8_removing_a_member_ends_their_access_at_once(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("ann@example.com", &asker.code).await;
        let key = world.key(&member).await;
        let (answered, held, open) = (world.ask(&asker, &question()).await, world.ask(&asker, &question()).await, world.ask(&asker, &question()).await);
        world.respond(&session, &answered, json!("approve")).await.accepted(200, "Response submitted");
        world.act(&session, &held, "claim").await.accepted(200, "Request claimed");

        world.clock.advance(60);
        let removed = world.delete(&member_path(&asker, &member.id)).key(&asker.key).await;
        removed.accepted(200, "Member removed from loop successfully");
        assert_eq!(removed.at("data"), &json!({"loop_id": asker.loop_id, "user_id": member.id, "removed_at": world.now()}));
        assert_eq!(world.loop_events(&asker.loop_id).await.last().unwrap(), "loop.member_left");
        let after = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!((after.at("data.loop.member_count"), after.at("data.loop.updated_at")), (&json!(1), &json!(world.now())));

        let returned = world.request(&asker.key, &held).await;
        assert_eq!((returned.at("data.request.status"), returned.at("data.request.claimed_by")), (&json!("pending"), &Value::Null));
        assert_eq!(returned.at("data.request.claimed_at"), &Value::Null);
        assert_eq!(world.events(&held).await, ["request.created", "request.claimed", "request.released"]);
        let kept = world.request(&asker.key, &answered).await;
        assert_eq!(kept.at("data.request.response_by_user.email"), "ann@example.com", "an answer keeps its author");

        world.loop_seen(&key, &asker.loop_id).await.refused(403, "Access denied to this loop", &Value::Null);
        for request in [&answered, &held, &open] {
            is_hidden(&world, &session, request).await;
        }
        for tab in ["active", "mine", "completed"] {
            let inbox = world.inbox(&session, tab).await;
            assert_eq!((inbox.at("data.requests"), inbox.at("data.counts")), (&json!([]), &json!({"active": 0, "mine": 0, "completed": 0})));
        }
        assert_eq!(world.get("/v1/reviewer/history").key(&session).await.at("data.requests"), &json!([]));
        assert_eq!(world.get("/v1/reviewer/loops").key(&session).await.at("data.count"), 0);
        assert_eq!(world.inbox(&asker.session, "active").await.at("data.count"), 2, "others see it again");
    }

    async fn contract_16_7_a_step_that_is_under_way_fails_once_its_person_is_out(world: World) {
        let asker = world.asker().await;
        let (ann, _) = world.reviewer("ann@example.com", &asker.code).await;
        let outsider = world.person("out@example.com").await;
        let id = world.ask(&asker, &question()).await.parse().unwrap();
        let (store, now) = (&world.app.store, world.now());
        let until = now.plus_seconds(60);
        let answer = Json::of(&json!("approve"));
        assert_eq!(transitions::claim(store, id, outsider.id, until, 5, now).await.unwrap(), None);
        let read = hitl_server::store::requests::find(store, id).await.unwrap().unwrap();
        let answered = async |by: Id<Account>| {
            let mut tx = store.begin();
            let answered = transitions::answer(&mut tx, &read, by, &answer, now).await;
            let answered = match answered {
                Ok(()) => tx.commit().await,
                lost => lost,
            };
            assert!(matches!(answered, Err(store::Error::Lost)), "{answered:?}");
        };
        answered(outsider.id).await;
        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Suspended).await.unwrap();
        assert_eq!(transitions::claim(store, id, ann.id, until, 5, now).await.unwrap(), None);
        answered(ann.id).await;
        accounts::set_status(&world.app, Actor::Operator, ann.id, AccountStatus::Active).await.unwrap();
        assert!(transitions::claim(store, id, ann.id, until, 5, now).await.unwrap().is_some());
    }

    async fn contract_6_8_a_removed_member_may_come_back_with_the_same_code(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.delete(&member_path(&asker, &member.id)).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        world.clock.advance(60);
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!(seen.at("data.loop.members.1"), &json!({"user_id": member.id, "email": "ann@example.com", "status": "active", "joined_at": world.now()}));
        world.act(&session, &request, "claim").await.accepted(200, "Request claimed");
    }

    async fn contract_6_8_removing_a_pending_member_takes_the_invitation_back(world: World) {
        let asker = world.asker().await;
        let invited = world.invite(&asker.key, &asker.loop_id, "bob@example.com").await;
        let removed = world.delete(&member_path(&asker, &invited)).key(&asker.key).await;
        removed.accepted(200, "Member removed from loop successfully");
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!((seen.at("data.loop.member_count"), seen.at("data.loop.pending_count")), (&json!(1), &json!(0)));
        let again = world.delete(&member_path(&asker, &invited)).key(&asker.key).await;
        again.refused(404, "User is not a member of this loop", &Value::Null);
    }

    async fn contract_6_8_v2_v4_e11_e9_e4_e10_e13_a_removal_is_refused_in_that_order(world: World) {
        let asker = world.asker().await;
        let (member, _) = world.reviewer("ann@example.com", &asker.code).await;
        let (members, outsider) = (world.key(&member).await, world.key(&world.person("out@example.com").await).await);
        let id = asker.loop_id.as_str();
        let (creator, ann) = (asker.owner.id.to_string(), member.id.to_string());
        for (key, it, user, status, msg) in [
            (&asker.key, "x", "y", 400, "Invalid loop ID format"),
            (&asker.key, NOBODY, "y", 400, "Invalid user ID format"),
            (&asker.key, NOBODY, &*ann, 404, "Loop not found"),
            (&outsider, id, &*creator, 403, "Access denied to this loop"),
            (&members, id, &*creator, 403, "Only loop creator can remove members"),
            (&members, id, &*ann, 403, "Only loop creator can remove members"),
            (&members, id, NOBODY, 403, "Only loop creator can remove members"),
            (&asker.key, id, &*creator, 403, "Loop creator cannot remove themselves"),
            (&asker.key, id, &*creator.to_uppercase(), 403, "Loop creator cannot remove themselves"),
            (&asker.key, id, NOBODY, 404, "User is not a member of this loop"),
        ] {
            world.delete(&format!("/v1/api/loops/{it}/members/{user}")).key(key).await.refused(status, msg, &Value::Null);
        }
        assert_eq!(world.loop_seen(&asker.key, id).await.at("data.loop.active_count"), 2, "nobody was removed");
    }

    async fn contract_11_7_who_leaves_gives_back_what_they_had_claimed(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.act(&session, &request, "claim").await.accepted(200, "Request claimed");
        let path = format!("/v1/reviewer/loops/{}/leave", asker.loop_id);
        let left = world.post(&path).key(&session).await;
        left.accepted(200, "Left loop");
        assert_eq!(left.at("data.loop.id"), &json!(asker.loop_id));
        assert_eq!(world.request(&asker.key, &request).await.at("data.request.status"), "pending");
        assert_eq!(world.loop_events(&asker.loop_id).await.last().unwrap(), "loop.member_left");
        is_hidden(&world, &session, &request).await;
        world.post(&path).key(&session).await.refused(404, "Loop not found", &Value::Null);
        world.post("/v1/reviewer/loops/x/leave").key(&session).await.refused(400, "Invalid loop ID format", &Value::Null);
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
    }

    async fn contract_10_3_v20_without_its_creator_and_others_a_loop_has_nobody_to_ask(world: World) {
        let asker = world.asker().await;
        let requests = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        world.invite(&asker.key, &asker.loop_id, "invited@example.com").await;
        let leave = format!("/v1/reviewer/loops/{}/leave", asker.loop_id);
        world.post(&leave).key(&asker.session).await.accepted(200, "Left loop");
        let asked = world.post(&requests).key(&asker.key).json(&question()).await;
        assert_eq!((asked.status, asked.at("data.broadcasted_to")), (201, &json!(1)), "Ann is asked");
        world.post(&leave).key(&ann).await.accepted(200, "Left loop");
        let asked = world.post(&requests).key(&asker.key).json(&question()).await;
        asked.refused(400, "No active members found in the loop", &Value::Null);
        assert_eq!(world.get(&requests).key(&asker.key).await.at("data.total"), 1, "nothing was stored");

        world.join(&asker.session, &asker.code).await.accepted(200, "Joined loop");
        let asked = world.post(&requests).key(&asker.key).json(&question()).await;
        assert_eq!((asked.status, asked.at("data.broadcasted_to")), (201, &json!(1)));
        let members = world.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        assert_eq!(members.at("data.members.0.role"), "admin", "the creator stays the admin");
    }
}
