//! Loops: making one, what it is and who is in it, changing and deleting it (contract 6). The list of them is for everybody, elsewhere.

use super::{
    extract::Form,
    page_forms::Filled,
    page_icons::symbol,
    page_loop_people::own,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    page_times::Moment,
    pages::{PageError, PageId, Question, again, confirm, see_other, shown},
};
use crate::{
    app::App,
    domain::{Id, Invalid, Loop, Member, Status, loops::DEFAULT_ICON, loops::ICONS},
    service::{Error, Result, keys, loops, loops::Peopled},
};
use askama::Template;
use axum::{extract::State, response::Response};
use url::{Host, Url};

type Page = std::result::Result<Response, PageError>;

/// Somebody in a loop.
struct Person {
    member: Member,
    since: Moment,
    last_active: Option<Moment>,
}

#[derive(Template)]
#[template(path = "loop.html")]
pub(super) struct LoopPage {
    shell: Shell,
    it: Loop,
    is_own: bool,
    people: Vec<Person>,
    open: i64,
    join_url: String,
    base_url: String,
    has_key: bool,
    /// Whether whoever is invited by e-mail is sent one.
    mails: bool,
    invitation: Filled,
}

impl LoopPage {
    /// Whether the server's own address leads to it on its own machine only.
    fn is_local(&self) -> bool {
        Url::parse(&self.base_url).is_ok_and(|base| match base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        })
    }
}

/// The form for a new loop, or for one that is there.
#[derive(Template)]
#[template(path = "loop_form.html")]
struct FormPage {
    shell: Shell,
    old: Option<Loop>,
    form: Filled,
}

impl FormPage {
    fn action(&self) -> String {
        self.old.as_ref().map_or("/loops/new".to_owned(), |it| format!("/loops/{}/edit", it.id))
    }
}

/// A loop that is not one's own, but that one is in, is shown without the ways in.
pub async fn show(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    Ok(shown(&loop_page(&app, &who, id, Filled::default()).await?))
}

pub(super) async fn loop_page(app: &App, who: &SignedIn, id: Id<Loop>, invitation: Filled) -> Result<LoopPage> {
    let Peopled { it, members } = loops::show(app, &who.who, id).await?;
    let now = app.now();
    let person = |member: Member| Person {
        since: Moment::age(member.joined_at.unwrap_or(member.invited_at), now),
        last_active: member.last_active.map(|at| Moment::age(at, now)),
        member,
    };
    Ok(LoopPage {
        shell: who.shell(Section::Loops),
        is_own: it.creator_id == who.id(),
        people: members.into_iter().map(person).collect(),
        open: open_requests(app, who, id).await?,
        join_url: format!("{}/join/{}", app.base_url, it.invite_code),
        base_url: app.base_url.to_string(),
        has_key: keys::list(app, Some(who.id())).await?.iter().any(|holder| holder.key.is_usable(now)),
        mails: app.settings.mail.is_some(),
        it,
        invitation,
    })
}

async fn open_requests(app: &App, who: &SignedIn, id: Id<Loop>) -> Result<i64> {
    let tallies = loops::statistics(app, &who.who, id).await?;
    Ok(tallies.iter().filter(|it| matches!(it.0, Status::Pending | Status::Claimed)).map(|it| it.1).sum())
}

/// The form for a new loop.
pub async fn form(Asker(who): Asker) -> Response {
    let form = Filled::with([("icon", DEFAULT_ICON)]);
    shown(&FormPage { shell: who.shell(Section::Loops), old: None, form })
}

/// Makes a loop.
pub async fn create(Asker(who): Asker, State(app): State<App>, form: Form) -> Page {
    Ok(match loops::create(&app, &who.who, sent(&form)).await {
        Ok(made) => see_other(&format!("/loops/{}", made.peopled.it.id), Notice::LoopCreated),
        Err(error) => refused(&who, None, form, &error),
    })
}

fn refused(who: &SignedIn, old: Option<Loop>, form: Form, error: &Error) -> Response {
    let form = Filled::refused(form, error);
    again(error, &FormPage { shell: who.shell(Section::Loops), old, form })
}

/// What is typed goes before what is chosen. Programs may name any text (contract 6.2), of which people would see nothing.
fn sent(form: &Form) -> crate::domain::Sent {
    let mut sent = form.sent(&["name", "description", "icon"])?;
    let typed = form.text("symbol");
    if !typed.is_empty() && symbol(typed).is_empty() {
        return Err(Invalid::failed("symbol must be one emoji"));
    }
    if !typed.is_empty() {
        sent.0.insert("icon".into(), typed.into());
    }
    Ok(sent)
}

/// The form to change a loop.
pub async fn edit(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    let it = own(&app, &who, id).await?.it;
    let named = ICONS.contains(&it.icon.as_str());
    let (icon, symbol) = if named { (it.icon.as_str(), "") } else { ("", it.icon.as_str()) };
    let form = Filled::with([("name", &it.name), ("description", &it.description), ("icon", icon), ("symbol", symbol)]);
    Ok(shown(&FormPage { shell: who.shell(Section::Loops), old: Some(it), form }))
}

/// Changes a loop.
pub async fn update(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>, form: Form) -> Page {
    let old = own(&app, &who, id).await?.it;
    Ok(match loops::update(&app, &who.who, id, sent(&form)).await {
        Ok(_) => see_other(&format!("/loops/{id}"), Notice::LoopChanged),
        Err(error) => refused(&who, Some(old), form, &error),
    })
}

/// Asks before a loop is deleted, with all that would go.
pub async fn ask_delete(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    let Peopled { it, members } = own(&app, &who, id).await?;
    let tallies = loops::statistics(&app, &who.who, id).await?;
    let all: i64 = tallies.iter().map(|tally| tally.1).sum();
    let (open, people) = (open_requests(&app, &who, id).await?, members.len());
    let text = format!(
        "This cannot be undone. With it go all its people ({people}) and requests ({all}) with their answers. Open ones ({open}) \
         are cancelled first, so that whoever waits is told. Accounts and the audit log stay."
    );
    let question = Question {
        title: format!("Delete {}?", it.name),
        text,
        reason: None,
        label: "Delete the loop and all in it",
        action: format!("/loops/{id}/delete"),
        back: format!("/loops/{id}"),
    };
    Ok(confirm(who.shell(Section::Loops), question))
}

/// Deletes a loop.
pub async fn delete(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    loops::delete(&app, &who.who, id).await?;
    Ok(see_other("/loops", Notice::LoopDeleted))
}
