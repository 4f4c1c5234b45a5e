//! Identifiers: 24 hex digits outside, typed inside (contract 1.4.1).

use super::Timestamp;
use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

/// An identifier that cannot be confused with another kind of identifier. The second it was made comes
/// first, so ids sort by age; eight random bytes follow.
pub struct Id<K>([u8; 12], PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// A fresh identifier, from the time and from chance.
    pub fn new(now: Timestamp, random: [u8; 8]) -> Self {
        let mut bytes = [0; 12];
        let seconds = u32::try_from(now.seconds()).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&random);
        Self(bytes, PhantomData)
    }

    fn digits(self) -> [u8; 24] {
        let mut digits = [0; 24];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&pair_of(byte));
        }
        digits
    }

    /// The same digits in the place of another kind's identifier.
    pub const fn retyped<L>(self) -> Id<L> {
        Id(self.0, PhantomData)
    }
}

impl<K> Copy for Id<K> {}
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text_of(&self.digits()))
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text_of(&self.digits()))
    }
}
impl<K> FromStr for Id<K> {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FAULT: &str = "not 24 hex digits";
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return Err(FAULT);
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
            *byte = digit(pair[0]).ok_or(FAULT)? << 4 | digit(pair[1]).ok_or(FAULT)?;
        }
        Ok(Self(bytes, PhantomData))
    }
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<u8> = bytes.iter().copied().flat_map(pair_of).collect();
    text_of(&digits).to_owned()
}

fn pair_of(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_either_case_and_prints_lower_case() {
        let id: Id<()> = "65F1234567890abcdef12345".parse().unwrap();
        assert_eq!(id.to_string(), "65f1234567890abcdef12345");
    }

    #[test]
    fn refuses_anything_but_24_hex_digits() {
        for text in [
            "",
            "65f1234567890abcdef1234",
            "65f1234567890abcdef123456",
            "65f1234567890abcdef1234g",
            "+5f1234567890abcdef12345",
            "65f1234567890abcdéf1234",
        ] {
            assert!(text.parse::<Id<()>>().is_err(), "{text}");
        }
    }

    #[test]
    fn sorts_by_age() {
        let early: Id<()> = Id::new(Timestamp::from_seconds(10), [255; 8]);
        let late = Id::new(Timestamp::from_seconds(11), [0; 8]);
        assert!(early < late);
    }
}
