//! What one connection does over and over.

use crate::{
    connection::{Connection, get},
    drive::Times,
    hitl::Person,
    now,
};
use anyhow::{Context, ensure};

/// A unit of work.
pub(crate) enum Work {
    /// One request, taken from these in turn, with the status that its answer must have.
    Request(Vec<Vec<u8>>, u16),
    /// create → list pending → respond → read.
    Cycle { person: Person, create: Vec<u8>, list: Vec<u8> },
}

/// The question that is asked everywhere.
pub(crate) const QUESTION: &str = r#"{"processing_type":"time-sensitive","type":"markdown","priority":"high","request_text":"Please review this post before it goes out: **Autumn sale**, 20 % off until Sunday.","timeout_seconds":3600,"response_type":"single_select","response_config":{"options":[{"value":"approve","label":"Approve"},{"value":"reject","label":"Reject"}]},"default_response":"reject","platform":"api"}"#;
/// What is answered.
pub(crate) const ANSWER: &str = r#"{"response_data":"approve"}"#;

/// The requests of a cycle, in order.
pub(crate) const STEPS: [&str; 4] = ["create", "list pending", "respond", "read"];

impl Work {
    /// Asks, lists, answers and reads.
    pub(crate) fn cycle(person: Person) -> Self {
        let list = get("/v1/api/requests?status=pending&limit=10", &person.key);
        Self::Cycle { create: person.question(), list, person }
    }

    /// How many requests a unit is made of.
    pub(crate) fn steps(&self) -> usize {
        if let Self::Cycle { .. } = self { STEPS.len() } else { 1 }
    }

    /// Does one unit; `turn` says which of the requests is next.
    pub(crate) async fn once(&self, connection: &mut Connection, turn: usize, times: &mut Times) -> anyhow::Result<()> {
        match self {
            Self::Request(requests, expected) => {
                let begun = now();
                connection.call(&requests[turn % requests.len()], *expected).await?;
                times[0].push(begun.elapsed());
            }
            Self::Cycle { person, create, list } => {
                let begun = now();
                let id = id_in(connection.call(create, 201).await?)?.to_owned();
                times[0].push(begun.elapsed());

                let begun = now();
                connection.call(list, 200).await?;
                times[1].push(begun.elapsed());

                let respond = person.answer(&id);
                let begun = now();
                connection.call(&respond, 200).await?;
                times[2].push(begun.elapsed());

                let read = get(&format!("/v1/api/requests/{id}"), &person.key);
                let begun = now();
                let body = connection.call(&read, 200).await?;
                times[3].push(begun.elapsed());
                ensure!(body.contains(r#""status":"completed""#), "an answer was accepted and is not there: {body}");
            }
        }
        Ok(())
    }
}

/// The first id in a body.
pub(crate) fn id_in(body: &str) -> anyhow::Result<&str> {
    let rest = body.split_once(r#""id":""#).map(|(_, rest)| rest);
    let id = rest.and_then(|rest| rest.split_once('"')).map(|(id, _)| id);
    id.with_context(|| format!("no id in the answer: {body}"))
}
