//! Statements of one text go to Postgres together when many want them at once: one journey, one plan and one flush to disk for
//! all. The first goes alone and at once; those that come while it is under way wait until it is back, and then go as one. If
//! that fails each of them goes alone, so that nobody bears another's fault. If the connection was lost nobody knows whether it
//! was done, and each is told so.

use super::{
    Error, Result,
    postgres::Connections,
    postgres_tx::fetch,
    values::{Bound, many},
};
use crate::turns;
use sqlx::{Row, postgres::PgRow};
use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::oneshot::{self, error::RecvError},
    time::timeout,
};

/// How long a call waits for the statement that is under way. Then those who wait go beside it: what it does may be long, or it
/// waits itself for something that does not concern them.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many calls go together at most.
const MOST: usize = 64;
/// Bytes of values that go together at most, but for the first call's.
const BYTES: usize = 1024 * 1024;

/// The statements that are under way, and those that wait for them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Together(Arc<State>);

#[derive(Debug, Default)]
struct State {
    groups: Mutex<HashMap<Arc<str>, Group>>,
    /// How many calls went as one with others.
    together: AtomicU64,
}

/// Those of one text.
#[derive(Debug)]
struct Group {
    text: Arc<str>,
    /// The text for many; `None` if there is none.
    for_many: Option<Arc<str>>,
    under_way: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    values: Vec<Bound>,
    /// Whose turn it is waiting for.
    call: Option<u64>,
    outcome: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
enum Outcome {
    /// It is done.
    Done(Result<Vec<PgRow>>),
    /// It is not done: here are the values.
    GoAlone(Vec<Bound>),
}

enum Joined {
    Goes(Option<Turn>, Vec<Bound>),
    Waits(oneshot::Receiver<Outcome>),
}

/// One that is under way. The next go when it ends, however it does.
struct Turn {
    text: Arc<str>,
    connections: Connections,
}

impl Connections {
    /// Runs a statement, together with others of the same text if they are many; reads its rows.
    pub(super) async fn together(
        &self,
        text: Cow<'static, str>,
        values: Vec<Bound>,
        for_many: impl FnOnce(&[Bound]) -> Option<String>,
    ) -> Result<Vec<PgRow>> {
        let (turn, values) = match self.join(&text, values, for_many) {
            Joined::Goes(turn, values) => (turn, values),
            Joined::Waits(mut outcome) => match self.outcome(&text, &mut outcome).await {
                Ok(Outcome::Done(done)) => return done,
                Ok(Outcome::GoAlone(values)) => (None, values),
                Err(_) => return Err(Error::Unreachable("what went together was given up".into())),
            },
        };
        let rows = fetch(&mut self.lend().await?, text, values).await;
        drop(turn);
        rows
    }

    fn join(&self, text: &str, values: Vec<Bound>, for_many: impl FnOnce(&[Bound]) -> Option<String>) -> Joined {
        let mut groups = self.groups().lock();
        if !groups.contains_key(text) {
            let for_many = for_many(&values).map(Into::into);
            let text: Arc<str> = text.into();
            groups.insert(text.clone(), Group { text, for_many, under_way: 0, waiting: VecDeque::new() });
        }
        let group = groups.get_mut(text).expect("it is there now");
        if group.for_many.is_none() {
            return Joined::Goes(None, values);
        }
        if group.under_way == 0 {
            group.under_way = 1;
            return Joined::Goes(Some(Turn { text: group.text.clone(), connections: self.clone() }), values);
        }
        let (outcome, receiver) = oneshot::channel();
        group.waiting.push_back(Waiting { values, call: turns::call(), outcome });
        Joined::Waits(receiver)
    }

    /// What came of it for one who waits.
    async fn outcome(
        &self,
        text: &str,
        outcome: &mut oneshot::Receiver<Outcome>,
    ) -> std::result::Result<Outcome, RecvError> {
        if let Ok(outcome) = timeout(PATIENCE, &mut *outcome).await {
            return outcome;
        }
        let beside = self.groups().lock().get_mut(text).map(|group| {
            group.under_way += 1;
            Turn { text: group.text.clone(), connections: self.clone() }
        });
        drop(beside);
        outcome.await
    }

    /// Runs a statement for each of these calls, and tells them what came of it.
    async fn run_for_all(&self, text: &str, for_many: Arc<str>, mut calls: Vec<Waiting>) {
        if calls.len() == 1
            && let Some(only) = calls.pop()
        {
            let done = match self.lend().await {
                Ok(mut connection) => fetch(&mut connection, text.to_owned().into(), only.values).await,
                Err(error) => Err(error),
            };
            let _ = only.outcome.send(Outcome::Done(done));
            return;
        }
        match self.rows_of_all(&for_many, &calls).await {
            Ok(rows) => {
                self.groups().0.together.fetch_add(calls.len() as u64, Relaxed);
                for (call, rows) in calls.into_iter().zip(rows) {
                    let _ = call.outcome.send(Outcome::Done(Ok(rows)));
                }
            }
            Err(Error::Unreachable(cause)) => {
                for call in calls {
                    let error = Error::Unreachable(cause.to_string().into());
                    let _ = call.outcome.send(Outcome::Done(Err(error)));
                }
            }
            Err(error) => {
                tracing::debug!(%error, calls = calls.len(), "what failed together is tried alone");
                for call in calls {
                    let _ = call.outcome.send(Outcome::GoAlone(call.values));
                }
            }
        }
    }

    /// The rows of each call.
    async fn rows_of_all(&self, for_many: &str, calls: &[Waiting]) -> Result<Vec<Vec<PgRow>>> {
        let values = many(calls.iter().map(|call| call.values.as_slice()));
        let rows = fetch(&mut self.lend().await?, for_many.to_owned().into(), values).await?;
        let mut of_each: Vec<Vec<PgRow>> = calls.iter().map(|_| Vec::new()).collect();
        for row in rows {
            let place: i64 = row.try_get("place")?;
            // Nobody's where the statement has no rows to tell.
            if let Some(its) = usize::try_from(place - 1).ok().and_then(|place| of_each.get_mut(place)) {
                its.push(row);
            }
        }
        Ok(of_each)
    }
}

impl Together {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Group>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls went as one with others.
    pub(super) fn so_far(&self) -> u64 {
        self.0.together.load(Relaxed)
    }
}

impl Group {
    /// Those who go next; nobody if nobody waits.
    fn next(&mut self) -> Vec<Waiting> {
        let (mut calls, mut bytes) = (Vec::new(), 0);
        while calls.len() < MOST
            && bytes < BYTES
            && let Some(call) = self.waiting.pop_front()
        {
            if !call.outcome.is_closed() {
                bytes += call.values.iter().map(Bound::bytes).sum::<usize>();
                calls.push(call);
            }
        }
        calls
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut groups = self.connections.groups().lock();
        let Some(group) = groups.get_mut(&self.text) else { return };
        let (calls, runtime) = (group.next(), Handle::try_current());
        let (Some(for_many), Ok(runtime), false) = (group.for_many.clone(), runtime, calls.is_empty()) else {
            group.under_way -= 1;
            return;
        };
        drop(groups);
        let next = Self { text: self.text.clone(), connections: self.connections.clone() };
        let first = calls.iter().filter_map(|call| call.call).min();
        runtime.spawn(turns::in_turn_of(first, async move {
            next.connections.run_for_all(&next.text, for_many, calls).await;
            drop(next);
        }));
    }
}
