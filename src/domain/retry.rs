//! When a delivery is tried again (contract 12.6, quality B).

use super::Timestamp;

/// Seconds from one failure to the next attempt. Together with the first there are nine attempts.
pub const DELAYS: [i64; 8] = [0, 15, 60, 300, 1800, 7200, 43_200, 86_400];

/// The most attempts that are made.
pub const MOST_ATTEMPTS: i64 = 9;

/// The longest `Retry-After` that is honoured, in seconds.
pub const LONGEST_RETRY_AFTER: i64 = 3600;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Any 2xx.
    Delivered,
    /// May go better later; the receiver may have said when, in seconds.
    Again(Option<i64>),
    /// Will not go better.
    Failed,
    /// The receiver wants nothing more, ever (410).
    Gone,
}

/// What a status means: redirects are failures and never followed.
pub fn outcome(status: u16, retry_after: Option<i64>) -> Outcome {
    match status {
        200..300 => Outcome::Delivered,
        410 => Outcome::Gone,
        408 => Outcome::Again(None),
        429 | 503 => Outcome::Again(retry_after),
        400..500 => Outcome::Failed,
        _ => Outcome::Again(None),
    }
}

/// When to try again after the attempt of that number (1 is the first) failed; `None` when it was the last. `chance` from 0 to 255
/// spreads the delay by up to a fifth either way, so that what failed together does not come back together.
pub fn next_attempt(attempt: i64, retry_after: Option<i64>, chance: u8, now: Timestamp) -> Option<Timestamp> {
    let delay = *DELAYS.get(usize::try_from(attempt - 1).ok()?)?;
    let spread = delay * 1_000_000 / 5 * (i64::from(chance) * 2 - 255) / 255;
    let delay = delay * 1_000_000 + spread;
    let asked = retry_after.unwrap_or(0).clamp(0, LONGEST_RETRY_AFTER) * 1_000_000;
    Some(Timestamp::from_micros(now.micros() + delay.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn delay(attempt: i64, retry_after: Option<i64>, chance: u8) -> Option<f64> {
        next_attempt(attempt, retry_after, chance, NOW).map(|at| at.seconds_since(NOW))
    }

    #[test]
    fn nine_attempts_with_growing_delays() {
        let seconds: Vec<_> =
            (1..).map_while(|attempt| delay(attempt, None, 255)).map(|seconds| seconds / 1.2).collect();
        assert_eq!(seconds.len() + 1, usize::try_from(MOST_ATTEMPTS).unwrap());
        for (seconds, documented) in seconds.iter().zip([0.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0, 86_400.0]) {
            assert!((seconds - documented).abs() < 0.01, "{seconds} for {documented}");
        }
    }

    #[test]
    fn chance_spreads_by_a_fifth() {
        assert_eq!([0, 255].map(|chance| delay(3, None, chance)), [Some(48.0), Some(72.0)]);
    }

    #[test]
    fn the_receiver_may_ask_for_more_time_within_bounds() {
        assert_eq!(delay(1, Some(30), 0), Some(30.0));
        assert_eq!(delay(1, Some(86_400), 0), Some(3600.0));
        assert_eq!(delay(5, Some(1), 0), Some(1440.0));
        assert_eq!(delay(1, Some(-5), 0), Some(0.0));
    }

    #[test]
    fn statuses_mean_what_the_contract_says() {
        for (status, meaning) in [
            (200, Outcome::Delivered),
            (299, Outcome::Delivered),
            (301, Outcome::Again(None)),
            (400, Outcome::Failed),
            (404, Outcome::Failed),
            (408, Outcome::Again(None)),
            (410, Outcome::Gone),
            (429, Outcome::Again(Some(9))),
            (500, Outcome::Again(None)),
            (503, Outcome::Again(Some(9))),
        ] {
            assert_eq!(outcome(status, Some(9)), meaning, "{status}");
        }
    }
}
