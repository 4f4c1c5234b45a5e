//! In front of the API: whose key is this, and may it call once more (contract 2 and 3, design 4).
//!
//! A process remembers a key for less than a second, so that revoking one works everywhere within a second, and counts
//! within blocks that it took from the key's window in the store.
//!
//! The calls that this stands around may wait long, and very many of them: its own visits to the store, which are rare, are
//! boxed, so that the memory they take is not held all the while.

use super::{Caller, Error, Result};
use crate::{
    app::App,
    domain::{EventName, Id, Key, Scope, Timestamp, Token, Window, limit},
    store::{self, keys, keys::Holder, windows},
};
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a key is believed without asking the store, and what is left of its window, in microseconds.
const BELIEVED: i64 = 900_000;
/// How long a call waits for those of its key that came before.
const PATIENCE: Duration = Duration::from_secs(3);
/// How coarse `last_used_at` is, in seconds (contract 13.7).
const LAST_USED_SECONDS: i64 = 60;

const BAD_TOKEN: &str = "Invalid authorization token";

/// What this process knows of keys and their windows.
#[derive(Default)]
pub struct Admission {
    holders: Mutex<HashMap<String, (Arc<Holder>, Timestamp)>>,
    leases: Mutex<HashMap<Id<Key>, Arc<tokio::sync::Mutex<Lease>>>>,
    exceeded: Mutex<HashMap<Id<Key>, Timestamp>>,
}

const LONG_AGO: Timestamp = Timestamp::from_micros(i64::MIN);

/// Requests that this process took from a window and has not used yet.
#[derive(Clone, Copy)]
struct Lease {
    limit: i64,
    closes_at: Timestamp,
    /// What all processes have taken, as of then.
    used: i64,
    seen_at: Timestamp,
    left: i64,
}

impl Lease {
    const EMPTY: Self = Self { limit: 0, closes_at: LONG_AGO, used: 0, seen_at: LONG_AGO, left: 0 };

    fn window(&self, limit: i64) -> Window {
        Window { limit, remaining: (limit - self.used + self.left).max(0), closes_at: self.closes_at }
    }
}

impl Admission {
    fn known(&self, hash: &str, now: Timestamp) -> Option<Arc<Holder>> {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let (holder, since) = holders.get(hash)?;
        (now.micros_since(*since).abs() < BELIEVED).then(|| holder.clone())
    }

    fn remember(&self, hash: String, holder: Option<Arc<Holder>>, now: Timestamp) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        match holder {
            Some(holder) => {
                make_room(&mut holders, &hash, |(_, since)| now.micros_since(*since).abs() < BELIEVED);
                holders.insert(hash, (holder, now))
            }
            None => holders.remove(&hash),
        };
    }

    /// Whether this process knows that the owner was told of the window which closes then that it is used up.
    fn was_told(&self, key: Id<Key>, closes_at: Timestamp) -> bool {
        let exceeded = self.exceeded.lock().unwrap_or_else(PoisonError::into_inner);
        exceeded.get(&key) == Some(&closes_at)
    }

    fn note_told(&self, key: Id<Key>, closes_at: Timestamp, now: Timestamp) {
        let mut exceeded = self.exceeded.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut exceeded, &key, |closes_at| *closes_at > now);
        exceeded.insert(key, closes_at);
    }

    fn lease(&self, key: Id<Key>, now: Timestamp) -> Arc<tokio::sync::Mutex<Lease>> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |lease: &Arc<tokio::sync::Mutex<Lease>>| {
            Arc::strong_count(lease) > 1 || lease.try_lock().is_ok_and(|lease| lease.closes_at > now)
        };
        make_room(&mut leases, &key, is_wanted);
        leases.entry(key).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(Lease::EMPTY))).clone()
    }
}

