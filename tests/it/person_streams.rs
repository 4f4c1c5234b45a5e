//! What people hear as it happens in their loops (contract 16.2).

use crate::{
    harness::{on_both, question},
    listening::Events,
};
use serde_json::json;

const PATH: &str = "/v1/reviewer/events";

on_both! {
    async fn contract_16_2_people_hear_what_happens_in_their_loops(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        let mut stream = Events::open(&world, PATH, &ann, None).await;
        let mut outsider = Events::open(&world, PATH, &bob, None).await;
        assert_eq!((stream.status, &stream.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        stream.silent().await;
        let id = world.ask(&asker, &question()).await;
        let heard = stream.next().await.unwrap();
        let expected = json!({"event": "request.created", "event_id": heard.data["event_id"], "loop_id": asker.loop_id, "request_id": id, "status": "pending"});
        assert_eq!((heard.name.as_str(), &heard.data), ("request.created", &expected), "and nothing of what webhooks are told");
        world.act(&asker.session, &id, "claim").await.accepted(200, "Request claimed");
        world.respond(&asker.session, &id, json!("approve")).await.accepted(200, "Response submitted");
        assert_eq!(stream.names(2).await, ["request.claimed", "request.completed"]);
        outsider.silent().await;
        let mut again = Events::open(&world, PATH, &ann, Some(&heard.id)).await;
        let mut names = again.names(2).await;
        while !names.ends_with(&["request.completed".to_owned()]) {
            names.extend(again.names(1).await); // what was shortly before may be told again
        }
        assert!(names.ends_with(&["request.claimed".to_owned(), "request.completed".to_owned()]), "from where one was: {names:?}");
    }

    async fn contract_16_7_who_is_removed_hears_that_and_nothing_more(world: World) {
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        let mut stream = Events::open(&world, PATH, &session, None).await;
        stream.silent().await;
        let path = format!("/v1/api/loops/{}/members/{}", asker.loop_id, ann.id);
        world.delete(&path).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        assert_eq!(stream.names(1).await, ["loop.member_left"]);
        world.ask(&asker, &question()).await;
        stream.silent().await;
        world.join(&session, &asker.code).await.accepted(200, "Joined loop");
        assert_eq!(stream.names(1).await, ["loop.member_joined"]);
        world.ask(&asker, &question()).await;
        assert_eq!(stream.names(1).await, ["request.created"]);
    }

    async fn design_7_a_stream_ends_with_its_session(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("ann@example.com", &asker.code).await;
        let mut stream = Events::open(&world, PATH, &session, None).await;
        world.delete("/v1/reviewer/session").key(&session).await.accepted(200, "Signed out");
        world.ask(&asker, &question()).await;
        assert!(stream.rest().await.is_empty(), "nothing is told, and it ends");
        assert_eq!(world.get(PATH).key(&session).await.status, 401);
    }
}
