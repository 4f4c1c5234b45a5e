//! People: who they are, and whether they may act (design 7, contract 2.7).

use super::{Id, Invalid, Timestamp, object::longer_than, words::words};
use std::fmt;

words! {
    /// What an account may do on the server as a whole.
    pub enum Role {
        /// Administers the server.
        Owner = "owner",
        /// Makes loops and keys, and works in loops.
        Creator = "creator",
        /// Works in loops.
        Member = "member",
    }
}

impl Role {
    /// What somebody of that role is called.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Owner => "an owner",
            Self::Creator => "a creator",
            Self::Member => "a member",
        }
    }
}

words! {
    /// Whether an account may act (contract 2.7).
    pub enum AccountStatus {
        /// May act.
        Active = "active",
        /// Refused until activated again.
        Suspended = "suspended",
        /// Invited by e-mail; has not signed up yet (contract 5.1 gives it an id already).
        Inactive = "inactive",
    }
}

/// A person's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its identifier.
    pub id: Id<Account>,
    /// Where mail goes, and what one signs in with.
    pub email: Email,
    /// What others see.
    pub name: String,
    /// What it may do on the server.
    pub role: Role,
    /// Whether it may act.
    pub status: AccountStatus,
    /// The argon2id hash of the password; none until the person has signed up.
    pub password_hash: Option<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A text that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An e-mail address: lower-case, one `@`, no white space, at most 254 code points. Whether mail arrives is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address that a person typed.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let email = text.trim().to_lowercase();
        let plausible = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && is_host(host));
        if plausible
            && !longer_than(&email, 254)
            && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"(),;:\\".contains(c))
        {
            Ok(Self(email))
        } else {
            Err(Invalid::failed("email must be a valid e-mail address"))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`: a name until the person gives one.
    pub fn user(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Email {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// The fewest code points a password may have.
pub const SHORTEST_PASSWORD: usize = 10;
/// The most code points a password may have, so that hashing one stays cheap.
pub const LONGEST_PASSWORD: usize = 1000;

/// Checks a password that a person chose.
pub fn check_password(password: &str) -> Result<(), Invalid> {
    if password.chars().count() < SHORTEST_PASSWORD || longer_than(password, LONGEST_PASSWORD) {
        return Err(Invalid::failed(format!(
            "password must be between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters"
        )));
    }
    Ok(())
}

/// Checks the name of a person, a key or the like: 1 to 100 code points after trimming, no line breaks.
pub fn check_name(name: &str) -> Result<String, Invalid> {
    let name = name.trim();
    if name.is_empty() || longer_than(name, 100) || name.chars().any(char::is_control) {
        return Err(Invalid::failed("name must be between 1 and 100 characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_leniently_and_kept_strictly() {
        assert_eq!(Email::parse("  Ann@Example.COM ").unwrap().as_str(), "ann@example.com");
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a@b@c",
            "a b@c.d",
            "ann@.com",
            "ann@example.com\r\nBcc: x@y.z",
            "<ann@example.com>",
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret("hunter2".into())), "***");
    }

    #[test]
    fn passwords_have_a_least_length() {
        assert!(check_password("123456789").is_err());
        assert!(check_password("1234567890").is_ok());
    }
}