/// Before another comes and it would grow, forgets what nobody wants any more: of keys that come and go there is no end. Then
/// it has room for as many as are left, so that this happens once in so many, and never to those who are known.
fn make_room<K: Eq + Hash, V>(known: &mut HashMap<K, V>, another: &K, is_wanted: impl Fn(&V) -> bool) {
    if known.len() == known.capacity() && !known.contains_key(another) {
        known.retain(|_, value| is_wanted(value));
        known.reserve(known.len().max(1));
    }
}

/// Finds out who calls, from the value of the `Authorization` header. Failures count against the address.
pub async fn authenticate(app: &App, header: Option<&[u8]>, address: IpAddr) -> Result<Caller> {
    let refused = |msg, detail| {
        app.throttle.failed_key(address)?;
        Err(Error::Unauthenticated { msg, detail })
    };
    let token = match presented(header) {
        Ok(token) => token,
        Err((msg, detail)) => return refused(msg, Some(detail)),
    };
    let Some(holder) = holder(app, &token).await? else {
        return refused(BAD_TOKEN, None);
    };
    if !holder.key.is_usable(app.now()) {
        let revoked = holder.key.status == crate::domain::KeyStatus::Revoked;
        return refused(BAD_TOKEN, (!revoked).then_some("API key is inactive"));
    }
    Ok(Caller::new(holder))
}

/// Who was let in earlier, and has been listening since: as the key and its account stand now. Refused as a new call would be.
pub async fn readmit(app: &App, caller: &Caller, scope: Scope) -> Result<Caller> {
    let holder = keys::find(&app.store, caller.key().id).await?.filter(|holder| holder.key.is_usable(app.now()));
    let caller = holder.map(|holder| Caller::new(Arc::new(holder)));
    let caller = caller.ok_or(Error::Unauthenticated { msg: BAD_TOKEN, detail: None })?;
    caller.require(scope)?;
    Ok(caller)
}

/// The token in a header (contract 2.1), or what to tell the caller (2.3).
fn presented(header: Option<&[u8]>) -> std::result::Result<Token, (&'static str, &'static str)> {
    const FORM: &str = "Invalid Authorization header format. Use 'Bearer <api_key>'";
    let header = header.ok_or(("Missing or invalid authorization header", "Missing Authorization header"))?;
    let header = std::str::from_utf8(header).map_err(|_| (BAD_TOKEN, FORM))?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err((BAD_TOKEN, FORM));
    }
    match token.trim() {
        "" => Err((BAD_TOKEN, "Empty API key")),
        token if token.contains(char::is_whitespace) => Err((BAD_TOKEN, FORM)),
        token => Ok(Token::presented(token)),
    }
}

async fn holder(app: &App, token: &Token) -> Result<Option<Arc<Holder>>> {
    if token.reveal().len() > Token::LONGEST {
        return Ok(None);
    }
    let (hash, now) = (token.hash(), app.now());
    if let Some(holder) = app.admission.known(&hash, now) {
        return Ok(Some(holder));
    }
    let holder = Box::pin(keys::find_by_token(&app.store, &hash)).await?.map(Arc::new);
    app.admission.remember(hash, holder.clone(), now);
    Ok(holder)
}

/// Counts one request against the key's window, opening one if none is open; refuses when it is used up.
pub async fn count(app: &App, caller: &Caller) -> Result<Window> {
    let (key, now) = (caller.key(), app.now());
    let limit = limit::effective(key.hourly_limit, app.settings.limits.requests_per_hour.into());
    let lease = app.admission.lease(key.id, now);
    let mut lease = in_hand(&lease).await?;
    if lease.left == 0 || lease.closes_at <= now || lease.limit != limit {
        *lease = Box::pin(take(app, key, limit, now)).await?;
    } else if now.micros_since(lease.seen_at).abs() > BELIEVED {
        Box::pin(look(app, key, &mut lease)).await;
    }
    lease.left -= 1;
    Ok(lease.window(limit))
}

