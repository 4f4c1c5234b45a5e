//! What somebody typed for a request that cannot be shown to them any more: given back to them, and nothing of the request.

use super::{
    extract::Form,
    page_answer::{FIELD, OTHER},
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    pages::{PageError, page},
};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage {
    unsent: Unsent,
    shell: Shell,
    title: &'static str,
    text: String,
}

/// What was typed, and who looks.
pub struct Unsent {
    shell: Shell,
    words: String,
}

impl Unsent {
    /// What stands in a form with an answer.
    pub fn of(form: &Form) -> Self {
        let typed = form.0.0.iter().filter(|(name, text)| [FIELD, OTHER].contains(&name.as_str()) && !text.is_empty());
        Self { shell: Shell::default(), words: typed.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ") }
    }

    /// The same on a page for them.
    pub fn seen_by(self, who: &SignedIn) -> Self {
        Self { shell: who.shell(Section::Inbox), ..self }
    }
}

/// Why an answer was not sent, and the answer.
pub fn unsent(mut unsent: Unsent, error: &PageError) -> Response {
    let (status, title, text) = error.told();
    let shell = std::mem::take(&mut unsent.shell);
    page(status, &UnsentPage { unsent, shell, title, text })
}
