//! What polls were answered, kept until something that they show changes (design 3). Polls are most of what is asked, and most
//! of them find what the one before found.
//!
//! Only where one process writes nearly everything: on SQLite, in the process that serves. It forgets an answer before a commit
//! that may change it, and keeps none until that is over: there is no moment at which the file says something else. The other
//! process that writes is the command line. It lengthens a file beside the database when it has committed, before it says so,
//! and whoever looks here looks at that length first. What is done to the database with other tools is seen within a second.

use super::{Store, changes::Touched};
use crate::domain::{Account, Id, Loop, Request, Timestamp};
use bytes::Bytes;
use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// How long an answer is believed, in microseconds of the server's clock.
const BELIEVED: i64 = 1_000_000;
/// Bytes of answers that are kept; at more, all are forgotten.
const MOST: usize = 8 * 1024 * 1024;
/// What an answer takes besides its body, about.
const BESIDES: usize = 400;

/// What a poll was answered.
#[derive(Debug)]
pub struct Answer {
    /// Who may see it whatever else changes: who made the request, and whose its loop is.
    pub owners: [Id<Account>; 2],
    /// The loop it was put to.
    pub loop_id: Id<Loop>,
    /// When it was read.
    pub read_at: Timestamp,
    /// When the clock ends it or frees it, if nobody else does before.
    pub due_at: Option<Timestamp>,
    /// The body.
    pub body: Bytes,
    /// Its tag, in quotes.
    pub tag: Bytes,
}

/// The answers that a process keeps, if it does. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Polls(Arc<Place>);

#[derive(Debug)]
struct Place {
    /// The file that others lengthen.
    others: PathBuf,
    memory: OnceLock<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// Locked as long as the process keeps answers, so that only one does.
    _lock: File,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Id<Request>, Arc<Answer>>,
    bytes: usize,
    /// Being changed, and by how many.
    changing: HashMap<Id<Request>, usize>,
    /// How many change who knows what.
    changing_anything: usize,
    /// How often a change began or ended, or all was forgotten.
    forgotten: u64,
    /// How long the file of the others was.
    others: u64,
}

/// Whoever reads to keep it says first that it will.
#[derive(Clone, Copy, Debug)]
pub struct Look(u64);

impl Polls {
    pub(super) fn of(database: &Path) -> Self {
        let mut others = OsString::from(database);
        others.push("-others");
        Self(Arc::new(Place { others: others.into(), memory: OnceLock::new() }))
    }

    /// Whether a process keeps answers: a server runs.
    fn are_kept(&self) -> bool {
        let tried = File::open(&self.0.others).map(|file| file.try_lock());
        matches!(tried, Ok(Err(TryLockError::WouldBlock)))
    }

    /// From now on this process keeps answers, unless another does.
    fn begin(&self) -> io::Result<()> {
        let lock = OpenOptions::new().create(true).append(true).open(&self.0.others)?;
        lock.try_lock()?;
        lock.set_len(0)?;
        let _ = self.0.memory.set(Memory { _lock: lock, kept: Mutex::default() });
        Ok(())
    }

    /// The answer, if it would be the same now.
    pub fn find(&self, id: Id<Request>, now: Timestamp) -> Option<Arc<Answer>> {
        let mut kept = self.current()?;
        let answer = kept.answers.get(&id)?.clone();
        let fresh = (0..BELIEVED).contains(&now.micros_since(answer.read_at));
        if fresh && answer.due_at.is_none_or(|at| now < at) {
            return Some(answer);
        }
        kept.forget(id);
        None
    }

    /// To be called before reading what will be kept; `None` where nothing is.
    pub fn look(&self) -> Option<Look> {
        Some(Look(self.current()?.forgotten))
    }

    /// Keeps an answer that was read after the look, unless anything was changed since.
    pub fn keep(&self, look: Look, id: Id<Request>, answer: Answer) {
        let Some(mut kept) = self.current() else { return };
        if kept.forgotten != look.0 || kept.changing_anything > 0 || kept.changing.contains_key(&id) {
            return;
        }
        kept.forget(id);
        kept.bytes += answer.body.len() + BESIDES;
        kept.answers.insert(id, answer.into());
        if kept.bytes > MOST {
            kept.forget_all();
        }
    }

