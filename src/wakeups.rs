//! Waking up: whoever waits for a request, or for anything at all, hears of each commit (design 6).
//!
//! Subscribe first, then look. A wake-up says that something may have changed, never what; across processes one may be
//! late or lost, so whoever waits also looks by itself now and then.

use crate::domain::{Id, Request};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// What a commit did, as far as waiting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Something with this request.
    To(Id<Request>),
    /// Something is to be sent.
    Delivery,
    /// Something else.
    Else,
}

impl Happened {
    /// The form in which processes tell each other: the request's id, `delivery`, or nothing.
    pub fn parse(text: &str) -> Self {
        if text == "delivery" { Self::Delivery } else { text.parse().map_or(Self::Else, Self::To) }
    }
}

/// The people waiting in this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wakeups(Arc<Hub>);

#[derive(Debug, Default)]
struct Hub {
    requests: Mutex<HashMap<Id<Request>, watch::Sender<()>>>,
    deliveries: watch::Sender<()>,
    anything: watch::Sender<()>,
}

impl Wakeups {
    /// Wakes whoever waits for this; a commit's events also wake whoever waits for anything.
    pub fn wake(&self, happened: &Happened) {
        if let Happened::To(id) = happened
            && let Some(waiting) = self.requests().get(id)
        {
            waiting.send_replace(());
        }
        match happened {
            Happened::Delivery => self.0.deliveries.send_replace(()),
            _ => self.0.anything.send_replace(()),
        }
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        for waiting in self.requests().values() {
            waiting.send_replace(());
        }
        self.0.deliveries.send_replace(());
        self.0.anything.send_replace(());
    }

    /// Waits for something to send from now on.
    pub fn deliveries(&self) -> watch::Receiver<()> {
        self.0.deliveries.subscribe()
    }

    /// Waits for a request from now on.
    pub fn request(&self, id: Id<Request>) -> Waiting {
        let receiver = self.requests().entry(id).or_default().subscribe();
        Waiting { id, receiver, wakeups: self.clone() }
    }

    /// Waits for anything from now on.
    pub fn anything(&self) -> watch::Receiver<()> {
        self.0.anything.subscribe()
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, HashMap<Id<Request>, watch::Sender<()>>> {
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
        if requests.get(&self.id).is_some_and(|waiting| waiting.receiver_count() <= 1) {
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
}
