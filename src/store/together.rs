//! Statements of one text go to Postgres together when many want them at once: one journey, one plan and one flush to disk for
//! all. The first goes alone and at once; those that come while it is under way wait until it is back, and then go as one. If
//! that fails each of them goes alone, so that nobody bears another's fault. If the connection was lost nobody knows whether it
//! was done, and each is told so.

use super::{
    Cause, Error, Result,
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

/// Those of one text; of a statement that only equal calls share, those of equal values too.
#[derive(Debug)]
struct Group {
    /// What it is found by.
    key: Arc<str>,
    text: Arc<str>,
    /// The text for many; `None` if there is none.
    for_many: Option<Arc<str>>,
    sharing: Sharing,
    /// The number of the turn that is under way and that the others wait for.
    turn: Option<u64>,
    turns: u64,
    waiting: VecDeque<Waiting>,
}

/// What calls with equal values may share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sharing {
    /// Nothing: each changes something.
    Nothing,
    /// What is found: it is looked up once.
    Equal,
    /// The same, and nobody else goes along, because it may be much that is looked up.
    OnlyEqual,
}

/// What a statement found.
type Rows = Arc<Vec<PgRow>>;

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
    Done(Result<Rows>),
    /// It is not done: here are the values.
    GoAlone(Vec<Bound>),
}

enum Joined {
    Goes(Option<Turn>, Vec<Bound>),
    Waits(oneshot::Receiver<Outcome>),
}

/// What is under way. When it ends, however it does, those go who wait for it.
struct Turn {
    key: Arc<str>,
    number: u64,
    connections: Connections,
}

impl Connections {
    /// Runs a statement, together with others of the same text if they are many; reads its rows.
    pub(super) async fn together(
        &self,
        text: Cow<'static, str>,
        values: Vec<Bound>,
        sharing: Sharing,
        for_many: impl FnOnce(&str, &[Bound]) -> Option<String>,
    ) -> Result<Rows> {
        let key = match sharing {
            Sharing::OnlyEqual => format!("{text} {values:?}").into(),
            Sharing::Nothing | Sharing::Equal => text.clone(),
        };
        let (turn, values) = match self.join(&key, &text, values, sharing, for_many) {
            Joined::Goes(turn, values) => (turn, values),
            Joined::Waits(mut outcome) => match self.outcome(&key, &mut outcome).await {
                Ok(Outcome::Done(done)) => return done,
                Ok(Outcome::GoAlone(values)) => (None, values),
                Err(_) => return Err(Error::Unreachable("what went together was given up".into())),
            },
        };
        let rows = self.alone(text, values).await;
        drop(turn);
        rows
    }

    async fn alone(&self, text: Cow<'static, str>, values: Vec<Bound>) -> Result<Rows> {
        Ok(fetch(&mut self.lend().await?, text, values).await?.into())
    }

    fn join(
        &self,
        key: &str,
        text: &str,
        values: Vec<Bound>,
        sharing: Sharing,
        for_many: impl FnOnce(&str, &[Bound]) -> Option<String>,
    ) -> Joined {
        let mut groups = self.groups().lock();
        if !groups.contains_key(key) {
            let (for_many, key): (_, Arc<str>) = (for_many(text, &values).map(Into::into), key.into());
            let text = if text.len() == key.len() { key.clone() } else { text.into() };
            let waiting = VecDeque::new();
            groups.insert(key.clone(), Group { key, text, for_many, sharing, turn: None, turns: 0, waiting });
        }
        let group = groups.get_mut(key).expect("it is there now");
        if group.for_many.is_none() {
            return Joined::Goes(None, values);
        }
        if group.turn.is_none() {
            return Joined::Goes(Some(group.begin(self)), values);
        }
        let (outcome, receiver) = oneshot::channel();
        group.waiting.push_back(Waiting { values, call: turns::call(), outcome });
        Joined::Waits(receiver)
    }

    /// What came of it for one who waits; not for long for what is under way before.
    async fn outcome(
        &self,
        key: &str,
        outcome: &mut oneshot::Receiver<Outcome>,
    ) -> std::result::Result<Outcome, RecvError> {
        if let Ok(outcome) = timeout(PATIENCE, &mut *outcome).await {
            return outcome;
        }
        self.go_on(key, None);
        outcome.await
    }

