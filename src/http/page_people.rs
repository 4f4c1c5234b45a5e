//! Everybody on the server, for its owners: searching them, inviting one.

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_places::{around, link},
    page_shell::{Section, Shell},
    page_signed_in::Owner,
    page_times::Moment,
    pages::{PageError, again, page, see_other, shown},
    qr,
};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Email, Invalid, Role, Timestamp, request_filters::Query, words::Word},
    service::{Result, accounts::NewAccount, people},
    store::people::{Invited, Person},
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use base64::prelude::{BASE64_STANDARD, Engine};

type Page = std::result::Result<Response, PageError>;

/// Somebody in the list.
struct Row {
    it: Person,
    last_seen: Option<Moment>,
}

impl Row {
    fn new(it: Person, now: Timestamp) -> Self {
        Self { last_seen: it.last_seen_at.map(|at| Moment::age(at, now)), it }
    }
}

/// An invitation that nobody has taken up.
struct Outstanding {
    it: Invited,
    made: Moment,
    link_left: Option<Moment>,
}

impl Outstanding {
    fn new(it: Invited, now: Timestamp) -> Self {
        let (made, link_left) =
            (Moment::age(it.account.created_at, now), it.link_until.map(|at| Moment::left(at, now)));
        Self { it, made, link_left }
    }
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    shell: Shell,
    /// Only where all people are shown, and before them.
    invitations: Vec<Outstanding>,
    rows: Vec<Row>,
    total: i64,
    query: Query,
    earlier: Option<String>,
    later: Option<String>,
}

/// What the list can be narrowed by.
const FILTERS: [&str; 4] = ["search", "role", "status", "limit"];

impl PeoplePage {
    fn chosen(&self, name: &str, value: &str) -> bool {
        self.query.value(name) == Some(value)
    }

    fn is_filtered(&self) -> bool {
        FILTERS[..3].iter().any(|name| self.query.value(name).is_some())
    }
}

/// Everybody, narrowed and in pages.
pub async fn list(Owner(who): Owner, State(app): State<App>, query: Query) -> Page {
    let found = people::list(&app, &query).await?;
    let total = found.total;
    let link = |offset: i64| link("/people", &query, &FILTERS, Some(("offset", &offset.to_string())));
    let (earlier, later) = around(found.page, total, link);
    let shows_all = FILTERS[..3].iter().all(|name| query.value(name).is_none()) && found.page.offset == 0;
    let invited = if shows_all { people::invitations(&app).await? } else { vec![] };
    Ok(shown(&PeoplePage {
        shell: who.shell(Section::People),
        invitations: invited.into_iter().map(|it| Outstanding::new(it, app.now())).collect(),
        rows: found.people.into_iter().map(|it| Row::new(it, app.now())).collect(),
        total,
        earlier,
        later,
        query,
    }))
}

#[derive(Template)]
#[template(path = "person_new.html")]
struct InvitePage {
    shell: Shell,
    form: Filled,
    /// Whether the invitation is sent by mail.
    mails: bool,
}

impl InvitePage {
    /// What their address is for.
    fn about_address(&self) -> &'static str {
        if self.mails {
            "What they sign in with, and where the link is sent."
        } else {
            "What they sign in with. No mail is sent."
        }
    }
}

/// The form to invite somebody with.
pub async fn form(Owner(who): Owner, State(app): State<App>) -> Response {
    let form = Filled::with([("role", Role::Member.as_str())]);
    shown(&InvitePage { shell: who.shell(Section::People), form, mails: app.settings.mail.is_some() })
}

/// Makes the account; the link to its first password goes by mail, or is on the page that says so.
pub async fn invite(Owner(who): Owner, State(app): State<App>, form: Form) -> Page {
    let invited = match parse(&form) {
        Ok(new) => people::invite(&app, &who.who, new).await,
        Err(error) => Err(error),
    };
    Ok(match invited {
        Ok((account, Some(link))) => link_page(who.shell(Section::People), account, link),
        Ok((account, None)) => see_other(&format!("/people/{}", account.id), Notice::InvitationMailed),
        Err(error) => {
            let form = Filled::refused(form, &error);
            again(&error, &InvitePage { shell: who.shell(Section::People), form, mails: app.settings.mail.is_some() })
        }
    })
}

fn parse(form: &Form) -> Result<NewAccount> {
    let role = Role::named(form.text("role")).ok_or_else(|| Invalid::one_of("role", &Role::all_words()))?;
    Ok(NewAccount { email: Email::parse(form.text("email"))?, name: form.text("name").to_owned(), role })
}

#[derive(Template)]
#[template(path = "link_made.html")]
struct LinkPage {
    shell: Shell,
    account: Account,
    link: String,
    /// The link's QR code, in the page itself: at no address of its own.
    qr: String,
}

impl LinkPage {
    /// Whether it is for a first password.
    fn is_invitation(&self) -> bool {
        self.account.password_hash.is_none()
    }
}

/// The page that shows a link to a password, which no other page does.
pub(super) fn link_page(shell: Shell, account: Account, link: String) -> Response {
    let qr = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(qr::png(&link)));
    page(StatusCode::CREATED, &LinkPage { shell, account, link, qr })
}
