//! What one connection does over and over.

use crate::{connection::Connection, cycle::Cycle, drive::Times, now};
use anyhow::Context;

/// A unit of work.
pub(crate) enum Work {
    /// One request, taken from these in turn, with the status that its answer must have.
    Request(Vec<Vec<u8>>, u16),
    /// Several, one after another.
    Cycle(Cycle),
}

/// The question that is asked everywhere.
pub(crate) const QUESTION: &str = r#"{"processing_type":"time-sensitive","type":"markdown","priority":"high","request_text":"Please review this post before it goes out: **Autumn sale**, 20 % off until Sunday.","timeout_seconds":3600,"response_type":"single_select","response_config":{"options":[{"value":"approve","label":"Approve"},{"value":"reject","label":"Reject"}]},"default_response":"reject","platform":"api"}"#;
/// What is answered.
pub(crate) const ANSWER: &str = r#"{"response_data":"approve"}"#;
/// Where it is listed what waits.
pub(crate) const LIST: &str = "/v1/api/requests?status=pending&limit=10";

impl Work {
    /// How many requests a unit is made of.
    pub(crate) fn steps(&self) -> usize {
        if let Self::Cycle(cycle) = self { cycle.steps.len() } else { 1 }
    }

    /// What they are, where there are several.
    pub(crate) fn names(&self) -> Vec<&str> {
        if let Self::Cycle(cycle) = self { cycle.steps.iter().map(|step| step.name.as_str()).collect() } else { vec![] }
    }

    /// Does one unit; `turn` says which of the requests is next.
    pub(crate) async fn once(&self, connection: &mut Connection, turn: usize, times: &mut Times) -> anyhow::Result<()> {
        match self {
            Self::Request(requests, expected) => {
                let begun = now();
                connection.call(&requests[turn % requests.len()], *expected).await?;
                times[0].push(begun.elapsed());
                Ok(())
            }
            Self::Cycle(cycle) => cycle.once(connection, times).await.map(drop),
        }
    }
}

/// The first id in a body.
pub(crate) fn id_in(body: &str) -> anyhow::Result<&str> {
    let rest = body.split_once(r#""id":""#).map(|(_, rest)| rest);
    let id = rest.and_then(|rest| rest.split_once('"')).map(|(id, _)| id);
    id.with_context(|| format!("no id in the answer: {body}"))
}

/// How many there are in all, by a list.
pub(crate) fn total_in(body: &str) -> anyhow::Result<usize> {
    let list: serde_json::Value = serde_json::from_str(body)?;
    let total = list.pointer("/data/total").and_then(serde_json::Value::as_u64);
    Ok(total.with_context(|| format!("no total in the answer: {body}"))?.try_into()?)
}