/// The lease, when those who came before have done with it. Not for long: each of them may wait for the store.
async fn in_hand(lease: &tokio::sync::Mutex<Lease>) -> Result<tokio::sync::MutexGuard<'_, Lease>> {
    if let Ok(lease) = lease.try_lock() {
        return Ok(lease);
    }
    let lease = tokio::time::timeout(PATIENCE, lease.lock()).await;
    lease.map_err(|_| store::Error::Unreachable("those before are not counted yet".into()).into())
}

/// Looks what other processes have taken meanwhile, so that the caller is told what is left (contract 3.3). Where that cannot be
/// seen, what was seen last is told: the call itself needs nothing.
async fn look(app: &App, key: &Key, lease: &mut Lease) {
    if let Ok(Some(window)) = windows::find(&app.store, key.id).await
        && window.closes_at == lease.closes_at
    {
        lease.used = window.used;
    }
    lease.seen_at = app.now(); // so that whoever waited for this does not look again
}

async fn take(app: &App, key: &Key, limit: i64, now: Timestamp) -> Result<Lease> {
    match windows::take(&app.store, key.id, limit, limit::block(limit), now).await? {
        Some(taken) => {
            let lease =
                Lease { limit, closes_at: taken.closes_at, used: taken.used, seen_at: now, left: taken.granted };
            if limit::is_nearly_used(taken.used, limit) && !taken.warned {
                let counted = Lease { left: lease.left - 1, ..lease };
                tell(app, EventName::KeyQuotaWarning, key, counted.window(limit)).await?;
            }
            Ok(lease)
        }
        None => {
            let closes_at = windows::find(&app.store, key.id).await?.map_or(now, |window| window.closes_at);
            let window = Window { limit, remaining: 0, closes_at };
            tell(app, EventName::KeyLimitExceeded, key, window).await?;
            Err(Error::Limited { window, retry_after: window.retry_after(now) })
        }
    }
}

/// Tells the owner of a window, once each (contract 3.9). That it was told is written together with what is told: where that
/// fails, or the process dies before, the next call tells.
async fn tell(app: &App, name: EventName, key: &Key, window: Window) -> Result<()> {
    if name == EventName::KeyLimitExceeded && app.admission.was_told(key.id, window.closes_at) {
        return Ok(()); // refusing must stay cheap
    }
    let mut tx = app.store.begin();
    let first = match name {
        EventName::KeyQuotaWarning => windows::warn(&mut tx, key.id, window.closes_at).await?,
        _ => windows::exceed(&mut tx, key.id, window.closes_at).await?,
    };
    if first {
        super::record::of_window(app, &mut tx, name, key, window).await?;
        tx.commit().await?;
    }
    if name == EventName::KeyLimitExceeded {
        app.admission.note_told(key.id, window.closes_at, app.now());
    }
    Ok(())
}

/// Gives one request back to the key's current window (contract 3.7); what the caller may do then.
pub async fn refund(app: &App, caller: &Caller) -> Result<Option<Window>> {
    let lease = app.admission.lease(caller.key().id, app.now());
    let mut lease = in_hand(&lease).await?;
    let used = windows::give_back(&app.store, caller.key().id, lease.closes_at, 1).await?;
    Ok(used.map(|used| {
        lease.used = used;
        lease.window(lease.limit)
    }))
}

/// Lets the caller have the request that it was counted for once more (contract 3.2), in the window that it was counted in:
/// one that has closed while the caller waited gets nothing back, nor does the next. It stays with this process, which may
/// hold a block of its window anyway; only what is more than one goes back to the store.
pub async fn uncount(app: &App, caller: &Caller, counted: Window) -> Result<Option<Window>> {
    let lease = app.admission.lease(caller.key().id, app.now());
    let mut lease = in_hand(&lease).await?;
    let current = lease.closes_at == counted.closes_at;
    if current && lease.left < limit::block(lease.limit) {
        lease.left += 1;
        return Ok(Some(lease.window(lease.limit)));
    }
    let used = Box::pin(windows::give_back(&app.store, caller.key().id, counted.closes_at, 1)).await?;
    Ok(used.filter(|_| current).map(|used| {
        lease.used = used;
        lease.window(lease.limit)
    }))
}

