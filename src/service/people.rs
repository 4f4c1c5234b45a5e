//! People, as the server's owners manage them: finding and inviting them, their role, whether they may act, their sessions.
//!
//! Each change is made by somebody who owns the server when it is made, and leaves somebody who does.

use super::{
    Error, Result, accounts as account_service, accounts::NewAccount, invitation_mail, members::alive_since, record,
    resets,
};
use crate::{
    app::App,
    domain::{
        Account, AccountStatus, Actor, EventName, Id, Invalid, Role, accounts as rules,
        request_filters::{Page, Query, page},
        signatures::new_secret,
        words::Word,
    },
    store::{
        Tx, accounts, loops, members, notifications,
        notifications::Test,
        people,
        people::{Invited, Person, Wanted},
        sessions,
        sessions::{Session, SignedIn},
    },
};
use serde_json::json;

/// Who is no owner any more learns no more than others do.
const NO_OWNER: Error = Error::Missing("There is no such page, or it is not for you.");
const LAST_OWNER: Error = Error::Conflict("You are the last owner: make somebody else one first");

/// A page of the people.
pub struct Found {
    /// Who.
    pub people: Vec<Person>,
    /// How many on all pages.
    pub total: i64,
    /// Which page this is.
    pub page: Page,
}

/// A page of all people, narrowed where the query says so by `search`, `role` and `status`.
pub async fn list(app: &App, query: &Query) -> Result<Found> {
    let wanted = Wanted {
        text: query.value("search").map(|text| text.replace('\0', "\u{fffd}")), // Postgres takes no NUL
        role: word(query, "role")?,
        status: word(query, "status")?,
    };
    let page = page(query, 50)?;
    let people = people::list(&app.store, &wanted, page).await?;
    Ok(Found { people, total: people::count(&app.store, &wanted).await?, page })
}

fn word<W: Word>(query: &Query, name: &str) -> Result<Option<W>> {
    let named = |word| W::named(word).ok_or_else(|| Invalid::one_of(name, &W::all_words()).into());
    query.value(name).map(named).transpose()
}

/// One person.
pub async fn person(app: &App, id: Id<Account>) -> Result<Person> {
    people::find(&app.store, id).await?.ok_or(Error::Missing("There is no such account"))
}

/// Begins a change of an owner's; with it, everybody who owns the server. Owners wait for each other here, so that no two of
/// them can put each other out at once.
async fn begin(app: &App, owner: &SignedIn) -> Result<(Tx, Vec<Id<Account>>)> {
    let mut tx = app.store.begin();
    let owners = people::lock_owners(&mut tx).await?;
    if owners.contains(&owner.account_id) { Ok((tx, owners)) } else { Err(NO_OWNER) }
}

/// Makes somebody an owner or a member. The last owner stays one.
pub async fn set_role(app: &App, owner: &SignedIn, id: Id<Account>, role: Role) -> Result<()> {
    let (mut tx, owners) = begin(app, owner).await?;
    let account = account_service::account_in(&mut tx, id).await?;
    if account.role == role {
        return Ok(());
    }
    if owners == [id] {
        return Err(LAST_OWNER);
    }
    people::set_role(&mut tx, id, role).await?;
    let data = json!({"email": account.email, "from": account.role, "to": role});
    record::of_account(app, &mut tx, EventName::AccountRoleChanged, by(owner), id, data).await?;
    Ok(tx.commit().await?)
}

/// Suspends somebody else or lets them act again. As owners cannot suspend themselves, one of them always stays.
pub async fn set_status(app: &App, owner: &SignedIn, id: Id<Account>, status: AccountStatus) -> Result<()> {
    let (mut tx, _) = begin(app, owner).await?;
    if id == owner.account_id {
        return Err(Error::Conflict("You cannot suspend yourself"));
    }
    let account = account_service::account_in(&mut tx, id).await?;
    if account.status == status {
        return Ok(());
    }
    account_service::put_status(app, &mut tx, by(owner), &account, status).await?;
    Ok(tx.commit().await?)
}

