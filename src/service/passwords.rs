//! Hashing and verifying people's passwords: argon2id, off the async runtime, at most one a core at a time (design 4). So many
//! may wait; whoever comes then is refused at once, because they would wait for longer than anybody does.

use super::{Error, Result};
use crate::{app::App, domain::Secret};
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many wait for each place: a hash takes some 30 ms.
const QUEUE: usize = 100;

/// The places where hashing may happen, and the queue for them.
pub struct Passwords {
    places: Arc<Semaphore>,
    queue: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::with(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

/// Verified for addresses that nobody has, so that they take as long as others.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password, with a salt of its own.
pub async fn hash(app: &App, password: &str) -> Result<Secret> {
    let (password, salt) = (password.to_owned(), app.random::<16>());
    let hash = move || -> String {
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .expect("the parameters are valid and the salt is long enough");
        hash.to_string()
    };
    Ok(Secret(app.passwords.at_a_place(hash).await?))
}

/// Whether a password is the one that was hashed; takes as long when nothing was.
pub async fn verify(app: &App, password: &str, hash: Option<&Secret>) -> Result<bool> {
    let known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.map_or_else(|| NOBODYS.to_owned(), |hash| hash.0.clone()));
    let matches = move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    Ok(app.passwords.at_a_place(matches).await? && known)
}

impl Passwords {
    fn with(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), queue: Semaphore::new((QUEUE + 1) * places) }
    }

    /// The place is the work's, not the caller's: who hangs up lets the work run on, and nobody else begin.
    async fn at_a_place<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _waiting = self.queue.try_acquire().map_err(|_| Error::Busy)?;
        let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let working = move || {
            let done = work();
            drop(place);
            done
        };
        Ok(tokio::task::spawn_blocking(working).await.expect("hashing does not panic"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_place_is_taken_until_the_work_is_done_though_the_caller_has_gone() {
        let passwords = Arc::new(Passwords::with(1));
        let (begun, has_begun) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let work = move || {
            begun.send(()).unwrap();
            may_finish.recv().unwrap();
        };
        let caller = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.at_a_place(work).await }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(passwords.places.available_permits(), 0, "the work goes on");
        finish.send(()).unwrap();
        let again = tokio::time::timeout(Duration::from_secs(10), passwords.at_a_place(|| ())).await;
        assert!(again.expect("there is a place again").is_ok());
    }

    #[tokio::test]
    async fn whoever_comes_when_the_queue_is_full_is_refused_at_once() {
        let passwords = Arc::new(Passwords::with(1));
        let taken = passwords.places.clone().acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..=QUEUE)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.at_a_place(|| ()).await.is_ok() })
            })
            .collect();
        while passwords.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(passwords.at_a_place(|| ()).await, Err(Error::Busy)));
        drop(taken);
        for it in waiting {
            assert!(it.await.unwrap(), "whoever has waited is served");
        }
        assert!(passwords.at_a_place(|| ()).await.is_ok());
    }
}
