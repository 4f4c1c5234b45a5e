//! Tables as Markdown has them, and numbers as people read them.

use crate::figures::Figure;
use std::fmt::Write;

/// A table under its heading, if it has one of its own.
pub(crate) struct Table {
    title: String,
    /// What its numbers are, in a sentence or two.
    note: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, note: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { title: title.into(), note: note.into(), columns, rows: Vec::new() }
    }

    /// What was measured, each with what it is held to and whether it is met.
    pub(crate) fn of_figures(title: impl Into<String>, note: impl Into<String>, figures: &[Figure]) -> Self {
        let mut table = Self::new(title, note, &["", "measured", "target", ""]);
        for Figure { what, target, unit, value } in figures {
            let verdict = match target.is_met_by(*value) {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            table.row([what.clone(), format!("{}{unit}", number(*value)), target.text(unit), verdict.to_owned()]);
        }
        table
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        if !self.title.is_empty() {
            let _ = write!(text, "#### {}\n\n", self.title);
        }
        if !self.note.is_empty() {
            let _ = write!(text, "{}\n\n", self.note);
        }
        let _ = writeln!(text, "| {} |", self.columns.join(" | "));
        let _ = writeln!(text, "|---|{}", "--:|".repeat(self.columns.len() - 1));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}

/// With as many places as say something; nothing where nothing was measured.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Without places, and a comma at the thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
