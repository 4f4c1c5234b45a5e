//! A cycle: calls one after another, where what one answers is part of the next. Ours, the floor's, and those that adapters tell.

use crate::{
    connection::{Connection, fields},
    drive::Times,
    hitl::Person,
    now,
    template::{Taken, Template},
    work::{ANSWER, LIST, QUESTION, id_in},
};
use anyhow::{Context, ensure};
use serde_json::Value;

/// The calls, and what is known before the first.
pub(crate) struct Cycle {
    pub(crate) steps: Vec<Step>,
    pub(crate) known: Taken,
}

/// One call.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) request: Template,
    /// The statuses that its answer may have.
    pub(crate) expected: Vec<u16>,
    pub(crate) look: Look,
}

/// What is looked for in an answer.
pub(crate) enum Look {
    Nothing,
    /// The first `id` that stands in it.
    Id,
    /// This text, which must stand in it.
    Text(&'static str),
    /// Of JSON, by pointers: what is taken under which names, and what must be there.
    Json {
        take: Vec<(String, String)>,
        holds: Vec<(String, Value)>,
    },
}

impl Cycle {
    /// Of our server: create → list pending → respond → read.
    pub(crate) fn ours(person: &Person) -> Self {
        let mut steps = Self::ours_with_a_claim(person).steps;
        let list =
            Step::new("list pending", Template::new("GET", LIST, &fields(&person.key), None), 200, Look::Nothing);
        steps[1] = list;
        Self { steps, known: Taken::new() }
    }

    /// Of our server: create → claim → respond → read.
    pub(crate) fn ours_with_a_claim(person: &Person) -> Self {
        let post = |path: &str, token: &str, body: &str| Template::new("POST", path, &json_fields(token), Some(body));
        let create = post(&format!("/v1/api/loops/{}/requests", person.loop_id), &person.key, QUESTION);
        let claim = post("/v1/reviewer/requests/{id}/claim", &person.session, "");
        let respond = post("/v1/reviewer/requests/{id}/respond", &person.session, ANSWER);
        let read = Template::new("GET", "/v1/api/requests/{id}", &fields(&person.key), None);
        let steps = vec![
            Step::new("create", create, 201, Look::Id),
            Step::new("claim", claim, 200, Look::Nothing),
            Step::new("respond", respond, 200, Look::Nothing),
            Step::new("read", read, 200, Look::Text(r#""status":"completed""#)),
        ];
        Self { steps, known: Taken::new() }
    }

    /// Of the floor: insert → the newest ten → update → select.
    pub(crate) fn floors() -> Self {
        let mut steps = Self::floors_with_a_claim().steps;
        steps[1] = Step::new("newest ten", Template::new("GET", "/rows", &fields(""), None), 200, Look::Nothing);
        Self { steps, known: Taken::new() }
    }

    /// Of the floor: insert → update → update → select.
    pub(crate) fn floors_with_a_claim() -> Self {
        let post = |path: &str, body: &str| Template::new("POST", path, &json_fields(""), Some(body));
        let read = Template::new("GET", "/rows/{id}", &fields(""), None);
        let steps = vec![
            Step::new("insert", post("/rows", QUESTION), 201, Look::Id),
            Step::new("update", post("/rows/{id}/claim", ""), 200, Look::Nothing),
            Step::new("update", post("/rows/{id}", ANSWER), 200, Look::Nothing),
            Step::new("select", read, 200, Look::Text(r#""completed""#)),
        ];
        Self { steps, known: Taken::new() }
    }

    /// Does it once; what is known then.
    pub(crate) async fn once(&self, connection: &mut Connection, times: &mut Times) -> anyhow::Result<Taken> {
        let mut taken = self.known.clone();
        for (step, times) in self.steps.iter().zip(times) {
            let request = step.request.filled(&taken)?;
            let begun = now();
            let body = connection.call_for(&request, &step.expected).await.with_context(|| step.name.clone())?;
            times.push(begun.elapsed());
            step.look.at(body, &mut taken).with_context(|| format!("{} was answered with {body}", step.name))?;
        }
        Ok(taken)
    }
}

impl Step {
    fn new(name: &str, request: Template, expected: u16, look: Look) -> Self {
        Self { name: name.to_owned(), request, expected: vec![expected], look }
    }
}

impl Look {
    fn at(&self, body: &str, taken: &mut Taken) -> anyhow::Result<()> {
        match self {
            Self::Nothing => {}
            Self::Id => taken.push(("id".to_owned(), id_in(body)?.to_owned())),
            Self::Text(text) => ensure!(body.contains(text), "no {text} in it"),
            Self::Json { take, holds } if take.is_empty() && holds.is_empty() => {}
            Self::Json { take, holds } => {
                let body: Value = serde_json::from_str(body).context("not JSON")?;
                for (name, pointer) in take {
                    let found = body.pointer(pointer).with_context(|| format!("no {pointer} in it"))?;
                    taken.push((name.clone(), found.as_str().map_or_else(|| found.to_string(), str::to_owned)));
                }
                for (pointer, value) in holds {
                    ensure!(body.pointer(pointer) == Some(value), "{pointer} is not {value}");
                }
            }
        }
        Ok(())
    }
}

fn json_fields(token: &str) -> String {
    fields(token) + "Content-Type: application/json\r\n"
}
