//! Who looks at a page: anybody, somebody who is signed in, somebody whose programs ask, an owner of the server.

use super::{
    bodies::Known,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_sign_in::local,
    pages::{PageError, see_other},
    reviewer::session_cookie,
};
use crate::{
    app::App,
    domain::{Account, Id, Role, Timestamp, request_filters::Query, words::Word},
    service::{Error, sessions},
    store::sessions::SignedIn as Who,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};

/// Anybody, signed in or not.
pub struct Visitor {
    /// Who, if signed in.
    pub who: Option<Who>,
    notice: Option<Notice>,
    now: Timestamp,
}

impl Visitor {
    /// Their account, if signed in.
    pub fn account_id(&self) -> Option<Id<Account>> {
        self.who.as_ref().map(|who| who.account_id)
    }

    /// The same visitor, signed in by now.
    pub fn now_with(self, who: Who) -> Self {
        Self { who: Some(who), ..self }
    }

    /// What is around the page for them; `None` where the page is in no part of the site.
    pub fn shell(&self, section: impl Into<Option<Section>>) -> Shell {
        Shell { who: self.who.clone(), section: section.into(), notice: self.notice, now: Some(self.now) }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let who = match sessions::find(app, session_cookie(&parts.headers)).await {
            Ok(who) => Some(who),
            Err(Error::Unauthenticated { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if who.is_some() {
            parts.extensions.insert(Known);
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Ok(Self { who, notice: query.value("notice").and_then(Notice::named), now: app.now() })
    }
}

/// Somebody who is signed in. Others are sent to sign in, and come back.
pub struct SignedIn {
    /// Who.
    pub who: Who,
    visitor: Visitor,
}

impl SignedIn {
    /// A visitor who is signed in, or the visitor back.
    pub fn of(visitor: Visitor) -> Result<Self, Visitor> {
        match visitor.who.clone() {
            Some(who) => Ok(Self { who, visitor }),
            None => Err(visitor),
        }
    }

    /// Their account.
    pub fn id(&self) -> Id<Account> {
        self.who.account_id
    }

    /// What is around the page for them.
    pub fn shell(&self, section: Section) -> Shell {
        self.visitor.shell(section)
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        Self::of(visitor).map_err(|_| see_other(&format!("/sign-in?{}", next(parts)), None))
    }
}

/// Where to come back to: the page itself, or the one whose form was sent.
fn next(parts: &Parts) -> String {
    let here = parts.uri.path_and_query().map(|path| path.as_str().to_owned());
    let place = if parts.method.is_safe() { here } else { referring_page(&parts.headers) };
    let place = place.and_then(|place| local(&place)).unwrap_or_else(|| Section::Inbox.href());
    url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &place).finish()
}

/// The page of ours that a form was on.
fn referring_page(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let (_, rest) = text(header::REFERER)?.split_once("://")?;
    rest.strip_prefix(text(header::HOST)?).filter(|path| path.starts_with('/')).map(str::to_owned)
}

/// Somebody whose programs ask: an owner of the server or a creator, or whoever has made a loop or a key. For others the page is not there.
pub struct Asker(pub SignedIn);

impl FromRequestParts<App> for Asker {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        if signed_in.who.asks { Ok(Self(signed_in)) } else { Err(super::pages::nowhere()) }
    }
}

/// An owner of the server. For others the page is not there.
pub struct Owner(pub SignedIn);

impl FromRequestParts<App> for Owner {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        if signed_in.who.role == Role::Owner { Ok(Self(signed_in)) } else { Err(super::pages::nowhere()) }
    }
}
