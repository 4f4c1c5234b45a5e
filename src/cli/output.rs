//! What is written to stdout: tables for people, JSON for programs. Does not know what is in them.

use super::failure::Failure;
use comfy_table::{Table, presets};
use serde_json::Value;
use std::io::{self, Write};

/// How a command shows its result.
#[derive(clap::Args)]
pub(super) struct Format {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Format {
    /// Prints one of the two.
    pub(super) fn print(&self, json: &Value, human: impl FnOnce() -> String) -> anyhow::Result<()> {
        print(&if self.json { format!("{json:#}") } else { human() })
    }

    /// Prints what a program wants to read beside a failure, which people read on stderr.
    pub(super) fn print_json(&self, json: &Value) -> anyhow::Result<()> {
        if self.json { print(&format!("{json:#}")) } else { Ok(()) }
    }
}

/// Prints lines.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed.into(),
        _ => anyhow::Error::new(error).context("the output cannot be written"),
    })
}

/// A row for each thing, under a header.
pub(super) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.into_iter().map(|row| row.map(|cell| plain(&cell))).collect();
    if rows.is_empty() {
        return "none".to_owned();
    }
    drawn(Table::new().set_header(header).add_rows(rows))
}

/// A line for each property of one thing.
pub(super) fn record<const N: usize>(properties: [(&str, String); N]) -> String {
    drawn(Table::new().add_rows(properties.map(|(name, value)| [name.to_owned(), plain(&value)])))
}

fn drawn(table: &mut Table) -> String {
    table.load_preset(presets::NOTHING);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// What somebody wrote, without what could steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The beginning of a text, up to that many characters.
pub(super) fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value, or a dash where there is none.
pub(super) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Values in one cell.
pub(super) fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_columns_without_borders() {
        let rows = [["1".to_owned(), "Ann".to_owned()], ["22".to_owned(), "Bo\u{1b}[2J\nx".to_owned()]];
        assert_eq!(table(["ID", "NAME"], rows), "ID  NAME\n1   Ann\n22  Bo [2J x");
        assert_eq!(table(["ID"], []), "none");
        assert_eq!(record([("id", "1".to_owned()), ("name", "Ann".to_owned())]), "id    1\nname  Ann");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(beginning("äöü", 3), "äöü");
        assert_eq!(beginning("äöüß", 3), "äöü…");
    }
}
