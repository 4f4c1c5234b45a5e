//! What a number is held to, and how it is printed beside it.

use crate::rounds::Latency;
use std::time::Duration;

/// What a number is held to.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    Below(f64),
    /// None: it is printed to be known.
    Free,
}

/// One number that was measured.
#[derive(Clone)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) target: Target,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, target: Target, unit: &'static str, value: f64) -> Self {
        Self { what: what.into(), target, unit, value }
    }

    /// The middle and the tail of how long something took, in milliseconds; the tail is held to the target.
    pub(crate) fn latencies(what: &str, target: Target, times: Vec<Duration>) -> [Self; 2] {
        let Latency { p50, p99 } = Latency::of(times);
        [
            Self::new(format!("{what}, p50"), Target::Free, " ms", p50),
            Self::new(format!("{what}, p99"), target, " ms", p99),
        ]
    }
}

/// Prints them under each other.
pub(crate) fn print(title: &str, figures: &[Figure]) {
    println!("{title:<56}{:>12}{:>14}", "target", "measured");
    for Figure { what, target, unit, value } in figures {
        let measured = format!("{value:.2}{unit}");
        let line = format!("{what:<56}{:>12}{measured:>14}   {}", target.text(unit), target.verdict(*value));
        println!("{}", line.trim_end());
    }
}

impl Target {
    /// What it is, as one writes it.
    pub(crate) fn text(self, unit: &str) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}{unit}"),
            Self::Below(most) => format!("< {most}{unit}"),
            Self::Free => String::new(),
        }
    }

    /// Whether the value is as it should be, where anything is wanted of it.
    pub(crate) fn is_met_by(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(value >= least),
            Self::Below(most) => Some(value < most),
            Self::Free => None,
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        match self.is_met_by(value) {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        }
    }
}
