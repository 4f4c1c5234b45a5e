//! Whose turn it is where only so many can work at once: of those who wait, the call that came to the server first.
//!
//! A call that has several things to do waits for each of them. If those who wait were served as they began to wait, it would
//! stand behind all who came meanwhile, again and again, and the calls that do most would take many times as long as others.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::oneshot;

static NEXT: AtomicU64 = AtomicU64::new(0);

tokio::task_local! {
    /// The number of the call that this task works for.
    static CALL: u64;
}

fn draw() -> u64 {
    NEXT.fetch_add(1, Relaxed)
}

/// Does the work of a call that comes now. What it does on other tasks, and what no call asked for, comes when it begins to wait.
pub fn in_turn<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    CALL.scope(draw(), work)
}

/// The number of the call that this task works for.
pub fn call() -> Option<u64> {
    CALL.try_with(|call| *call).ok()
}

/// Does work for that call, on another task than its own.
pub async fn in_turn_of<T>(call: Option<u64>, work: impl Future<Output = T>) -> T {
    CALL.scope(call.unwrap_or_else(draw), work).await
}

/// Places for so many at once.
#[derive(Debug)]
pub struct Places(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// By call, then as they began to wait.
    waiting: BTreeMap<(u64, u64), oneshot::Sender<Place>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    /// `None` once it was passed on.
    of: Option<Arc<Places>>,
}

impl Places {
    /// So many, all free.
    pub fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free, waiting: BTreeMap::new() })))
    }

    /// Takes one if one is free: then nobody waits.
    pub fn take_free(self: &Arc<Self>) -> Option<Place> {
        self.of(&mut self.lock())
    }

    fn of(self: &Arc<Self>, state: &mut State) -> Option<Place> {
        state.free = state.free.checked_sub(1)?;
        Some(Place { of: Some(self.clone()) })
    }

    /// Takes one, when one is free and nobody who came earlier waits.
    pub async fn take(self: &Arc<Self>) -> Place {
        let place = {
            let mut state = self.lock();
            if let Some(place) = self.of(&mut state) {
                return place;
            }
            let (sender, place) = oneshot::channel();
            let order = draw();
            state.waiting.insert((call().unwrap_or(order), order), sender);
            place
        };
        place.await.expect("who waits is passed a place before it is forgotten")
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.lock().free
    }

    /// How many wait for one.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first who still waits, or nobody, and then the place is free.
    fn next(&self) -> Option<oneshot::Sender<Place>> {
        let mut state = self.lock();
        let next = state.waiting.pop_first().map(|(_, sender)| sender);
        if next.is_none() {
            state.free += 1;
        }
        next
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(places) = self.of.take() else { return };
        while let Some(next) = places.next() {
            match next.send(Self { of: Some(places.clone()) }) {
                Ok(()) => return,
                Err(mut unwanted) => unwanted.of = None, // it gave up waiting
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn the_call_that_came_first_is_served_first() {
        let (places, served) = (Places::new(1), Arc::new(Mutex::new(vec![])));
        let place = places.take().await;
        let call = |name: &'static str, rests: usize| {
            let (places, served) = (places.clone(), served.clone());
            tokio::spawn(in_turn(async move {
                for _ in 0..rests {
                    yield_now().await;
                }
                let _place = places.take().await;
                served.lock().unwrap().push(name);
            }))
        };
        let calls = [call("first, but waits last", 3), call("second", 1), call("third", 0)];
        for _ in 0..9 {
            yield_now().await;
        }
        drop(place);
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), ["first, but waits last", "second", "third"]);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_keeps_nobody_waiting() {
        let places = Places::new(1);
        let place = places.take().await;
        let mut gives_up = Box::pin(places.take());
        let mut gets_it_too_late = Box::pin(places.take());
        let mut stays = Box::pin(places.take());
        for waits in [&mut gives_up, &mut gets_it_too_late, &mut stays] {
            assert!(futures_util::poll!(waits).is_pending());
        }
        drop(gives_up);
        drop(place);
        drop(gets_it_too_late);
        drop(stays.await);
        assert_eq!(places.lock().free, 1);
    }
}
