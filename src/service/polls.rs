//! Answering a poll from memory: whoever may see a request whatever else changes gets what the poll before got, as long as
//! that is what the store would say (see [`store::polls`](crate::store::polls)).

use super::Caller;
use crate::{
    app::App,
    domain::{Id, Request},
    store::polls::{Answer, Look},
};
use bytes::Bytes;
use std::sync::Arc;

/// The answer, if it is known and the caller may see it by owning the request or its loop. Members are looked up.
pub fn known(app: &App, caller: &Caller, id: Id<Request>) -> Option<Arc<Answer>> {
    let answer = app.store.polls()?.find(id, app.now())?;
    let reaches = caller.confined_to().is_none_or(|loops| loops.contains(&answer.loop_id));
    (reaches && answer.owners.contains(&caller.account_id())).then_some(answer)
}

/// An answer that may be kept when it is written.
pub struct Keeping {
    app: App,
    look: Look,
    id: Id<Request>,
    answer: Answer,
}

/// To be called before the request is read.
pub fn look(app: &App) -> Option<Look> {
    app.store.polls()?.look()
}

impl Keeping {
    /// The answer that shows this request.
    pub fn new(app: &App, look: Option<Look>, it: &Request) -> Option<Self> {
        let answer = Answer {
            owners: [it.creator_id, it.loop_creator_id],
            loop_id: it.loop_id,
            read_at: app.now(),
            due_at: it.due_at(),
            body: Bytes::new(),
            tag: Bytes::new(),
        };
        Some(Self { app: app.clone(), look: look?, id: it.id, answer })
    }

    /// Keeps it.
    pub fn keep(self, body: Bytes, tag: Bytes) {
        if let Some(polls) = self.app.store.polls() {
            polls.keep(self.look, self.id, Answer { body, tag, ..self.answer });
        }
    }
}
