//! The hourly limit: a window that opens at the first request and closes 3600 s later (contract 3).

use super::Timestamp;

/// How long a window stays open.
pub const WINDOW_SECONDS: i64 = 3600;

/// What stands for "no limit" (a setting of 0): more than anybody can send in an hour, so that one rule serves all.
pub const UNLIMITED: i64 = 1_000_000_000;

/// The limit that a key has: its own, else the server's; 0 is none.
pub fn effective(own: Option<i64>, server: i64) -> i64 {
    match own.unwrap_or(server) {
        0 => UNLIMITED,
        limit => limit,
    }
}

/// How many requests a process may take from a window at once. 1 up to a limit of 2000, so that counting is exact to
/// the request; then a thousandth, so that a busy key does not wait for the database at each call.
///
/// A process that stops gives back what it did not use. One that dies takes it along, up to a thousandth of the limit until
/// the window closes: nobody knows how much of it was used, and giving back what was used would let more than the limit through.
pub fn block(limit: i64) -> i64 {
    (limit / 1000).max(1)
}

/// Whether so much of a window is used that its owner should know: 80 % (contract 3.9).
pub fn is_nearly_used(used: i64, limit: i64) -> bool {
    used * 5 >= limit * 4
}

/// What a caller is told of its window (contract 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Requests an hour.
    pub limit: i64,
    /// Requests left, after counting this one.
    pub remaining: i64,
    /// When the window closes.
    pub closes_at: Timestamp,
}

impl Window {
    /// Requests counted so far.
    pub fn used(self) -> i64 {
        self.limit - self.remaining
    }

    /// The window's end in whole seconds since 1970, rounded up so that it is never before the real one.
    pub fn reset(self) -> i64 {
        self.closes_at.micros().div_euclid(1_000_000) + i64::from(self.closes_at.micros().rem_euclid(1_000_000) > 0)
    }

    /// Whole seconds to wait for the next window, at least 1 (contract 3.4).
    pub fn retry_after(self, now: Timestamp) -> i64 {
        let micros = self.closes_at.micros_since(now);
        (micros / 1_000_000 + i64::from(micros % 1_000_000 > 0)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_limits_are_counted_one_by_one() {
        assert_eq!([1, 100, 1000, 1999, 5000, UNLIMITED].map(block), [1, 1, 1, 1, 5, 1_000_000]);
    }

    #[test]
    fn a_keys_own_limit_wins_and_zero_is_none() {
        assert_eq!(
            [effective(None, 100), effective(Some(7), 100), effective(Some(0), 100), effective(None, 0)],
            [100, 7, UNLIMITED, UNLIMITED]
        );
    }

    #[test]
    fn waiting_is_rounded_up() {
        let window = Window { limit: 1, remaining: 0, closes_at: Timestamp::from_micros(10_000_001) };
        assert_eq!(window.retry_after(Timestamp::from_micros(9_000_001)), 1);
        assert_eq!(window.retry_after(Timestamp::from_micros(9_000_000)), 2);
        assert_eq!(window.retry_after(Timestamp::from_micros(10_000_001)), 1);
        assert_eq!(window.reset(), 11);
    }
}
