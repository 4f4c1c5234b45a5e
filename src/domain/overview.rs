//! How requests stand and went: what is open, what came of it day by day, how long answers took.

use super::Timestamp;

/// How many days are looked back on, today included.
pub const DAYS: usize = 14;
/// How many days' answers are timed, and timeouts are summed, today included.
pub const WEEK: usize = 7;

const DAY_SECONDS: i64 = 24 * 3600;

/// What came of requests on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Answered by a person.
    pub answered: i64,
    /// Answered by nobody in time.
    pub timed_out: i64,
}

/// How the requests of a loop, or of several, stand and went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests that wait for an answer.
    pub open: i64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Timestamp>,
    /// Day by day; today is the last.
    pub days: [Day; DAYS],
    /// How long answers of the last week took, in microseconds; the shortest first.
    pub spans: Vec<i64>,
}

impl Standing {
    /// Answered today.
    pub fn today(&self) -> i64 {
        self.days[DAYS - 1].answered
    }

    /// Timed out in the last week.
    pub fn timed_out(&self) -> i64 {
        self.days[DAYS - WEEK..].iter().map(|day| day.timed_out).sum()
    }

    /// How long the answer in the middle took, in microseconds.
    pub fn median(&self) -> Option<i64> {
        self.within(50)
    }

    /// How long all but the slowest twentieth of answers took at most, in microseconds.
    pub fn p95(&self) -> Option<i64> {
        self.within(95)
    }

    /// What a share of the answers, in per cent, did not take longer than: the nearest rank.
    fn within(&self, percent: usize) -> Option<i64> {
        let rank = (self.spans.len() * percent).div_ceil(100);
        self.spans.get(rank.checked_sub(1)?).copied()
    }

    /// Whether nothing is open, and nothing came of anything on any of the days.
    pub fn is_idle(&self) -> bool {
        self.open == 0 && self.days == <[Day; DAYS]>::default()
    }

    /// All of these together.
    #[must_use]
    pub fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for it in all {
            sum.open += it.open;
            sum.oldest = sum.oldest.into_iter().chain(it.oldest).min();
            for (day, more) in sum.days.iter_mut().zip(it.days) {
                day.answered += more.answered;
                day.timed_out += more.timed_out;
            }
            sum.spans.extend(&it.spans);
        }
        sum.spans.sort_unstable();
        sum
    }
}

/// When the days begin, the earliest first, and last when today ends. Days are those of UTC.
pub fn borders(now: Timestamp) -> [Timestamp; DAYS + 1] {
    let today = now.seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS;
    let ago = |days: usize| i64::try_from(days).expect("two weeks") * DAY_SECONDS;
    std::array::from_fn(|index| Timestamp::from_seconds(today + DAY_SECONDS - ago(DAYS - index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc_and_today_is_the_last() {
        let borders = borders("2024-03-01T23:59:59Z".parse().unwrap());
        let texts = borders.map(|at| at.to_string());
        assert_eq!(
            (&*texts[0], &*texts[DAYS - 1], &*texts[DAYS]),
            ("2024-02-17T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z")
        );
    }

    #[test]
    fn shares_are_found_by_the_nearest_rank() {
        let of = |count: i64| Standing { spans: (1..=count).collect(), ..Standing::default() };
        for (count, median, p95) in [
            (0, None, None),
            (1, Some(1), Some(1)),
            (2, Some(1), Some(2)),
            (20, Some(10), Some(19)),
            (100, Some(50), Some(95)),
        ] {
            assert_eq!((of(count).median(), of(count).p95()), (median, p95), "{count}");
        }
    }

    #[test]
    fn several_together_are_counted_once_each() {
        let mut days = [Day::default(); DAYS];
        days[DAYS - WEEK - 1] = Day { answered: 0, timed_out: 5 };
        days[DAYS - 1] = Day { answered: 2, timed_out: 1 };
        let one = Standing { open: 1, oldest: Some(Timestamp::from_seconds(9)), days, spans: vec![3, 8] };
        let other = Standing { open: 2, oldest: Some(Timestamp::from_seconds(4)), days, spans: vec![5] };
        let both = Standing::sum([&one, &other].into_iter());
        assert_eq!((both.open, both.oldest, both.today(), both.timed_out()), (3, other.oldest, 4, 2));
        assert_eq!((both.median(), both.is_idle(), Standing::default().is_idle()), (Some(5), false, true));
    }
}
