//! Setting how people are notified, and seeing who was: what the tests of notifications share.

use crate::{
    asking::show,
    harness::{Answer, Asker, World},
};
use hitl_server::{domain::Account, store::Db};
use serde_json::{Value, json};

/// Changes how somebody is notified.
pub(crate) async fn prefer(world: &World, session: &str, body: &Value) -> Answer {
    world.put("/v1/reviewer/notification-settings").key(session).json(body).await
}

/// The same, which succeeds.
pub(crate) async fn preferring(world: &World, session: &str, body: &Value) {
    prefer(world, session, body).await.accepted(200, "Notification settings updated");
}

/// What a request says of somebody who was to be told: whether they were, and why not.
pub(crate) async fn told(world: &World, asker: &Asker, id: &str, who: &Account) -> (bool, Value) {
    let shown = show(world, asker, id).await;
    let list = shown.at("data.request.broadcasted_to").as_array().unwrap().clone();
    let person = list.into_iter().find(|it| it["user_id"] == json!(who.id)).unwrap();
    (person["notification_sent"].as_bool().unwrap(), person["notification_error"].clone())
}

/// How many deliveries of any kind there are.
pub(crate) async fn queued(world: &World) -> i64 {
    let (count,): (i64,) = (&world.app.store).sql("select count(*) from deliveries").one().await.unwrap();
    count
}
