//! A request in one line, for lists and notifications: its first words without the markdown, and its answer as people say it.

use super::Request;
use pulldown_cmark::{Event, Parser, TagEnd};
use serde_json::Value;

/// The most code points of a line.
const LONGEST: usize = 160;
/// The most code points of a line in a notification (contract 10.6).
const PREVIEW: usize = 100;

/// The first paragraph, heading or item of a text in markdown, without its marks. A text of nothing but marks is shown as it is.
pub fn first_line(markdown: &str) -> String {
    let mut line = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) => line.push_str(&text),
            Event::SoftBreak | Event::HardBreak => line.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock)
                if !line.trim().is_empty() =>
            {
                break;
            }
            _ => {}
        }
    }
    let line = if line.trim().is_empty() { markdown } else { &line };
    cut(line)
}

fn cut(text: &str) -> String {
    cut_to(text, LONGEST)
}

/// In one line, cut at a word where it is too long.
fn cut_to(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(most) else { return line };
    let end = line[..end].rfind(' ').filter(|space| *space > most / 2).unwrap_or(end);
    format!("{}…", &line[..end])
}

impl Request {
    /// What it asks, in one line.
    pub fn first_line(&self) -> String {
        first_line(&self.content.request_text)
    }

    /// What it asks, as a notification says it.
    pub fn preview(&self) -> String {
        cut_to(&self.first_line(), PREVIEW)
    }

    /// Its answer as people say it, in one line: labels rather than values.
    pub fn answer_line(&self) -> Option<String> {
        said(&self.response_details()?).map(|line| cut(&line))
    }

    /// What stands because nobody answered in time, as people say it.
    pub fn default_line(&self) -> Option<String> {
        self.answer_in_words(&self.content.default_response.as_ref()?.value()).map(|line| cut(&line))
    }

    /// An answer that was given or not, whole, as people say it; one that does not fit, as it is. Null is none.
    pub fn answer_in_words(&self, given: &Value) -> Option<String> {
        let spec = self.content.spec().ok()?;
        let meant = spec.answer(given).ok().and_then(|answer| said(&spec.details(&answer)));
        let as_sent = || given.as_str().map_or_else(|| given.to_string(), str::to_owned);
        (!given.is_null()).then(|| meant.unwrap_or_else(as_sent))
    }

    /// What its asker thought of the answer, in one line: the rating and the words.
    pub fn feedback_line(&self) -> Option<String> {
        let feedback = self.feedback.as_ref()?.value();
        let rating = feedback["rating"].as_f64().map(|rating| format!("{rating} of 5"));
        let words = ["comment", "category"].into_iter().find_map(|name| feedback[name].as_str());
        let parts: Vec<_> = rating.into_iter().chain(words.map(str::to_owned)).collect();
        Some(if parts.is_empty() { "received".to_owned() } else { cut(&parts.join(" · ")) })
    }
}

/// An answer in the object dialect, in words.
fn said(details: &Value) -> Option<String> {
    let text = |name: &str| details[name].as_str();
    let labels = details["selected_labels"].as_array().map(|labels| {
        let labels: Vec<_> = labels.iter().filter_map(Value::as_str).collect();
        if labels.is_empty() { "None".to_owned() } else { labels.join(", ") }
    });
    let rating = details.get("rating").map(|rating| match text("rating_label") {
        Some(label) => format!("{rating} ({label})"),
        None => rating.to_string(),
    });
    let one = ["text", "selected_label", "boolean_label", "formatted_value"].into_iter().find_map(text);
    one.map(str::to_owned).or(labels).or(rating)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_has_no_marks() {
        for (markdown, line) in [
            ("# Ship **version 2.4**?\n\nIt is late.", "Ship version 2.4?"),
            ("Is `main` [good](https://example.com)\nto go?", "Is main good to go?"),
            ("> quoted\n\nmore", "quoted"),
            ("* one\n* two", "one"),
            ("```\ncode here\n```\nmore", "code here"),
            ("![](https://example.com/x.png)\n\nWhat is this?", "What is this?"),
            ("<b>bold</b> text", "bold text"),
            ("---", "---"),
        ] {
            assert_eq!(first_line(markdown), line, "{markdown:?}");
        }
    }

    #[test]
    fn long_lines_are_cut_at_a_word() {
        let line = first_line(&"word ".repeat(100));
        assert!(line.ends_with("word…") && line.chars().count() <= LONGEST + 1, "{line}");
        assert_eq!(first_line(&"é".repeat(500)).chars().count(), LONGEST + 1);
    }
}