/// Gives back what was taken and not used: a stop costs no caller anything.
pub async fn give_back_leases(app: &App) -> Result<()> {
    let leases: Vec<_> = {
        let leases = app.admission.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.iter().map(|(key, lease)| (*key, lease.clone())).collect()
    };
    for (key, lease) in leases {
        let mut lease = lease.lock().await;
        if lease.left > 0 {
            windows::give_back(&app.store, key, lease.closes_at, lease.left).await?;
            *lease = Lease::EMPTY;
        }
    }
    Ok(())
}

/// Notes in the store that the key was used, at most once a minute.
pub async fn note_use(app: &App, caller: &Caller) -> Result<()> {
    let (key, now) = (caller.key(), app.now());
    let fresh = key.last_used_at.is_some_and(|at| now.micros_since(at) < LAST_USED_SECONDS * 1_000_000);
    if fresh || !app.admission.first_to_note(key.id, now) {
        return Ok(());
    }
    Ok(Box::pin(keys::touch(&app.store, key.id, now)).await?)
}

impl Admission {
    /// Of many calls that see the same old `last_used_at`, one writes the new one.
    fn first_to_note(&self, key: Id<Key>, now: Timestamp) -> bool {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((holder, _)) = holders.values_mut().find(|(holder, _)| holder.key.id == key) else { return true };
        if holder.key.last_used_at.is_some_and(|at| now.micros_since(at) < LAST_USED_SECONDS * 1_000_000) {
            return false;
        }
        Arc::make_mut(holder).key.last_used_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn windows_that_have_closed_are_forgotten_and_those_that_are_open_or_waited_for_are_not() {
        let (admission, now) = (Admission::default(), Timestamp::from_seconds(1_710_498_600));
        let key = |number: u32| Id::<Key>::new(now, [number.to_be_bytes(), [0; 4]].concat().try_into().unwrap());
        let waited_for = admission.lease(key(0), now);
        for number in 1..=100 {
            admission.lease(key(number), now).lock().await.closes_at = now.plus_seconds(1);
            admission.note_told(key(number), now.plus_seconds(1), now);
        }
        assert_eq!(admission.leases.lock().unwrap().len(), 101);
        let later = now.plus_seconds(2);
        for number in 101..=100_000 {
            admission.lease(key(number), later);
            admission.note_told(key(number), later, later);
        }
        assert!(Arc::ptr_eq(&waited_for, &admission.lease(key(0), later)));
        assert!(admission.leases.lock().unwrap().len() < 1000);
        assert!(admission.exceeded.lock().unwrap().len() < 1000);
    }

    #[test]
    fn looking_for_what_to_forget_costs_those_who_are_known_nothing_and_others_little() {
        let (looks, mut known) = (Cell::new(0), HashMap::new());
        let mut used = |number: u32, wanted: bool| {
            make_room(&mut known, &number, |wanted: &bool| {
                looks.set(looks.get() + 1);
                *wanted
            });
            known.insert(number, wanted);
            (known.len(), known.capacity())
        };
        // As many as there is room for, and again and again the same.
        let full = (0..100_000)
            .find(|number| matches!(used(*number, true), (len, room) if len == room && len > 1000))
            .unwrap();
        let before = looks.replace(0);
        assert!(before < 4 * full, "{before} looks at {full}");
        for number in 0..=full {
            used(number, true);
        }
        assert_eq!(looks.get(), 0);
        // Beside them others that come once.
        let most = (full + 1..100 * full).map(|number| used(number, false).0).max().unwrap();
        assert!(most < 5 * full as usize && looks.get() < 400 * full, "{most} were kept; {} looks", looks.get());
    }
}
