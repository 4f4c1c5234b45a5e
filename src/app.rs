//! What every part of the server is handed: the store, time, chance and settings. Built once, cheap to clone.

use crate::{
    domain::{Id, Timestamp},
    http::bodies::Rooms,
    mailer::Mailer,
    metrics::Metrics,
    sender::Sender,
    service::{admission::Admission, deadlines::NextDue, passwords::Passwords, throttle::Throttle},
    settings::Settings,
    store::Store,
};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Makes chance.
pub trait Rng: Send + Sync {
    /// Fills with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The server's [`Parts`], shared by all that runs in the process.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the server is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Since when this process serves.
    pub started_at: Timestamp,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// Where people and programs reach this server: no slash at the end.
    pub base_url: Arc<str>,
    /// Keys and windows that this process knows of.
    pub admission: Arc<Admission>,
    /// The next deadline that this process knows of.
    pub next_due: Arc<NextDue>,
    /// Guesses counted per address.
    pub throttle: Arc<Throttle>,
    /// Room for the bodies that are being received.
    pub bodies: Arc<Rooms>,
    /// The passwords being hashed.
    pub passwords: Arc<Passwords>,
    /// What sends deliveries.
    pub sender: Arc<Sender>,
    /// What sends mail.
    pub mailer: Arc<Mailer>,
    /// What is counted, where somebody is to see it.
    pub metrics: Option<Arc<Metrics>>,
}

impl App {
    /// The server's parts around a store.
    pub fn new(store: Store, settings: Settings, base_url: &str) -> Self {
        Self::with(store, settings, base_url, Arc::new(SystemClock), Arc::new(SystemRng))
    }

    /// The same with another clock and another source of chance.
    pub fn with(store: Store, settings: Settings, base_url: &str, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self(Arc::new(Parts {
            store,
            started_at: clock.now(),
            clock,
            rng,
            throttle: Arc::new(Throttle::new(&settings.limits)),
            sender: Arc::new(Sender::new(settings.webhooks.targets.clone())),
            mailer: Arc::new(Mailer::new(settings.mail.as_ref())),
            metrics: settings.metrics.listen.map(|_| Arc::default()),
            settings: Arc::new(settings),
            base_url: base_url.into(),
            admission: Arc::default(),
            next_due: Arc::default(),
            bodies: Arc::default(),
            passwords: Arc::default(),
        }))
    }

    /// The same server with some parts exchanged.
    pub fn changed(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Parts::clone(self);
        change(&mut parts);
        Self(Arc::new(parts))
    }

    /// Whether spans are exported.
    pub fn is_traced(&self) -> bool {
        self.settings.traces.collector.is_some()
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// A fresh identifier.
    pub fn new_id<K>(&self) -> Id<K> {
        Id::new(self.now(), self.random())
    }
}

/// The system's clock.
struct SystemClock;
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        let nanoseconds = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
        Timestamp::from_micros(i64::try_from(nanoseconds / 1000).expect("the year is before 292000"))
    }
}

/// The system's generator, cryptographically strong.
struct SystemRng;
impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for chance")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }
}

/// For tests: stands still until told to move.
pub struct StoppedClock(AtomicI64);
impl StoppedClock {
    /// Stands at that time.
    pub fn at(now: Timestamp) -> Self {
        Self(now.micros().into())
    }

    /// Moves on by that many seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Moves to that time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Relaxed);
    }
}
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// For tests: bytes that differ at each call and are the same in each run.
#[derive(Default)]
pub struct CountingRng(AtomicU64);
impl CountingRng {
    /// Counts from there, so that two processes draw different bytes.
    pub fn from(count: u64) -> Self {
        Self(count.into())
    }
}
impl Rng for CountingRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut count = self.0.fetch_add(1, Ordering::Relaxed);
        for byte in bytes.iter_mut().rev() {
            *byte = (count % 32).to_le_bytes()[0]; // an invite code looks no further than five bits of each
            count /= 32;
        }
    }
}