    /// Those go who wait: for that turn, or for whichever is under way.
    fn go_on(&self, key: &str, after: Option<u64>) {
        let mut groups = self.groups().lock();
        let Some(group) = groups.get_mut(key) else { return };
        if after.is_some() && after != group.turn {
            return; // nobody waits for it any longer
        }
        group.turn = None;
        let (calls, runtime) = (group.next(), Handle::try_current());
        if calls.is_empty() && group.sharing == Sharing::OnlyEqual {
            groups.remove(key); // of values there is no end
            return;
        }
        let (Some(for_many), Ok(runtime), false) = (group.for_many.clone(), runtime, calls.is_empty()) else { return };
        let (turn, sharing, text) = (group.begin(self), group.sharing, group.text.clone());
        drop(groups);
        let first = calls.iter().filter_map(|call| call.call).min();
        runtime.spawn(turns::in_turn_of(first, async move {
            match sharing {
                Sharing::OnlyEqual => turn.connections.run_once(&text, calls).await,
                _ => turn.connections.run_for_all(&text, &for_many, sharing, calls).await,
            }
            drop(turn);
        }));
    }

    /// Runs a statement once, for calls that are equal.
    async fn run_once(&self, text: &str, mut calls: Vec<Waiting>) {
        let Some(first) = calls.pop() else { return };
        let done = self.alone(text.to_owned().into(), first.values).await;
        if !calls.is_empty() {
            self.groups().0.together.fetch_add(calls.len() as u64 + 1, Relaxed);
        }
        for call in calls {
            let _ = call.outcome.send(match &done {
                Ok(rows) => Outcome::Done(Ok(rows.clone())),
                Err(_) => Outcome::GoAlone(call.values),
            });
        }
        let _ = first.outcome.send(Outcome::Done(done));
    }

    /// Runs a statement for each of these calls, and tells them what came of it.
    async fn run_for_all(&self, text: &str, for_many: &str, sharing: Sharing, calls: Vec<Waiting>) {
        if calls.len() == 1 {
            return self.run_once(text, calls).await;
        }
        match self.rows_of_all(for_many, sharing, &calls).await {
            Ok(rows) => {
                self.groups().0.together.fetch_add(calls.len() as u64, Relaxed);
                for (call, rows) in calls.into_iter().zip(rows) {
                    let _ = call.outcome.send(Outcome::Done(Ok(rows)));
                }
            }
            Err(Error::Unreachable(cause)) if !is_undone(&cause) => {
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
    async fn rows_of_all(&self, for_many: &str, sharing: Sharing, calls: &[Waiting]) -> Result<Vec<Rows>> {
        let mut asked: Vec<&[Bound]> = Vec::new();
        let mut places = Vec::new();
        for call in calls {
            let equal = asked.iter().position(|other| sharing != Sharing::Nothing && *other == call.values);
            places.push(equal.unwrap_or(asked.len()));
            if equal.is_none() {
                asked.push(&call.values);
            }
        }
        let rows = fetch(&mut self.lend().await?, for_many.to_owned().into(), many(asked.iter().copied())).await?;
        let mut of_each: Vec<Vec<PgRow>> = asked.iter().map(|_| Vec::new()).collect();
        for row in rows {
            let place: i64 = row.try_get("place")?;
            // Nobody's where the statement has no rows to tell.
            if let Some(its) = usize::try_from(place - 1).ok().and_then(|place| of_each.get_mut(place)) {
                its.push(row);
            }
        }
        let of_each: Vec<Rows> = of_each.into_iter().map(Arc::new).collect();
        Ok(places.into_iter().map(|place| of_each[place].clone()).collect())
    }
}

/// Whether the database itself says why not: then it has undone it.
fn is_undone(cause: &Cause) -> bool {
    matches!(cause.downcast_ref(), Some(sqlx::Error::Database(error)) if error.code().is_some_and(|code| !code.starts_with("57P")))
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
    fn begin(&mut self, connections: &Connections) -> Turn {
        self.turns += 1;
        self.turn = Some(self.turns);
        Turn { key: self.key.clone(), number: self.turns, connections: connections.clone() }
    }

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
        self.connections.go_on(&self.key, Some(self.number));
    }
}
