//! How long it will take, said before it begins; and when it is given up.

use crate::options::Options;
use std::{fmt, time::Duration};

/// What is driven in turns on each engine, a round: calls, numbers of connections, stored requests, waiting calls.
const TURNS: u32 = 14 + 10 + 16 + 2;
/// Starts of a server that a round has, ours and the floor's.
const COLD: u32 = 2;
/// About how many requests a second are stored and asked on a small machine.
const STORED_A_SECOND: u32 = 8_000;
const ASKED_A_SECOND: u32 = 1_000;
/// Whatever else there is to do: people, pauses, the machine itself.
const ELSE: Duration = Duration::from_secs(40);
/// What may be lost before it counts as hung.
const ALLOWANCE: Duration = Duration::from_mins(3);

/// Both.
pub(super) struct Plan {
    expected: Duration,
    /// It never takes longer.
    pub(super) most: Duration,
}

impl Plan {
    pub(super) fn of(options: &Options) -> Self {
        let turn = options.length() * 11 / 10 + Duration::from_millis(100);
        let cold = turn + Duration::from_millis(2_500);
        let stored = Duration::from_secs((options.stored / STORED_A_SECOND).into());
        let asked = Duration::from_secs((2 * options.waiters / ASKED_A_SECOND).into());
        let one = options.rounds * (TURNS * turn + COLD * cold) + 2 * options.length() + stored + asked + ELSE;
        let engines = u32::try_from(options.engines().count()).unwrap_or(1);
        let expected = engines * one;
        Self { expected, most: expected * 3 / 2 + ALLOWANCE }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = |time: Duration| time.as_secs_f64() / 60.0;
        write!(f, "about {:.0} minutes, at most {:.0}", minutes(self.expected).ceil(), minutes(self.most).ceil())
    }
}
