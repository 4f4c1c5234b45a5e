//! Who is in a loop, and the ways in: inviting, removing, a new code (contract 6.8, 6.9, 11).

use super::{
    extract::Form,
    page_forms::Filled,
    page_loops::loop_page,
    page_notices::Notice,
    page_shell::Section,
    page_signed_in::SignedIn,
    pages::{PageError, PageId, Question, again, confirm, see_other},
};
use crate::{
    app::App,
    domain::{Account, Id, Loop},
    service::{Error, Result, loops, loops::Peopled, members},
};
use axum::{extract::State, response::Response};

type Page = std::result::Result<Response, PageError>;

/// Invites somebody by their address.
pub async fn invite(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>, form: Form) -> Page {
    Ok(match members::invite(&app, &who.who, id, form.sent(&["email", "name"])).await {
        Ok(invited) if invited.is_mailed => see_other(&format!("/loops/{id}"), Notice::InvitationMailed),
        Ok(_) => see_other(&format!("/loops/{id}"), Notice::Invited),
        Err(error @ (Error::Denied(_) | Error::Missing(_))) => return Err(error.into()),
        Err(error) => {
            let invitation = Filled::refused(form, &error);
            again(&error, &loop_page(&app, &who, id, invitation).await?)
        }
    })
}

/// Asks before a loop gets a new code.
pub async fn ask_code(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    let it = own(&app, &who, id).await?.it;
    let question = Question {
        title: format!("A new code for {}?", it.name),
        text: format!(
            "The code {}, its link and its QR code lead nowhere then. Whoever is in the loop stays.",
            it.invite_code
        ),
        reason: None,
        label: "Make a new code",
        action: format!("/loops/{id}/code"),
        back: format!("/loops/{id}"),
    };
    Ok(confirm(who.shell(Section::Loops), question))
}

/// Gives a loop a new code.
pub async fn new_code(who: SignedIn, State(app): State<App>, PageId(id): PageId<Loop>) -> Page {
    loops::rotate_code(&app, &who.who, id).await?;
    Ok(see_other(&format!("/loops/{id}"), Notice::CodeChanged))
}

/// Asks before somebody is removed.
pub async fn ask_remove(
    who: SignedIn,
    State(app): State<App>,
    PageId(id): PageId<Loop>,
    PageId(person): PageId<Account>,
) -> Page {
    let Peopled { it, members } = own(&app, &who, id).await?;
    let member = members.into_iter().find(|member| member.account_id == person && person != it.creator_id);
    let member = member.ok_or(Error::Missing("This person is not in the loop"))?;
    let question = Question {
        title: format!("Remove {}?", member.name),
        text: format!(
            "{} sees nothing of {} any more, and whatever they have claimed returns to the queue. Their answers stay. \
             With the code they can join again: give the loop a new one if they should not.",
            member.email, it.name
        ),
        reason: None,
        label: "Remove",
        action: format!("/loops/{id}/members/{person}/remove"),
        back: format!("/loops/{id}"),
    };
    Ok(confirm(who.shell(Section::Loops), question))
}

/// Removes somebody, or takes an invitation back.
pub async fn remove(
    who: SignedIn,
    State(app): State<App>,
    PageId(id): PageId<Loop>,
    PageId(person): PageId<Account>,
) -> Page {
    members::remove(&app, &who.who, id, person).await?;
    Ok(see_other(&format!("/loops/{id}"), Notice::MemberRemoved))
}

/// One's own loop; whoever else is in it has nothing to change there.
pub(super) async fn own(app: &App, who: &SignedIn, id: Id<Loop>) -> Result<Peopled> {
    let found = loops::show(app, &who.who, id).await?;
    if found.it.creator_id == who.id() { Ok(found) } else { Err(Error::Missing("Loop not found")) }
}
