//! Instants: microseconds inside, RFC 3339 in whole seconds outside (contract 1.4.2).

use serde::ser::Error;
use std::{fmt, str::FromStr};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// An instant, to the microsecond: the finest that both engines keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This many seconds later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Microseconds from `earlier` to here; negative if it is later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Seconds from `earlier` to here, to the millisecond (contract 8.9).
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any real span fit 53 bits")]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.micros_since(earlier) / 1000) as f64 / 1000.0
    }

    /// In RFC 3339, to the second; `None` where the year has not four digits. By hand, because each request shows seven.
    fn digits(self) -> Option<[u8; 20]> {
        let instant = OffsetDateTime::from_unix_timestamp(self.seconds()).ok()?;
        let (date, (hour, minute, second)) = (instant.date(), instant.to_hms());
        let year = u16::try_from(date.year()).ok().filter(|year| *year < 10_000)?;
        let pairs = [
            (0, u8::try_from(year / 100).ok()?),
            (2, u8::try_from(year % 100).ok()?),
            (5, date.month().into()),
            (8, date.day()),
            (11, hour),
            (14, minute),
            (17, second),
        ];
        let mut digits = *b"0000-00-00T00:00:00Z";
        for (place, number) in pairs {
            digits[place] += number / 10;
            digits[place + 1] += number % 10;
        }
        Some(digits)
    }

    /// The same to the microsecond, in RFC 3339.
    pub fn precise(self) -> String {
        let nanoseconds = i128::from(self.0) * 1000;
        let instant = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
        instant.and_then(|instant| instant.format(&Rfc3339).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits().ok_or(fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).expect("digits are ASCII"))
    }
}

impl FromStr for Timestamp {
    type Err = &'static str;
    /// Any RFC 3339 timestamp, with any offset.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "not an RFC 3339 timestamp")?;
        i64::try_from(instant.unix_timestamp_nanos() / 1000).map(Self).map_err(|_| "out of range")
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let digits = self.digits().ok_or_else(|| S::Error::custom("no RFC 3339 timestamp"))?;
        to.serialize_str(std::str::from_utf8(&digits).expect("digits are ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_whole_seconds_in_utc() {
        let instant: Timestamp = "2024-03-15T11:30:00.987654+01:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2024-03-15T10:30:00Z");
        assert_eq!(instant.micros() % 1_000_000, 987_654);
        assert_eq!(instant.precise(), "2024-03-15T10:30:00.987654Z");
        assert_eq!(instant.precise().parse(), Ok(instant));
    }

    #[test]
    fn every_part_of_an_instant_has_its_digits() {
        for text in ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2000-02-29T01:02:03Z", "9999-12-31T23:59:59Z"] {
            let instant: Timestamp = text.parse().unwrap();
            assert_eq!(instant.to_string(), text);
            assert_eq!(serde_json::to_value(instant).unwrap(), text);
            assert_eq!(instant.precise(), text, "as the library has it");
        }
        assert!(serde_json::to_value(Timestamp::from_seconds(253_402_300_800)).is_err(), "the year 10000");
    }

    #[test]
    fn response_time_keeps_three_decimals() {
        let start = Timestamp::from_micros(1_000_000);
        assert!((Timestamp::from_micros(901_500_999).seconds_since(start) - 900.5).abs() < f64::EPSILON);
    }
}
