//! What a change may change of what polls show, and that nothing of it is kept while it is under way (see `polls`).

use super::Store;
use crate::domain::{Id, Request};

/// What a change may change of what polls show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touched {
    /// Nothing.
    #[default]
    Nothing,
    /// Requests that were there before.
    Requests,
    /// Who knows.
    Anything,
}

/// Tables of which no answer to a poll shows anything.
const NOT_SHOWN: [&str; 16] = [
    "api_keys",
    "attempts",
    "deliveries",
    "devices",
    "drafts",
    "events",
    "idempotency_keys",
    "members",
    "notification_preferences",
    "omissions",
    "push_keys",
    "reset_links",
    "sessions",
    "setup_links",
    "webhooks",
    "windows",
];

impl Touched {
    /// By a statement that begins like this.
    pub(super) fn by(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let table = match words.next() {
            Some("select") => return Self::Nothing,
            Some("update") => words.next(),
            Some("insert") if words.clone().nth(1) == Some("requests") => return Self::Nothing, // nobody was told of it before
            Some("insert" | "delete") => words.nth(1),
            _ => None,
        };
        match table {
            Some("requests" | "feedback") => Self::Requests,
            Some(table) if NOT_SHOWN.contains(&table) => Self::Nothing,
            _ => Self::Anything,
        }
    }
}

/// A change under way: until it is over, what it may change is not kept.
pub(super) struct Changing {
    store: Store,
    touched: Touched,
    ids: Vec<Id<Request>>,
    /// Here, or by the process that others tell.
    kept_here: bool,
    over: bool,
}

impl Changing {
    /// To be called before the commit. A change of requests that does not say of which may be one of any.
    pub(super) fn begin(store: &Store, touched: Touched, ids: impl Iterator<Item = Id<Request>>) -> Option<Self> {
        let polls = store.polls().filter(|_| touched != Touched::Nothing)?;
        let ids: Vec<_> = ids.collect();
        let touched = if ids.is_empty() { Touched::Anything } else { touched };
        let kept_here = polls.begin_change(touched, &ids);
        Some(Self { store: store.clone(), touched, ids, kept_here, over: false })
    }

    /// The commit is over, well or not.
    pub(super) fn end(mut self) {
        self.over = true;
        match self.store.polls() {
            Some(polls) if self.kept_here => polls.end_change(self.touched, &self.ids),
            Some(polls) => polls.tell(),
            None => {}
        }
    }
}

impl Drop for Changing {
    /// Nobody waited for the commit, which may yet come: once those of now have come, it is over.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (store, ids) = (self.store.clone(), std::mem::take(&mut self.ids));
        let unheard = Self { store, touched: self.touched, ids, kept_here: self.kept_here, over: true };
        runtime.spawn(async move {
            let _ = unheard.store.catch_up().await;
            unheard.end();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_what_it_touches() {
        for (text, touched) in [
            ("select * from requests", Touched::Nothing),
            ("update requests set status = $1", Touched::Requests),
            ("insert into requests (id)", Touched::Nothing),
            ("insert into feedback (id)", Touched::Requests),
            ("delete from loops where id = $1", Touched::Anything),
            ("update\n    accounts set name = $2", Touched::Anything),
            ("insert into events (id)", Touched::Nothing),
            ("with some as (update requests", Touched::Anything),
        ] {
            assert_eq!(Touched::by(text), touched, "{text}");
        }
    }
}
