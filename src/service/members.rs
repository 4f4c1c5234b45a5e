//! Who is in a loop: inviting, joining, leaving, removing (contract 6.7–6.9 and 11).

use super::{Acting, Error, Result, invitation_mail, loops as loop_service, record};
use crate::{
    app::App,
    domain::{
        Account, AccountStatus, Actor, EventName, Id, Loop, Member, MemberRole, MemberStatus, Role, Sent, Timestamp,
        loops::{INVITATION_SECONDS, Invitation, typed_code},
    },
    store::{Tx, accounts, loops, members, transitions},
};
use std::net::IpAddr;

const UNKNOWN_CODE: Error = Error::Missing("No loop found with that invite code");

/// Invitations made before that have run out.
pub(super) fn alive_since(app: &App) -> Timestamp {
    app.now().plus_seconds(-INVITATION_SECONDS)
}

/// A loop's members, for its creator and members.
pub async fn list(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>) -> Result<Vec<Member>> {
    let acting = acting.into();
    loop_service::visible(app, acting, id).await?;
    Ok(members::of_loop(&app.store, id, alive_since(app)).await?)
}

/// Somebody who was invited to a loop.
pub struct Invited {
    /// The loop.
    pub it: Loop,
    /// Who, as they are in it.
    pub member: Member,
    /// Whether the invitation goes to them by mail.
    pub is_mailed: bool,
}

/// Invites somebody by e-mail; the loop's creator may. Who has no account yet gets an id now and signs up later.
pub async fn invite(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>, sent: Sent) -> Result<Invited> {
    let acting = acting.into();
    let it = loop_service::owned(app, acting, id, "Only loop creator can update the loop").await?;
    invite_to(app, acting.actor(), it, Invitation::parse(&sent?)?).await
}

/// Invites somebody to a loop by e-mail, which is sent where the server sends any.
pub async fn invite_to(app: &App, actor: Actor, it: Loop, invitation: Invitation) -> Result<Invited> {
    let now = app.now();
    let mut tx = app.store.begin();
    let account = invited_account(app, &mut tx, &invitation).await?;
    let member = Member {
        loop_id: it.id,
        account_id: account.id,
        email: account.email.clone(),
        name: account.name.clone(),
        account_status: account.status,
        role: if account.id == it.creator_id { MemberRole::Admin } else { MemberRole::Member },
        status: MemberStatus::Pending,
        invited_at: now,
        joined_at: None,
        last_active: None,
    };
    loops::touch(&mut tx, it.id, now).await?;
    if !members::put(&mut tx, &member).await.map_err(loop_service::gone)? {
        return Err(Error::invalid("User is already a member of this loop"));
    }
    record::of_member(app, &mut tx, EventName::LoopMemberInvited, actor, &it, &member).await?;
    let is_mailed = invitation_mail::to_loop(app, &mut tx, &account, &it).await?;
    tx.commit().await?;
    Ok(Invited { it, member, is_mailed })
}

async fn invited_account(app: &App, tx: &mut Tx, invitation: &Invitation) -> Result<Account> {
    if let Some(account) = accounts::find_by_email(&mut *tx, &invitation.email).await? {
        return Ok(account);
    }
    let account = Account {
        id: app.new_id(),
        email: invitation.email.clone(),
        name: invitation.name.clone(),
        role: Role::Member,
        status: AccountStatus::Inactive,
        password_hash: None,
        created_at: app.now(),
    };
    accounts::insert(tx, &account, &crate::domain::signatures::new_secret(app.random())).await?;
    Ok(account)
}

/// The loop that people join with that code. Each look counts against the address, and against whoever is signed in (contract
/// 11.1, 15.5).
pub async fn invited_to(app: &App, address: IpAddr, who: Option<Id<Account>>, code: &str) -> Result<Loop> {
    app.throttle.guess(address)?;
    who.map_or(Ok(()), |account| app.throttle.join(account))?;
    loops::find_by_code(&app.store, &typed_code(code)).await?.ok_or(UNKNOWN_CODE)
}

