//! Where one arrives: the start for visitors, the API's description, and all parts of the site for small screens.

use super::{
    page_shell::{Section, Shell},
    page_signed_in::{SignedIn, Visitor},
    pages::{see_other, shown},
};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    version: &'static str,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    shell: Shell,
}

#[derive(Template)]
#[template(path = "menu.html")]
struct Menu {
    shell: Shell,
}

/// The start. Who is signed in has work to do instead.
pub async fn home(visitor: Visitor) -> Response {
    if visitor.who.is_some() {
        return see_other(&Section::Inbox.href(), None);
    }
    shown(&Home { shell: visitor.shell(None), version: env!("CARGO_PKG_VERSION") })
}

/// The API's description, readable.
pub async fn docs(visitor: Visitor) -> Response {
    shown(&Docs { shell: visitor.shell(None) })
}

/// All parts of the site.
pub async fn menu(who: SignedIn) -> Response {
    shown(&Menu { shell: who.shell(Section::Menu) })
}
