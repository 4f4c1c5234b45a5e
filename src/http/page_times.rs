//! Times as people say them: how long ago, how long still. `assets/time.js` says the same in the browser and keeps it true.

use crate::domain::Timestamp;

/// A time on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// For machines: RFC 3339.
    pub at: String,
    /// For people, as of now.
    pub words: String,
    /// `age` or `left`: how the words follow the clock.
    pub kind: &'static str,
    /// Whether little time is left: within a quarter of an hour, as reviewers are warned (contract 16.1).
    pub is_soon: bool,
}

/// Seconds before an end from which on it is soon.
const SOON: i64 = 15 * 60;

impl Moment {
    /// How long ago something was.
    pub fn age(at: Timestamp, now: Timestamp) -> Self {
        let seconds = now.seconds() - at.seconds();
        let words = if seconds < 60 { "just now".to_owned() } else { format!("{} ago", span(seconds)) };
        Self { at: at.to_string(), words, kind: "age", is_soon: false }
    }

    /// How long something has still.
    pub fn left(at: Timestamp, now: Timestamp) -> Self {
        let seconds = at.seconds() - now.seconds();
        let words = match seconds {
            ..=0 => "time is up".to_owned(),
            1..60 => format!("{seconds} s left"),
            3600..36_000 if seconds % 3600 >= 60 => format!("{} h {} min left", seconds / 3600, seconds % 3600 / 60),
            _ => format!("{} left", span(seconds)),
        };
        Self { at: at.to_string(), words, kind: "left", is_soon: seconds < SOON }
    }
}

/// The start of a day in UTC, such as `2030-01-31`, or of one so many days later, while its year has four digits.
pub fn start_of_day(text: &str, days_later: i64) -> Option<Timestamp> {
    const YEAR_10000: Timestamp = Timestamp::from_seconds(253_402_300_800);
    let start = format!("{text}T00:00:00Z").parse::<Timestamp>().ok()?.plus_seconds(days_later * 86_400);
    (start < YEAR_10000).then_some(start)
}

/// How long something took, rounded down: `42 s`, `23 min`; in two units while there are few of the larger: `3 min 20 s`.
pub fn lasted(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (large, small) = match seconds {
        ..60 => return format!("{seconds} s"),
        60..3600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86_400 => ((seconds / 3600, "h"), (seconds % 3600 / 60, "min")),
        _ => ((seconds / 86_400, if seconds < 172_800 { "day" } else { "days" }), (seconds % 86_400 / 3600, "h")),
    };
    match (large, small) {
        ((count @ ..10, unit), (rest @ 1.., part)) => format!("{count} {unit} {rest} {part}"),
        ((count, unit), _) => format!("{count} {unit}"),
    }
}

/// A span in its largest unit, rounded down: `59 min`, `3 h`, `2 days`.
fn span(seconds: i64) -> String {
    match seconds {
        ..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    #[test]
    fn times_are_said_in_their_largest_unit() {
        let ages = [
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (7300, "2 h ago"),
            (90_000, "1 day ago"),
            (200_000, "2 days ago"),
        ];
        for (seconds, words) in ages {
            assert_eq!(Moment::age(at(0), at(seconds)).words, words);
        }
        let left = [
            (-5, "time is up"),
            (0, "time is up"),
            (1, "1 s left"),
            (60, "1 min left"),
            (3600, "1 h left"),
            (259_200, "3 days left"),
        ];
        for (seconds, words) in left {
            assert_eq!(Moment::left(at(seconds), at(0)).words, words);
        }
        let lasting = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (659, "10 min"),
            (3600, "1 h"),
            (11_520, "3 h 12 min"),
            (86_400, "1 day"),
            (187_200, "2 days 4 h"),
        ];
        for (seconds, words) in lasting {
            assert_eq!(lasted(seconds * 1_000_000 + 999_999), words);
        }
        assert!(Moment::left(at(899), at(0)).is_soon && !Moment::left(at(900), at(0)).is_soon);
    }
}
