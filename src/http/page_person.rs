//! Somebody on the server, for its owners: their role, whether they may act, where they are signed in, a link to a password.

use super::{
    extract::Form,
    page_account::device,
    page_forms::{Filled, told},
    page_notices::Notice,
    page_people::link_page,
    page_shell::{Section, Shell},
    page_signed_in::{Owner, SignedIn},
    page_times::Moment,
    pages::{PageError, PageId, Question, again, confirm, see_other, shown},
};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Id, Invalid, Loop, Role, webhooks::DeliveryStatus, words::Word},
    service::{Error, Result, inbox, people, sessions},
    store::{people::Person, sessions::Session},
};
use askama::Template;
use axum::{extract::State, response::Response};

type Page = std::result::Result<Response, PageError>;

/// One place where they are signed in.
struct Place {
    id: Id<Session>,
    device: String,
    since: Moment,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    shell: Shell,
    it: Person,
    is_me: bool,
    last_seen: Option<Moment>,
    made: Moment,
    loops: Vec<Loop>,
    places: Vec<Place>,
    /// What became of the mail that invited them, and why it failed.
    letter: Option<(DeliveryStatus, Moment, String)>,
    mails: bool,
    /// Why what was just tried was not done.
    problem: String,
    role: Filled,
}

/// All of them that an owner sees.
pub async fn show(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    Ok(shown(&person_page(&app, &who, id).await?))
}

async fn person_page(app: &App, who: &SignedIn, id: Id<Account>) -> Result<PersonPage> {
    let (it, now) = (people::person(app, id).await?, app.now());
    let place = |session: Session| Place {
        id: session.id,
        device: device(session.user_agent.as_deref().unwrap_or_default()),
        since: Moment::age(session.created_at, now),
    };
    let letter = if it.account.password_hash.is_none() { people::letter(app, id).await? } else { None };
    Ok(PersonPage {
        letter: letter.map(|(_, status, error, at)| (status, Moment::age(at, now), error.unwrap_or_default())),
        mails: app.settings.mail.is_some(),
        shell: who.shell(Section::People),
        is_me: id == who.id(),
        last_seen: it.last_seen_at.map(|at| Moment::age(at, now)),
        made: Moment::age(it.account.created_at, now),
        loops: inbox::joined(app, id).await?,
        places: sessions::list(app, id).await?.into_iter().map(place).collect(),
        problem: String::new(),
        role: Filled::with([("role", it.account.role.as_str())]),
        it,
    })
}

/// The person's page after a change, or with why it was not made.
async fn after(app: &App, who: &SignedIn, id: Id<Account>, done: Result<()>, notice: Notice) -> Page {
    match done {
        Ok(()) => Ok(see_other(&format!("/people/{id}"), notice)),
        Err(error @ (Error::Conflict(_) | Error::Invalid(_))) => {
            let page = PersonPage { problem: told(&error), ..person_page(app, who, id).await? };
            Ok(again(&error, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives them another role. Who was an owner oneself goes on to what is left to see.
pub async fn set_role(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>, form: Form) -> Page {
    let role = Role::named(form.text("role"));
    let done = match role {
        Some(role) => people::set_role(&app, &who.who, id, role).await,
        None => Err(Invalid::one_of("role", &Role::all_words()).into()),
    };
    if done.is_ok() && id == who.id() && role != Some(Role::Owner) {
        return Ok(see_other("/account", Notice::RoleChanged));
    }
    after(&app, &who, id, done, Notice::RoleChanged).await
}

/// Asks before somebody is suspended.
pub async fn ask_suspend(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    let Person { account, .. } = people::person(&app, id).await?;
    let question = Question {
        title: format!("Suspend {}?", account.name),
        text: format!(
            "{} is signed out everywhere at once and cannot sign in, and what their programs ask is refused. Whatever they have \
             claimed returns to the queue. Their answers and loops stay, and you can let them in again.",
            account.email
        ),
        reason: None,
        label: "Suspend",
        action: format!("/people/{id}/suspend"),
        back: format!("/people/{id}"),
    };
    Ok(confirm(who.shell(Section::People), question))
}

/// Keeps somebody out.
pub async fn suspend(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    let done = people::set_status(&app, &who.who, id, AccountStatus::Suspended).await;
    after(&app, &who, id, done, Notice::PersonSuspended).await
}

/// Lets them in again.
pub async fn activate(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    let done = people::set_status(&app, &who.who, id, AccountStatus::Active).await;
    after(&app, &who, id, done, Notice::PersonActivated).await
}

/// A fresh link to a password, on the page that says so.
pub async fn link(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    let (account, link) = people::link(&app, &who.who, id).await?;
    Ok(link_page(who.shell(Section::People), account, link))
}

/// Takes an invitation back. Having been taken back already is as good.
pub async fn withdraw(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    let done = people::withdraw(&app, &who.who, id).await;
    match done {
        Ok(()) => Ok(see_other("/people", Notice::InvitationWithdrawn)),
        done => after(&app, &who, id, done, Notice::InvitationWithdrawn).await,
    }
}

/// Ends all of their sessions. Having ended already is as good.
pub async fn end_sessions(Owner(who): Owner, State(app): State<App>, PageId(id): PageId<Account>) -> Page {
    people::end_sessions(&app, &who.who, id, None).await?;
    Ok(see_other(&format!("/people/{id}"), Notice::TheirSessionsEnded))
}

/// Ends one of their sessions.
pub async fn end_session(
    Owner(who): Owner,
    State(app): State<App>,
    PageId(id): PageId<Account>,
    PageId(session): PageId<Session>,
) -> Page {
    people::end_sessions(&app, &who.who, id, Some(session)).await?;
    Ok(see_other(&format!("/people/{id}"), Notice::TheirSessionEnded))
}
