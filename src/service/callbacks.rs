//! What a request's `callback_url` was told, telling it again, and the secret that signs it (contract 12.1, 12.5 and 12.9).

use super::{
    Acting, Error, Result,
    deliveries::{Log, NO_DELIVERY, log as page_of_log, send_again},
    record,
};
use crate::{
    app::App,
    domain::{
        Account, Delivery, EventName, Id, Request,
        request_filters::{Query, page},
        signatures::{Signing, new_secret},
        webhooks::{DeliveryKind, OVERLAP_SECONDS},
    },
    store::{attempts, attempts::Made, deliveries, deliveries::Wanted, sessions::SignedIn, signing_secrets},
};
use serde_json::json;
use std::collections::HashMap;

/// What a request's callback was told, for whoever made it, with each time that it was sent.
pub async fn log(app: &App, acting: impl Into<Acting<'_>>, id: Id<Request>, query: &Query) -> Result<Log> {
    let wanted = own(app, acting.into(), id).await?;
    let mut log = page_of_log(app, &wanted, page(query, 50)?).await?;
    let ids: Vec<_> = log.deliveries.iter().map(|it| it.id).collect();
    let mut made = HashMap::<_, Vec<_>>::new();
    for it in attempts::of_deliveries(&app.store, &ids).await? {
        made.entry(it.delivery_id).or_default().push(it);
    }
    log.attempts = Some(made);
    Ok(log)
}

/// The latest of all that was sent of one's own request, to its callback and to webhooks. For people: a key may be confined to
/// loops, and webhooks are not.
pub async fn everything(app: &App, who: &SignedIn, id: Id<Request>) -> Result<Vec<Delivery>> {
    let wanted = Wanted { kind: None, ..own(app, who.into(), id).await? };
    Ok(page_of_log(app, &wanted, page(&Query::default(), 50)?).await?.deliveries)
}

/// Which deliveries are those of somebody's own request. When it is gone with its loop, what its callback was told is left, and
/// still its maker's; a key that is confined to loops cannot show that it may see it.
async fn own(app: &App, acting: Acting<'_>, id: Id<Request>) -> Result<Wanted> {
    let wanted = Wanted {
        request_id: Some(id),
        account_id: Some(acting.account_id()),
        kind: Some(DeliveryKind::Callback),
        ..Wanted::default()
    };
    match super::requests::show(app, acting, id).await {
        Ok(request) if request.creator_id == acting.account_id() => Ok(wanted),
        Ok(_) => Err(Error::denied("Access denied to this request")),
        Err(Error::Missing(_))
            if acting.confined_to().is_none() && deliveries::count(&app.store, &wanted).await? > 0 =>
        {
            Ok(wanted)
        }
        Err(error) => Err(error),
    }
}

/// One delivery to the callback of one's own request, and each time that it was sent, the latest first.
pub async fn attempts(
    app: &App,
    acting: impl Into<Acting<'_>>,
    request: Id<Request>,
    id: Id<Delivery>,
) -> Result<(Delivery, Vec<Made>)> {
    own(app, acting.into(), request).await?;
    let found = deliveries::find_callback(&app.store, id, request).await?.ok_or(NO_DELIVERY)?;
    Ok((found, attempts::of_deliveries(&app.store, &[id]).await?))
}

/// Tells the callback of one's own request once more, whatever came of it.
pub async fn redeliver(
    app: &App,
    acting: impl Into<Acting<'_>>,
    request: Id<Request>,
    id: Id<Delivery>,
) -> Result<Delivery> {
    own(app, acting.into(), request).await?;
    deliveries::find_callback(&app.store, id, request).await?.ok_or(NO_DELIVERY)?;
    send_again(app, id).await?;
    deliveries::find_callback(&app.store, id, request).await?.ok_or(NO_DELIVERY)
}

/// What an account's callbacks are signed with. It signs those of all loops: a key that is confined to some is refused.
pub async fn signing(app: &App, acting: impl Into<Acting<'_>>) -> Result<Signing> {
    let acting = acting.into();
    check_reach(acting)?;
    signing_secrets::find(&app.store, acting.account_id()).await?.ok_or(Error::Missing("There is no such account"))
}

/// Gives an account a new signing secret; the old one signs too for a day.
pub async fn rotate(app: &App, acting: impl Into<Acting<'_>>) -> Result<Signing> {
    let acting = acting.into();
    check_reach(acting)?;
    let (account, now): (Id<Account>, _) = (acting.account_id(), app.now());
    let mut tx = app.store.begin();
    let until = now.plus_seconds(OVERLAP_SECONDS);
    let rotated = signing_secrets::rotate(&mut tx, account, &new_secret(app.random()), until).await?;
    let rotated = rotated.ok_or(Error::Missing("There is no such account"))?;
    let about = json!({"account": {"id": account}});
    record::of_account(app, &mut tx, EventName::SigningSecretRotated, acting.actor(), account, about).await?;
    tx.commit().await?;
    Ok(rotated)
}

fn check_reach(acting: Acting<'_>) -> Result<()> {
    if acting.confined_to().is_some() { Err(Error::denied("Access denied to this resource")) } else { Ok(()) }
}