    /// What is kept, after a look at what others did.
    fn current(&self) -> Option<MutexGuard<'_, Kept>> {
        let memory = self.0.memory.get()?;
        let length = fs::metadata(&self.0.others).ok()?.len();
        let mut kept = memory.lock();
        if kept.others != length {
            kept.others = length;
            kept.forget_all();
        }
        Some(kept)
    }

    /// Whether anything is kept here.
    pub(super) fn begin_change(&self, touched: Touched, ids: &[Id<Request>]) -> bool {
        let Some(memory) = self.0.memory.get() else { return false };
        let mut kept = memory.lock();
        kept.forgotten += 1;
        if touched == Touched::Anything {
            kept.changing_anything += 1;
            kept.forget_all();
            return true;
        }
        for id in ids {
            *kept.changing.entry(*id).or_default() += 1;
            kept.forget(*id);
        }
        true
    }

    pub(super) fn end_change(&self, touched: Touched, ids: &[Id<Request>]) {
        let Some(memory) = self.0.memory.get() else { return };
        let mut kept = memory.lock();
        kept.forgotten += 1; // what was read meanwhile may be from before
        if touched == Touched::Anything {
            kept.changing_anything -= 1;
            return;
        }
        for id in ids {
            if let Some(changing) = kept.changing.get_mut(id) {
                *changing -= 1;
                if *changing == 0 {
                    kept.changing.remove(id);
                }
            }
        }
    }

    /// Tells the process that keeps answers, if there is one, of a commit of this one.
    pub(super) fn tell(&self) {
        let told = OpenOptions::new().append(true).open(&self.0.others).and_then(|mut file| file.write_all(b"."));
        if let Err(error) = told
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the server was not told of a change and sees it within a second");
        }
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, id: Id<Request>) {
        if let Some(answer) = self.answers.remove(&id) {
            self.bytes -= answer.body.len() + BESIDES;
        }
    }

    fn forget_all(&mut self) {
        self.forgotten += 1;
        self.answers.clear();
        self.bytes = 0;
    }
}

impl Store {
    /// Whether a server works with the database; `None` where that cannot be told, on Postgres.
    pub fn is_served(&self) -> Option<bool> {
        self.polls().map(Polls::are_kept)
    }

    /// Has this process keep answers to polls, where it may and nobody else does.
    pub fn keep_polls(&self) {
        if let Some(polls) = self.polls()
            && let Err(error) = polls.begin()
        {
            tracing::info!(%error, "answers to polls are not kept in memory");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65f1234567890abcdef12345";

    fn now() -> Timestamp {
        Timestamp::from_micros(1_710_498_600_000_000)
    }

    fn answer(bytes: usize) -> Answer {
        let owner = ID.parse().unwrap();
        Answer {
            owners: [owner, owner],
            loop_id: ID.parse().unwrap(),
            read_at: now(),
            due_at: None,
            body: vec![b' '; bytes].into(),
            tag: Bytes::new(),
        }
    }

    fn polls() -> (Polls, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let polls = Polls::of(&folder.path().join("test.db"));
        polls.begin().unwrap();
        (polls, folder)
    }

    #[test]
    fn what_is_read_before_a_change_is_over_is_not_kept() {
        let (polls, _folder) = polls();
        let id: Id<Request> = ID.parse().unwrap();
        for touched in [Touched::Requests, Touched::Anything] {
            let look = polls.look().unwrap();
            polls.begin_change(touched, &[id]);
            polls.keep(look, id, answer(1));
            let meanwhile = polls.look().unwrap();
            polls.keep(meanwhile, id, answer(1));
            assert!(polls.find(id, now()).is_none(), "it is being changed");
            polls.end_change(touched, &[id]);
            for look in [look, meanwhile] {
                polls.keep(look, id, answer(1));
                assert!(polls.find(id, now()).is_none(), "it was read before");
            }
            polls.keep(polls.look().unwrap(), id, answer(1));
            assert!(polls.find(id, now()).is_some());
        }
    }

    #[test]
    fn only_one_process_keeps_answers_and_hears_of_the_others_commits() {
        let (polls, folder) = polls();
        let other = Polls::of(&folder.path().join("test.db"));
        assert!(other.begin().is_err() && other.look().is_none());
        let id: Id<Request> = ID.parse().unwrap();
        polls.keep(polls.look().unwrap(), id, answer(1));
        assert!(polls.find(id, now()).is_some());
        other.tell();
        assert!(polls.find(id, now()).is_none());
    }

    #[test]
    fn an_answer_is_believed_for_a_second_and_until_it_is_due() {
        let (polls, _folder) = polls();
        let id: Id<Request> = ID.parse().unwrap();
        let after = |micros| Timestamp::from_micros(now().micros() + micros);
        polls.keep(polls.look().unwrap(), id, answer(1));
        assert!(polls.find(id, after(999_999)).is_some() && polls.find(id, after(1_000_000)).is_none());
        polls.keep(polls.look().unwrap(), id, Answer { due_at: Some(after(10)), ..answer(1) });
        assert!(polls.find(id, after(9)).is_some() && polls.find(id, after(10)).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (polls, _folder) = polls();
        for number in 0..100_u32 {
            let id = format!("{number:024x}").parse().unwrap();
            polls.keep(polls.look().unwrap(), id, answer(MOST / 10));
            assert!(polls.current().unwrap().bytes <= MOST);
        }
        assert!(polls.current().unwrap().answers.len() < 10);
    }
}
