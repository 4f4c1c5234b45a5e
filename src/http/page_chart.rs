//! Bars drawn as SVG: what came of requests, day by day. The numbers stand beside them as a table.

use crate::domain::{
    Timestamp,
    overview::{DAYS, Day, borders},
};
use askama::Template;

/// The room between the bottom and the top of the drawing, in its own units.
const HEIGHT: i64 = 100;
/// From one bar to the next, and how broad one is.
const STEP: i64 = 10;
const BREADTH: i64 = 7;

/// One day of it.
struct Bar {
    x: i64,
    answered: i64,
    timed_out: i64,
    label: String,
    day: Day,
}

/// A chart of the last days.
#[derive(Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    bars: Vec<Bar>,
    /// The most that came together on one day: the height of the drawing.
    pub(super) top: i64,
    /// Without words and table, beside numbers that say the same.
    is_small: bool,
}

impl Chart {
    /// Of these days, with all its words.
    pub(super) fn new(days: &[Day; DAYS], now: Timestamp) -> Self {
        Self::draw(days, now, false)
    }

    /// The same to be seen at a glance, beside the numbers.
    pub(super) fn small(days: &[Day; DAYS], now: Timestamp) -> Self {
        Self::draw(days, now, true)
    }

    fn draw(days: &[Day; DAYS], now: Timestamp, is_small: bool) -> Self {
        let top = days.iter().map(|day| day.answered + day.timed_out).max().unwrap_or_default();
        // Even one of many can be seen.
        let height = |count: i64| if count == 0 { 0 } else { (count * HEIGHT / top.max(1)).max(2) };
        let bar = |(x, (day, begins)): (i64, (&Day, Timestamp))| Bar {
            x: x * STEP,
            answered: height(day.answered),
            timed_out: height(day.timed_out),
            label: date(begins),
            day: *day,
        };
        Self { bars: (0..).zip(days.iter().zip(borders(now))).map(bar).collect(), top, is_small }
    }

    fn width(&self) -> i64 {
        STEP * i64::try_from(self.bars.len()).expect("two weeks") - (STEP - BREADTH)
    }

    fn sum(&self, count: fn(&Day) -> i64) -> i64 {
        self.bars.iter().map(|bar| count(&bar.day)).sum()
    }

    fn answered(&self) -> i64 {
        self.sum(|day| day.answered)
    }

    fn timed_out(&self) -> i64 {
        self.sum(|day| day.timed_out)
    }

    /// As HTML.
    pub(super) fn html(&self) -> String {
        self.render().expect("our templates render")
    }
}

/// A day as people write it: `15 Mar`.
fn date(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<usize>().ok());
    let (Some(month), Some(day)) = (number(5), number(8)) else { return text };
    format!("{day} {}", MONTHS[(month - 1) % 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(day: Day) -> Chart {
        let mut days = [Day::default(); DAYS];
        days[DAYS - 1] = day;
        Chart::new(&days, "2024-03-01T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn bars_stand_on_each_other_and_the_smallest_is_seen() {
        let chart = chart(Day { answered: 999, timed_out: 1 });
        let last = &chart.bars[DAYS - 1];
        assert_eq!((last.answered, last.timed_out, chart.top, last.x), (99, 2, 1000, 130));
        let (first, svg) = (&chart.bars[0], chart.html());
        assert_eq!((first.answered, first.label.as_str(), last.label.as_str()), (0, "17 Feb", "1 Mar"));
        assert!(svg.contains("999 answered and 1 timed out") && svg.contains("viewBox=\"0 0 137 104\""), "{svg}");
    }

    #[test]
    fn nothing_is_drawn_where_nothing_was() {
        let chart = chart(Day::default());
        assert_eq!((chart.top, chart.html().matches("<rect").count()), (0, 0));
    }
}
