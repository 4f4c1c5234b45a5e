//! Waking up: whoever waits for a request, or for anything at all, hears of each commit (design 6).
//!
//! Subscribe first, then look. A wake-up says that something may have changed, never what; across processes one may be
//! late or lost, so whoever waits also looks by itself now and then.

use crate::domain::{Id, Request};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a commit did, as far as waiting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happened {
    /// Something with this request.
    To(Id<Request>),
    /// Something is to be sent.
    Delivery,
    /// Something else.
    Else,
    /// So much that it is not told one by one.
    Anything,
}

impl Happened {
    /// The request that it happened to.
    pub const fn request(&self) -> Option<Id<Request>> {
        if let Self::To(id) = self { Some(*id) } else { None }
    }

    /// Reads the form in which processes tell each other; what it does not know may be anything.
    pub fn parse(text: &str) -> Self {
        match text {
            "delivery" => Self::Delivery,
            "else" => Self::Else,
            id => id.parse().map_or(Self::Anything, Self::To),
        }
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(id) => id.fmt(out),
            Self::Delivery => out.write_str("delivery"),
            Self::Else => out.write_str("else"),
            Self::Anything => out.write_str("anything"),
        }
    }
}

/// The people waiting in this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wakeups(Arc<Hub>);

#[derive(Debug, Default)]
struct Hub {
    requests: Mutex<HashMap<Id<Request>, Place>>,
    deliveries: watch::Sender<()>,
    anything: watch::Sender<()>,
    closed: CancellationToken,
}

/// Where a request is waited for.
#[derive(Debug, Default)]
struct Place {
    sender: watch::Sender<()>,
    waiting: usize,
}

impl Wakeups {
    /// Wakes whoever waits for this; a commit's events also wake whoever waits for anything.
    pub fn wake(&self, happened: &Happened) {
        if let Happened::To(id) = happened
            && let Some(place) = self.requests().get(id)
        {
            place.sender.send_replace(());
        }
        match happened {
            Happened::Delivery => self.0.deliveries.send_replace(()),
            Happened::To(_) | Happened::Else => self.0.anything.send_replace(()),
            Happened::Anything => self.wake_all(),
        }
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        for place in self.requests().values() {
            place.sender.send_replace(());
        }
        self.0.deliveries.send_replace(());
        self.0.anything.send_replace(());
    }

    /// The process stops: nobody need wait here any longer.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Returns when the process stops.
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Waits for something to send from now on.
    pub fn deliveries(&self) -> watch::Receiver<()> {
        self.0.deliveries.subscribe()
    }

    /// Waits for a request from now on.
    pub fn request(&self, id: Id<Request>) -> Waiting {
        let mut requests = self.requests();
        let place = requests.entry(id).or_default();
        place.waiting += 1;
        Waiting { id, receiver: place.sender.subscribe(), wakeups: self.clone() }
    }

    /// How many wait for a request.
    pub fn waiting(&self) -> usize {
        self.requests().values().map(|place| place.waiting).sum()
    }

    /// Waits for anything from now on.
    pub fn anything(&self) -> watch::Receiver<()> {
        self.0.anything.subscribe()
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, HashMap<Id<Request>, Place>> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a request.
#[derive(Debug)]
pub struct Waiting {
    id: Id<Request>,
    receiver: watch::Receiver<()>,
    wakeups: Wakeups,
}

impl Waiting {
    /// Returns when something happened to the request since the last look.
    pub async fn woken(&mut self) {
        self.receiver.changed().await.expect("the hub keeps the sender while somebody waits");
    }
}

impl Drop for Waiting {
    /// The last one to stop waiting clears the place.
    fn drop(&mut self) {
        let mut requests = self.wakeups.requests();
        let place = requests.get_mut(&self.id).expect("a place stays while somebody waits there");
        place.waiting -= 1;
        if place.waiting == 0 {
            requests.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_those_who_wait_for_it_are_woken() {
        let wakeups = Wakeups::default();
        let (one, other) = ("65f1234567890abcdef12345".parse().unwrap(), "65f1234567890abcdef12346".parse().unwrap());
        let (mut first, mut second, third) = (wakeups.request(one), wakeups.request(one), wakeups.request(other));
        let anything = wakeups.anything();
        wakeups.wake(&Happened::To(one));
        first.woken().await;
        second.woken().await;
        assert!(!third.receiver.has_changed().unwrap() && anything.has_changed().unwrap());
        drop((first, second, third));
        assert!(wakeups.requests().is_empty(), "nobody waits, nothing is kept");
    }

    #[test]
    fn nothing_is_kept_of_those_who_leave_at_once() {
        let (wakeups, id) = (Wakeups::default(), "65f1234567890abcdef12345".parse().unwrap());
        for _ in 0..200 {
            let leave = std::sync::Barrier::new(4);
            std::thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        let waiting = wakeups.request(id);
                        leave.wait();
                        drop(waiting);
                    });
                }
            });
            assert!(wakeups.requests().is_empty());
        }
    }
}
