//! How soon the first attempt comes where an account has many receivers, and one of them hangs.

use crate::{
    answers::Stage, connection::Connection, deliveries::FIRST_ATTEMPT, figures::Figure, now, receiver::Receiver,
    work::id_in,
};
use anyhow::Context;
use std::{collections::HashMap, time::Duration};

/// Receivers, with the one that hangs.
const ENDPOINTS: usize = 100;
/// Events, each to all of them, and the time between them.
const EVENTS: usize = 50;
const BETWEEN: Duration = Duration::from_millis(200);

const CREATED: &str = "request.created";

/// Measures it.
pub(crate) async fn measure(stage: &Stage<'_>) -> anyhow::Result<(String, Vec<Figure>)> {
    let mut receiver = Receiver::open(ENDPOINTS - 1).await?;
    let address = stage.server.address;
    for url in receiver.urls.iter().chain([&receiver.hanging]) {
        stage.person.hook(address, url, CREATED).await?;
    }
    let mut connection = Connection::open(address).await?;
    let question = stage.person.question();
    let mut pace = tokio::time::interval(BETWEEN);
    let mut asked = HashMap::new();
    for _ in 0..EVENTS {
        pace.tick().await;
        let sent = now();
        let id = id_in(connection.call(&question, 201).await?)?.to_owned();
        asked.insert(id, (sent, now()));
    }
    let (mut from_call, mut from_answer) = (Vec::new(), Vec::new());
    for arrival in receiver.await_arrivals(CREATED, EVENTS * (ENDPOINTS - 1)).await? {
        let (sent, answered) = asked.get(&arrival.request_id).context("a delivery of something else arrived")?;
        from_call.push(arrival.at.duration_since(*sent));
        from_answer.push(arrival.at.saturating_duration_since(*answered));
    }
    let from_call = Figure::latencies("first attempt, from the call", FIRST_ATTEMPT, from_call);
    let from_answer = Figure::latencies("first attempt, from its answer", FIRST_ATTEMPT, from_answer);
    let per_second = 1000 / BETWEEN.as_millis();
    let title = format!("{ENDPOINTS} receivers, one hangs, {per_second} events/s to each");
    Ok((title, from_call.into_iter().chain(from_answer).collect()))
}