/// How many are in a loop, or have an invitation to it that stands.
pub async fn count(app: &App, id: Id<Loop>) -> Result<i64> {
    Ok(members::count(&app.store, id, alive_since(app)).await?)
}

/// Joins the loop with that code, which was counted as a guess already. A pending invitation of the same account becomes
/// the membership.
pub async fn join(app: &App, account: Id<Account>, code: &str) -> Result<Loop> {
    let now = app.now();
    let mut tx = app.store.begin();
    let it = loops::find_by_code(&mut tx, &typed_code(code)).await?.ok_or(UNKNOWN_CODE)?;
    let account = super::accounts::account_in(&mut tx, account).await?;
    let member = Member {
        loop_id: it.id,
        account_id: account.id,
        email: account.email,
        name: account.name,
        account_status: account.status,
        role: if account.id == it.creator_id { MemberRole::Admin } else { MemberRole::Member },
        status: MemberStatus::Active,
        invited_at: now,
        joined_at: Some(now),
        last_active: None,
    };
    loops::touch(&mut tx, it.id, now).await?;
    if !members::put(&mut tx, &member).await.map_err(loop_service::gone)? {
        return Err(Error::Conflict("You are already a member of this loop"));
    }
    let actor = Actor::Person(member.account_id);
    record::of_member(app, &mut tx, EventName::LoopMemberJoined, actor, &it, &member).await?;
    tx.commit().await?;
    Ok(it)
}

/// When a member was removed.
pub struct Removed {
    /// The loop.
    pub loop_id: Id<Loop>,
    /// Who.
    pub account_id: Id<Account>,
    /// When.
    pub removed_at: Timestamp,
}

/// Removes a member or takes back an invitation; the loop's creator may. What the member had claimed returns to the queue.
pub async fn remove(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>, account: Id<Account>) -> Result<Removed> {
    let acting = acting.into();
    let it = loop_service::owned(app, acting, id, "Only loop creator can remove members").await?;
    if account == it.creator_id {
        return Err(Error::denied("Loop creator cannot remove themselves"));
    }
    let removed_at = app.now();
    if !end_membership(app, acting.actor(), &it, account).await? {
        return Err(Error::Missing("User is not a member of this loop"));
    }
    Ok(Removed { loop_id: id, account_id: account, removed_at })
}

/// Leaves a loop. What one had claimed returns to the queue.
pub async fn leave(app: &App, account: Id<Account>, id: Id<Loop>) -> Result<Loop> {
    let it = loops::find(&app.store, id).await?.ok_or(loop_service::NOT_FOUND)?;
    if !members::is_active(&app.store, id, account).await?
        || !end_membership(app, Actor::Person(account), &it, account).await?
    {
        return Err(loop_service::NOT_FOUND); // what a person is not in does not show (design 7)
    }
    Ok(it)
}

async fn end_membership(app: &App, actor: Actor, it: &Loop, account: Id<Account>) -> Result<bool> {
    let now = app.now();
    let mut tx = app.store.begin();
    accounts::lock(&mut tx, account).await?; // a claim under way comes before or after, not in between
    let Some(was) = members::find(&mut tx, it.id, account, alive_since(app)).await? else { return Ok(false) };
    // Requests, then the loop, then its members: in this order everybody takes them, so that no two wait for each other.
    for moved in transitions::release_all(&mut tx, account, Some(it.id), now).await? {
        record::released(app, &mut tx, actor, &moved).await?;
    }
    loops::touch(&mut tx, it.id, now).await?;
    if !members::remove(&mut tx, it.id, account).await? {
        return Ok(false);
    }
    record::of_member(app, &mut tx, EventName::LoopMemberLeft, actor, it, &was).await?;
    tx.commit().await?;
    Ok(true)
}
