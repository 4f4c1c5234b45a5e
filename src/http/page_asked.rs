//! What was asked as reviewers see it, where nobody answers: in the preview of a request, and in its story.

use super::{
    page_answer::{amount, colour, count, length, points, scale, unsigned, words},
    page_context::Tree,
    page_forms::Filled,
    page_markdown::safe_html,
};
use crate::domain::{Content, response::Spec};
use askama::Template;

/// A request with its controls, which answer nothing.
#[derive(Template)]
#[template(path = "asked_shown.html")]
pub struct Asked<'a> {
    content: &'a Content,
    text: String,
    spec: Option<Spec>,
    form: Filled,
    /// Whether the controls are folded away: they were of use once.
    is_folded: bool,
}

impl<'a> Asked<'a> {
    /// What that asks.
    pub fn of(content: &'a Content) -> Self {
        let text = safe_html(&content.request_text);
        Self { content, text, spec: content.spec().ok(), form: Filled::default(), is_folded: false }
    }

    /// The same where nobody can answer any more.
    pub fn folded(self, is_folded: bool) -> Self {
        Self { is_folded, ..self }
    }

    /// Whether there are images from elsewhere in it.
    pub fn shows_images(&self) -> bool {
        self.content.image_url.is_some() || self.text.contains("<img ")
    }

    /// As HTML.
    pub fn html(&self) -> String {
        self.render().expect("our templates render")
    }
}
