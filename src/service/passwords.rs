//! Hashing and verifying people's passwords: argon2id, off the async runtime, at most one a core at a time (design 4).

use crate::{app::App, domain::Secret};
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;

/// The places where hashing may happen.
pub struct Passwords {
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { places: Semaphore::new(cores) }
    }
}

/// Verified for addresses that nobody has, so that they take as long as others.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password, with a salt of its own.
pub async fn hash(app: &App, password: &str) -> Secret {
    let (password, salt) = (password.to_owned(), app.random::<16>());
    let hash = move || -> String {
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .expect("the parameters are valid and the salt is long enough");
        hash.to_string()
    };
    Secret(at_a_place(app, hash).await)
}

/// Whether a password is the one that was hashed; takes as long when nothing was.
pub async fn verify(app: &App, password: &str, hash: Option<&Secret>) -> bool {
    let known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.map_or_else(|| NOBODYS.to_owned(), |hash| hash.0.clone()));
    let matches = move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    at_a_place(app, matches).await && known
}

async fn at_a_place<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> T {
    let _place = app.passwords.places.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
}
