//! API keys, as their owner manages them (contract 13.3–13.7). A token is on the page that made it, and on no other.

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::Asker,
    page_times::Moment,
    pages::{PageError, PageId, Question, again, confirm, page, see_other, shown},
};
use crate::{
    app::App,
    domain::{
        Actor, Invalid, Key, KeyStatus, Loop, Scope, Timestamp, Token, keys::parse_scopes, request_filters::Query,
        words::Word,
    },
    service::{Error, Result, keys, keys::NewKey, keys::Used, loops},
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

type Page = std::result::Result<Response, PageError>;

/// A key in a list.
struct KeyRow {
    key: Key,
    status: &'static str,
    created: Moment,
    last_used: Option<Moment>,
    expires: Option<String>,
    used: i64,
    limit: String,
    resets: Option<Moment>,
}

impl KeyRow {
    fn new(it: Used, now: Timestamp) -> Self {
        let (used, limit) = (it.count(), it.limit().map_or_else(|| "no limit".to_owned(), |limit| limit.to_string()));
        let Used { key, window } = it;
        Self {
            status: key.shown_status(now),
            created: Moment::age(key.created_at, now),
            last_used: key.last_used_at.map(|at| Moment::age(at, now)),
            expires: key.expires_at.map(|at| at.to_string()[..10].to_owned()),
            used,
            limit,
            resets: (window.closes_at > now).then(|| Moment::left(window.closes_at, now)),
            key,
        }
    }

    /// Whether something can still be done with it.
    fn is_alive(&self) -> bool {
        matches!(self.status, "active" | "suspended")
    }
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<KeyRow>,
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    shell: Shell,
    row: KeyRow,
    loops: Vec<String>,
    rotation: Filled,
}

#[derive(Template)]
#[template(path = "key_new.html")]
struct NewKeyPage {
    shell: Shell,
    form: Filled,
    loops: Vec<Loop>,
    limit_hint: String,
}

#[derive(Template)]
#[template(path = "key_made.html")]
struct MadePage {
    shell: Shell,
    key: Key,
    token: String,
    base_url: String,
    old_until: Option<String>,
    /// A loop that it may ask.
    to_ask: Option<Loop>,
    may_ask: bool,
}

/// The permissions, with what they let a key do.
const PERMISSIONS: [(Scope, &str); 7] = [
    (Scope::LoopsRead, "List loops and their members"),
    (Scope::LoopsWrite, "Make, change and delete loops; invite and remove members"),
    (Scope::RequestsRead, "List and read requests and answers"),
    (Scope::RequestsWrite, "Make, change and cancel requests; give feedback"),
    (Scope::WebhooksRead, "List webhooks and their deliveries"),
    (Scope::WebhooksWrite, "Add, change, test and delete webhooks"),
    (Scope::All, "Everything, also what will be added later"),
];

/// All of one's keys.
pub async fn list(Asker(who): Asker, State(app): State<App>) -> Page {
    let rows = keys::with_use(&app, who.id()).await?.into_iter().map(|used| KeyRow::new(used, app.now())).collect();
    Ok(shown(&KeysPage { shell: who.shell(Section::Keys), rows }))
}

/// One of them.
pub async fn show(asker: Asker, State(app): State<App>, PageId(id): PageId<Key>) -> Page {
    let used = keys::of_account(&app, asker.0.id(), id).await?;
    Ok(shown(&key_page(&app, &asker, used, Filled::with([("overlap", "86400")])).await?))
}

async fn key_page(app: &App, Asker(who): &Asker, used: Used, rotation: Filled) -> Result<KeyPage> {
    let own = loops::list(app, &who.who, true).await?;
    let name = |id| own.iter().find(|it| it.it.id == id).map_or_else(|| id.to_string(), |it| it.it.name.clone());
    let loops = used.key.loops.iter().flatten().map(|id| name(*id)).collect();
    Ok(KeyPage { shell: who.shell(Section::Keys), row: KeyRow::new(used, app.now()), loops, rotation })
}

/// The form for a new one.
pub async fn form(asker: Asker, State(app): State<App>, query: Query) -> Page {
    let mut usual = Form::default();
    usual.0.0 = Scope::DEFAULT.map(|scope| ("scopes".to_owned(), scope.to_string())).to_vec();
    usual.0.0.push(("reach".into(), "all".into()));
    let from = query.value("loop_id").map(|id| ("loop_id".to_owned(), id.to_owned()));
    usual.0.0.extend(from);
    Ok(shown(&new_page(&app, &asker, Filled::sent(usual)).await?))
}

async fn new_page(app: &App, Asker(who): &Asker, form: Filled) -> Result<NewKeyPage> {
    let loops = loops::list(app, &who.who, false).await?.into_iter().map(|it| it.it).collect();
    let limit_hint = format!("The usual limit here is {}. 0 is no limit.", app.settings.limits.requests_per_hour);
    Ok(NewKeyPage { shell: who.shell(Section::Keys), form, loops, limit_hint })
}

/// Makes one; its token is on the page that says so.
pub async fn create(asker: Asker, State(app): State<App>, form: Form) -> Page {
    let made = match parse(&asker, &form) {
        Ok(new) => keys::create(&app, Actor::Person(asker.0.id()), new).await,
        Err(error) => Err(error),
    };
    Ok(match made {
        Ok((key, token)) => made_page(&app, &asker, key, &token, (form.text("loop_id"), None)).await,
        Err(error) => again(&error, &new_page(&app, &asker, Filled::refused(form, &error)).await?),
    })
}

/// A key with its token, and a line that asks the loop that whoever made it came from, or else another.
async fn made_page(
    app: &App,
    Asker(who): &Asker,
    key: Key,
    token: &Token,
    (from, old_until): (&str, Option<String>),
) -> Response {
    let mut own = loops::list(app, &who.who, false).await.unwrap_or_default(); // the token is shown whatever else fails
    own.retain(|it| key.loops.as_ref().is_none_or(|loops| loops.contains(&it.it.id)));
    own.sort_by_key(|it| it.it.id.to_string() != from);
    let to_ask = own.into_iter().map(|it| it.it).next();
    let (shell, token, base_url) = (who.shell(Section::Keys), token.reveal().to_owned(), app.base_url.to_string());
    let may_ask = key.allows(Scope::RequestsWrite);
    page(StatusCode::CREATED, &MadePage { shell, key, token, base_url, old_until, to_ask, may_ask })
}

fn parse(Asker(who): &Asker, form: &Form) -> Result<NewKey> {
    let date = |text: &str| format!("{text}T23:59:59Z").parse::<Timestamp>();
    let expires_at = match form.text("expires") {
        "" => None,
        text => Some(date(text).map_err(|_| Invalid::failed("expires must be a date such as 2030-01-31"))?),
    };
    let hourly_limit = match form.text("limit") {
        "" => None,
        text => Some(text.parse().map_err(|_| Invalid::failed("limit must be a whole number"))?),
    };
    let chosen = form.all("loops").map(str::parse).collect::<std::result::Result<Vec<_>, _>>();
    let chosen = chosen.map_err(|_| Error::Missing("Loop not found"))?;
    if form.text("reach") == "chosen" && chosen.is_empty() {
        return Err(Invalid::failed("reach must name at least one loop").into());
    }
    Ok(NewKey {
        account_id: who.id(),
        name: form.text("name").to_owned(),
        scopes: parse_scopes(form.all("scopes"))?,
        loops: (form.text("reach") == "chosen").then_some(chosen),
        hourly_limit,
        expires_at,
    })
}

/// Refuses a key until it is activated again.
pub async fn suspend(asker: Asker, app: State<App>, id: PageId<Key>) -> Page {
    set_status(&asker, &app, id, KeyStatus::Suspended, Notice::KeySuspended).await
}

/// Lets a suspended key work again.
pub async fn activate(asker: Asker, app: State<App>, id: PageId<Key>) -> Page {
    set_status(&asker, &app, id, KeyStatus::Active, Notice::KeyActivated).await
}

async fn set_status(Asker(who): &Asker, app: &App, PageId(id): PageId<Key>, to: KeyStatus, said: Notice) -> Page {
    keys::of_account(app, who.id(), id).await?;
    keys::set_status(app, Actor::Person(who.id()), id, to).await?;
    Ok(see_other(&format!("/keys/{id}"), said))
}

/// Asks before a key is revoked.
pub async fn ask_revoke(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Key>) -> Page {
    let key = keys::of_account(&app, who.id(), id).await?.key;
    let question = Question {
        title: format!("Revoke {}?", key.name),
        text: format!(
            "The key {}…{} is refused from now on, for good. What it has asked stays.",
            key.prefix, key.last_four
        ),
        reason: None,
        label: "Revoke the key",
        action: format!("/keys/{id}/revoke"),
        back: format!("/keys/{id}"),
    };
    Ok(confirm(who.shell(Section::Keys), question))
}

/// Refuses a key for good.
pub async fn revoke(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Key>) -> Page {
    keys::of_account(&app, who.id(), id).await?;
    keys::set_status(&app, Actor::Person(who.id()), id, KeyStatus::Revoked).await?;
    Ok(see_other("/keys", Notice::KeyRevoked))
}

/// Replaces a key by a new one; the old one works on for the overlap.
pub async fn rotate(asker: Asker, State(app): State<App>, PageId(id): PageId<Key>, form: Form) -> Page {
    let used = keys::of_account(&app, asker.0.id(), id).await?;
    let seconds =
        form.text("overlap").parse().map_err(|_| Invalid::failed("overlap must be a number of seconds").into());
    let rotated = match seconds {
        Ok(seconds) => keys::rotate(&app, Actor::Person(asker.0.id()), id, seconds).await,
        Err(error) => Err(error),
    };
    Ok(match rotated {
        Ok((key, token)) => {
            let old = keys::of_account(&app, asker.0.id(), id).await?.key;
            made_page(&app, &asker, key, &token, ("", old.expires_at.map(|at| at.to_string()))).await
        }
        Err(error) => again(&error, &key_page(&app, &asker, used, Filled::refused(form, &error)).await?),
    })
}