/// Ends one of somebody's sessions, or all of them; says how many stood.
pub async fn end_sessions(app: &App, owner: &SignedIn, id: Id<Account>, session: Option<Id<Session>>) -> Result<u64> {
    let (mut tx, _) = begin(app, owner).await?;
    let account = account_service::account_in(&mut tx, id).await?;
    let ended = match session {
        Some(session) => sessions::close_of(&mut tx, id, session).await?.into(),
        None => sessions::close_all(&mut tx, id, None).await?,
    };
    if ended > 0 {
        let data = json!({"email": account.email, "count": ended});
        record::of_account(app, &mut tx, EventName::SessionsEnded, by(owner), id, data).await?;
        tx.commit().await?;
    }
    Ok(ended)
}

/// A link with which somebody sets a password: once, for a day; whoever was invited and has none yet has a week.
pub async fn link(app: &App, owner: &SignedIn, id: Id<Account>) -> Result<(Account, String)> {
    let (mut tx, _) = begin(app, owner).await?;
    let account = account_service::account_in(&mut tx, id).await?;
    let link = resets::link_in(app, &mut tx, by(owner), &account).await?;
    tx.commit().await?;
    Ok((account, link))
}

/// Invites somebody: an account without a password, and the link to set one, unless it goes to them by mail. Whoever was
/// invited already is invited anew.
pub async fn invite(app: &App, owner: &SignedIn, new: NewAccount) -> Result<(Account, Option<String>)> {
    let name = rules::check_name(&new.name)?;
    let (mut tx, _) = begin(app, owner).await?;
    let account = match accounts::find_by_email(&mut tx, &new.email).await? {
        Some(invited) if people::invite_again(&mut tx, invited.id, &name, new.role).await? => {
            Account { name, role: new.role, ..invited }
        }
        Some(_) => return Err(account_service::TAKEN),
        None => {
            let account = Account {
                id: app.new_id(),
                email: new.email,
                name,
                role: new.role,
                status: AccountStatus::Inactive,
                password_hash: None,
                created_at: app.now(),
            };
            accounts::insert(&mut tx, &account, &new_secret(app.random())).await.map_err(account_service::taken)?;
            account
        }
    };
    let data = json!({"email": account.email, "role": account.role});
    record::of_account(app, &mut tx, EventName::AccountInvited, by(owner), account.id, data).await?;
    let is_mailed = invitation_mail::to_server(app, &mut tx, &account, &owner.name).await?;
    let link = if is_mailed { None } else { Some(resets::link_in(app, &mut tx, by(owner), &account).await?) };
    tx.commit().await?;
    Ok((account, link))
}

/// The latest letter that invited somebody: where it stands, why it failed, and since when.
pub async fn letter(app: &App, id: Id<Account>) -> Result<Option<Test>> {
    Ok(notifications::letters(&app.store, id, alive_since(app)).await?.into_iter().next())
}

/// The invitations that nobody has taken up, the newest first.
pub async fn invitations(app: &App) -> Result<Vec<Invited>> {
    Ok(people::invited(&app.store, app.now(), alive_since(app)).await?)
}

/// Takes an invitation back, to the server and to loops: its link leads nowhere, and nothing is left of the account. One that is
/// gone already is as good; one that was taken up is not taken back.
pub async fn withdraw(app: &App, owner: &SignedIn, id: Id<Account>) -> Result<()> {
    let (mut tx, _) = begin(app, owner).await?;
    let Some(account) = accounts::find(&mut tx, id).await? else { return Ok(()) };
    for member in members::of_person(&mut tx, id, alive_since(app)).await? {
        loops::touch(&mut tx, member.loop_id, app.now()).await?;
        let it = loops::find(&mut tx, member.loop_id).await?;
        if let Some(it) = it
            && members::remove(&mut tx, it.id, id).await?
        {
            record::of_member(app, &mut tx, EventName::LoopMemberLeft, by(owner), &it, &member).await?;
        }
    }
    if !people::remove_invited(&mut tx, id).await? {
        return Err(Error::Conflict("This invitation was taken up already"));
    }
    let data = json!({"email": account.email, "name": account.name, "role": account.role});
    record::of_account(app, &mut tx, EventName::InvitationWithdrawn, by(owner), id, data).await?;
    Ok(tx.commit().await?)
}

fn by(owner: &SignedIn) -> Actor {
    Actor::Person(owner.account_id)
}
