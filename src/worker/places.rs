//! Who is being sent to, and how many attempts to each may be under way in this process. Knows no delivery.
//!
//! While half of the places are free, each receiver may have its [`EACH`], however slow it is. The other half is for those that
//! keep nobody waiting: a receiver whose latest attempt ended within a second goes on having as many, and any other gets one at
//! a time, until one of its attempts ends quickly. And as thousands may hang, one place each, those known to be slow never
//! have more than three quarters together: who is new always finds one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Deliveries of one receiver that may be under way.
const EACH: usize = 16;
/// With so many under way a receiver has no room for a batch.
const NO_BATCH: usize = 9;
/// Deliveries of one receiver leased at a time, while so many of its places are free.
pub(super) const BATCH_EACH: i64 = 8;
/// Deliveries that may be under way in all. Each takes a socket, and a process may often have no more than 1024 of those.
const MOST: usize = 512;
/// From so many on places are scarce.
const SCARCE: usize = MOST / 2;
/// What the slow ones may have together.
const SLOW_MOST: usize = MOST / 4 * 3;
/// An attempt that takes longer is slow.
const QUICK: Duration = Duration::from_secs(1);
/// How long it is remembered whether a receiver was quick.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Who is being sent to.
#[derive(Default)]
pub(super) struct Places {
    receivers: Mutex<Receivers>,
    freed: Notify,
}

/// What may be leased.
#[derive(Debug)]
pub(super) struct Room {
    /// Receivers that get nothing now.
    pub(super) busy: Vec<String>,
    /// How much any other gets.
    pub(super) each: i64,
    /// How much all get together.
    pub(super) free: i64,
}

impl Places {
    /// What may be leased now.
    pub(super) fn room(&self) -> Room {
        self.lock().room(Instant::now())
    }

    /// Takes one for a receiver.
    pub(super) fn take(self: &Arc<Self>, endpoint: &str) -> Place {
        let began = Instant::now();
        self.lock().begin(endpoint, began);
        Place { places: self.clone(), endpoint: endpoint.to_owned(), began }
    }

    /// Waits until one is free again.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Receivers> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that somebody's delivery takes.
pub(super) struct Place {
    places: Arc<Places>,
    endpoint: String,
    began: Instant,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().end(&self.endpoint, self.began, Instant::now());
        self.places.freed.notify_one();
    }
}

/// Those that are being sent to, or were not long ago, by name.
#[derive(Default)]
struct Receivers(HashMap<String, Receiver>);

#[derive(Default)]
struct Receiver {
    /// When each attempt began that is under way.
    under_way: Vec<Instant>,
    /// Whether the latest attempt that ended was quick, and when it ended.
    latest: Option<(bool, Instant)>,
}

impl Receivers {
    fn room(&mut self, now: Instant) -> Room {
        self.0.retain(|_, it| it.is_remembered(now));
        let taken: usize = self.0.values().map(|it| it.under_way.len()).sum();
        let by_slow: usize = self.0.values().filter(|it| it.is_slow(now)).map(|it| it.under_way.len()).sum();
        let scarce = taken >= SCARCE;
        let is_busy = |it: &Receiver| {
            let most = if !scarce {
                NO_BATCH
            } else if it.is_quick(now) {
                EACH
            } else {
                1
            };
            it.under_way.len() >= most || by_slow >= SLOW_MOST && it.is_slow(now)
        };
        let busy = self.0.iter().filter(|(_, it)| is_busy(it)).map(|(name, _)| name.clone()).collect();
        let free = i64::try_from(MOST.saturating_sub(taken)).unwrap_or(0);
        Room { busy, each: if scarce { 1 } else { BATCH_EACH }, free }
    }

    fn begin(&mut self, name: &str, now: Instant) {
        self.0.entry(name.to_owned()).or_default().under_way.push(now);
    }

    fn end(&mut self, name: &str, began: Instant, now: Instant) {
        let Some(it) = self.0.get_mut(name) else { return };
        if let Some(index) = it.under_way.iter().position(|at| *at == began) {
            it.under_way.swap_remove(index);
        }
        it.latest = Some((now.duration_since(began) <= QUICK, now));
    }
}

impl Receiver {
    fn hangs(&self, now: Instant) -> bool {
        self.under_way.iter().any(|began| now.duration_since(*began) > QUICK)
    }

    fn is_slow(&self, now: Instant) -> bool {
        self.hangs(now) || self.latest.is_some_and(|(quick, _)| !quick)
    }

    fn is_quick(&self, now: Instant) -> bool {
        !self.hangs(now) && self.latest.is_some_and(|(quick, _)| quick)
    }

    fn is_remembered(&self, now: Instant) -> bool {
        !self.under_way.is_empty() || self.latest.is_some_and(|(_, at)| now.duration_since(at) < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins all that there is room for, for so many receivers in turn; says how much that was.
    fn fill(receivers: &mut Receivers, names: &[String], now: Instant) -> usize {
        let mut begun = 0;
        for name in names {
            loop {
                let room = receivers.room(now);
                if room.free == 0 || room.busy.contains(name) {
                    break;
                }
                for _ in 0..room.each.min(room.free) {
                    receivers.begin(name, now);
                    begun += 1;
                }
            }
        }
        begun
    }

    fn names(kind: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{kind} {number}")).collect()
    }

    #[test]
    fn one_that_hangs_has_its_places_and_each_of_many_has_one() {
        let (mut receivers, now) = (Receivers::default(), Instant::now());
        assert_eq!(fill(&mut receivers, &names("hangs", 1), now), EACH);
        assert_eq!(fill(&mut receivers, &names("hangs", 100), now), 15 * EACH + 84);
        let later = now + Duration::from_secs(2);
        assert_eq!(fill(&mut receivers, &names("new", 1), later), 1, "who is unknown finds one place");
        receivers.end("new 0", later, later);
        assert_eq!(fill(&mut receivers, &names("new", 1), later), EACH, "and who was quick as many as ever");
    }

    #[test]
    fn however_many_hang_who_is_new_finds_a_place() {
        let (mut receivers, now, hanging) = (Receivers::default(), Instant::now(), names("hangs", 2000));
        for name in &hanging {
            receivers.begin(name, now);
            receivers.end(name, now, now + Duration::from_secs(30));
        }
        let now = now + Duration::from_secs(31);
        let begun = fill(&mut receivers, &hanging, now);
        assert!((SCARCE..=SLOW_MOST).contains(&begun), "{begun}");
        assert_eq!(fill(&mut receivers, &names("new", 100), now), 100);
        assert!(receivers.room(now + REMEMBERED).busy.len() <= begun, "who was slow is not remembered for ever");
    }
}
