//! Invitations by mail, where the server has somebody to send it by: queued with the invitation, sent like any notification, so
//! that no form waits for it. A link to a first password is made when its letter is sent: nothing that is kept holds one.

use super::{Result, notifications, resets};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Delivery, EventName, Loop, MemberStatus, notification_texts::Message},
    store::{self, Tx, accounts, loops, members},
};

/// Letters to one person within an hour, so that nobody is flooded with invitations.
const MOST_LETTERS: usize = 5;
const HOUR: i64 = 3600;

/// Queues the letter that invites somebody to the server; says whether there will be one.
pub(super) async fn to_server(app: &App, tx: &mut Tx, it: &Account, by: &str) -> Result<bool> {
    let message = Message::of_account_invitation(&app.base_url, by, it.role);
    queue(app, tx, EventName::AccountInvited, it, &message).await
}

/// The same for a loop.
pub(super) async fn to_loop(app: &App, tx: &mut Tx, it: &Account, to: &Loop) -> Result<bool> {
    queue(app, tx, EventName::LoopMemberInvited, it, &Message::of_loop_invitation(to)).await
}

async fn queue(app: &App, tx: &mut Tx, name: EventName, it: &Account, message: &Message) -> Result<bool> {
    let since = app.now().plus_seconds(-HOUR);
    if app.settings.mail.is_none()
        || it.status == AccountStatus::Suspended
        || store::notifications::letters(&mut *tx, it.id, since).await?.len() >= MOST_LETTERS
    {
        return Ok(false);
    }
    notifications::write_letter(app, tx, name, it, message).await?;
    Ok(true)
}

/// Where the letter leads, made now. `Err` says why there is nothing to be told any more.
pub async fn link(app: &App, it: &Delivery, message: &Message) -> Result<std::result::Result<String, &'static str>> {
    const GONE: &str = "the invitation was taken up, or taken back";
    if it.event == EventName::AccountInvited {
        return Ok(resets::first_link(app, it.account_id).await?.ok_or(GONE));
    }
    let code = message.path.rsplit('/').next().unwrap_or_default();
    let to = loops::find_by_code(&app.store, code).await?;
    let Some(to) = to else { return Ok(Err("the loop has another code by now, or is gone")) };
    let who = accounts::find(&app.store, it.account_id).await?;
    let member = members::find(&app.store, to.id, it.account_id, super::members::alive_since(app)).await?;
    let stands = who.is_some_and(|who| who.status != AccountStatus::Suspended)
        && member.is_some_and(|member| member.status == MemberStatus::Pending);
    Ok(if stands { Ok(format!("{}{}", app.base_url, message.path)) } else { Err(GONE) })
}
