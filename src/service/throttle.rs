//! Guesses: failed keys, sign-ins and invite codes, counted per address, some per account too (contract 2.4, 11.1, 15.5; design 4).

use super::{Error, Result};
use crate::{
    domain::{Account, Id, Timestamp},
    settings::Limits,
};
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _, clock::DefaultClock};
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many addresses have to guess as fast as they may until whoever they guess at is kept out as well.
const FROM_ELSEWHERE: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");

/// The counts of this process. An address that guesses is slowed down; nobody else is.
pub struct Throttle {
    keys: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: Failures<IpAddr>,
    accounts: Failures<String>,
    proofs: Failures<String>,
    codes: DefaultKeyedRateLimiter<IpAddr>,
    joins: DefaultKeyedRateLimiter<Id<Account>>,
    clock: DefaultClock,
}

impl Throttle {
    /// Nobody has guessed yet.
    pub fn new(limits: &Limits) -> Self {
        let per_minute = |count: NonZeroU32| Quota::per_minute(count);
        Self {
            keys: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            sign_ins: Failures::new(limits.failed_sign_ins_per_minute),
            accounts: Failures::new(limits.failed_sign_ins_per_minute.saturating_mul(FROM_ELSEWHERE)),
            proofs: Failures::new(limits.failed_sign_ins_per_minute),
            codes: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            joins: DefaultKeyedRateLimiter::keyed(per_minute(limits.failed_keys_per_minute)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a failed authentication by key.
    pub fn failed_key(&self, address: IpAddr) -> Result<()> {
        self.check(&self.keys, &address)
    }

    /// Counts an attempt to sign in as a failure, until it turns out to be none: so many at once are no way around the limit.
    pub fn sign_in(&self, address: IpAddr, email: &str, now: Timestamp) -> Result<()> {
        self.sign_ins.take(&address, now)?;
        self.accounts.take(&email.to_owned(), now)
    }

    /// It was none: what [`sign_in`](Self::sign_in) counted is given back.
    pub fn signed_in(&self, address: IpAddr, email: &str) {
        self.sign_ins.give_back(&address);
        self.accounts.give_back(&email.to_owned());
    }

    /// Counts an attempt of who is signed in to prove that they are this person, likewise.
    pub fn prove(&self, email: &str, now: Timestamp) -> Result<()> {
        self.proofs.take(&email.to_owned(), now)
    }

    /// It was proved.
    pub fn proved(&self, email: &str) {
        self.proofs.give_back(&email.to_owned());
    }

    /// Counts a look at what an invite code or another secret in a link leads to. To be asked before looking, and for
    /// right ones too: a limit on wrong guesses alone would still let the right one through.
    pub fn guess(&self, address: IpAddr) -> Result<()> {
        self.check(&self.codes, &address)
    }

    /// Counts an attempt of somebody to join with a code, from wherever (contract 15.5).
    pub fn join(&self, account: Id<Account>) -> Result<()> {
        self.check(&self.joins, &account)
    }

    /// Forgets addresses that have been quiet.
    pub fn sweep(&self, now: Timestamp) {
        self.keys.retain_recent();
        self.sign_ins.forget_before(now);
        self.accounts.forget_before(now);
        self.proofs.forget_before(now);
        self.codes.retain_recent();
        self.joins.retain_recent();
    }

    fn check<K: Hash + Eq + Clone>(&self, counts: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
        counts.check_key(key).map_err(|refused| {
            let seconds = refused.wait_time_from(self.clock.now()).as_secs_f64().ceil();
            #[expect(clippy::cast_possible_truncation, reason = "a minute at most")]
            let retry_after = (seconds as i64).max(1);
            Error::Throttled { retry_after }
        })
    }
}

/// Failures a minute, which governor cannot give back. Like there, each takes up its share of the minute to come.
struct Failures<K> {
    /// Microseconds that one takes up.
    share: i64,
    /// Until when shares are taken, in microseconds.
    taken: Mutex<HashMap<K, i64>>,
}

const MINUTE: i64 = 60_000_000;

impl<K: Hash + Eq + Clone> Failures<K> {
    fn new(per_minute: NonZeroU32) -> Self {
        Self { share: MINUTE / i64::from(per_minute.get()), taken: Mutex::default() }
    }

    fn take(&self, key: &K, now: Timestamp) -> Result<()> {
        let (mut taken, now) = (self.lock(), now.micros());
        let until = taken.get(key).map_or(now, |until| now.max(*until)) + self.share;
        let too_much = until - now - MINUTE;
        if too_much > 0 {
            return Err(Error::Throttled { retry_after: (too_much - 1) / 1_000_000 + 1 });
        }
        taken.insert(key.clone(), until);
        Ok(())
    }

    fn give_back(&self, key: &K) {
        if let Some(until) = self.lock().get_mut(key) {
            *until -= self.share;
        }
    }

    fn forget_before(&self, now: Timestamp) {
        self.lock().retain(|_, until| *until > now.micros());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, i64>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
