//! What handlers take from a request: ids in the path, the query, a form, where it comes from.

use super::{
    bodies::{self, Refused},
    error::ApiError,
    pages::PageError,
};
use crate::{
    app::App,
    domain::{Id, Invalid, Object, Sent, request_filters::Query},
    service::Error,
};
use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// A path parameter that is an id. Its message when it is not depends on its name (V2–V4).
pub struct PathId<K>(pub Id<K>);

impl<K> FromRequestParts<App> for PathId<K>
where
    Self: Named,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let (name, msg) = Self::NAME_AND_MSG;
        let text = path_text(parts, app, name).await;
        let id = text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::from(Invalid::new(msg)))?;
        Ok(Self(id))
    }
}

/// A path parameter's name, and what to say when it is malformed.
pub trait Named {
    /// The name in the route, and the contract's message.
    const NAME_AND_MSG: (&'static str, &'static str);
}
impl Named for PathId<crate::domain::Loop> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("loop_id", "Invalid loop ID format");
}
impl Named for PathId<crate::domain::Request> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("request_id", "Invalid request ID format");
}
impl Named for PathId<crate::domain::Webhook> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("webhook_id", "Invalid webhook ID format");
}
impl Named for PathId<crate::domain::Delivery> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("delivery_id", "Invalid delivery ID format");
}
impl Named for PathId<crate::domain::notifications::Device> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("device_id", "Invalid device ID format");
}
impl Named for PathId<crate::domain::Account> {
    const NAME_AND_MSG: (&'static str, &'static str) = ("user_id", "Invalid user ID format");
}

/// A path parameter as text; `None` where it is not UTF-8.
pub async fn path_text(parts: &mut Parts, app: &App, name: &str) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The only parameter of a path, as text; empty where it is not UTF-8.
pub struct Captured(pub String);

impl FromRequestParts<App> for Captured {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        Ok(Self(params.ok().and_then(|params| Some(params.iter().next()?.1.to_owned())).unwrap_or_default()))
    }
}

impl FromRequestParts<App> for Query {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// Where the request comes from: the peer, or whom a trusted proxy names (setting `trusted_proxies`).
pub struct Address(pub IpAddr);

impl FromRequestParts<App> for Address {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(client(peer(parts), &parts.headers, app)))
    }
}

/// Who is at the other end of the connection.
fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The nearest address, from right to left, that is not one of our own proxies.
fn client(peer: IpAddr, headers: &HeaderMap, app: &App) -> IpAddr {
    if !app.settings.trusts(peer) {
        return peer;
    }
    let forwarded: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|address| address.trim().parse().ok())
        .collect();
    forwarded.iter().rev().copied().find(|address| !app.settings.trusts(*address)).unwrap_or(peer)
}

/// Whether a trusted proxy says that its client came by https (contract 15.6). Of several proxies the first was asked by it.
pub struct ByHttps(pub bool);

impl FromRequestParts<App> for ByHttps {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let said = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        let https =
            said.and_then(|said| said.split(',').next()).is_some_and(|it| it.trim().eq_ignore_ascii_case("https"));
        Ok(Self(app.settings.tls.is_some() || https && app.settings.trusts(peer(parts))))
    }
}

/// The `User-Agent`, as far as it is text; at most 300 characters.
pub struct UserAgent(pub Option<String>);

impl FromRequestParts<App> for UserAgent {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(agent.map(|agent| agent.chars().take(300).collect())))
    }
}

/// A form that a page posted.
#[derive(Clone, Debug, Default)]
pub struct Form(pub Query);

impl Form {
    /// A field without the white space around it; empty where it was left out.
    pub fn text(&self, name: &str) -> &str {
        self.0.value(name).unwrap_or_default()
    }

    /// A field as it was typed: a password may begin or end with a space.
    pub fn exact(&self, name: &str) -> &str {
        self.0.0.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// What was ticked of several boxes of one name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Form {
    /// These fields as the body of a call: pages and programs are judged by the same rules.
    pub fn sent(&self, names: &[&str]) -> Sent {
        let field = |name: &&str| ((*name).to_owned(), self.text(name).replace("\r\n", "\n").into());
        let fields: serde_json::Map<String, serde_json::Value> = names.iter().map(field).collect();
        Object::parse(&serde_json::to_vec(&fields).expect("texts serialise"))
    }
}

impl FromRequest<App> for Form {
    type Rejection = Response;
    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let bytes = bodies::received(app, request).await.map_err(|refused| match refused {
            Refused::Busy => PageError::from(Error::Busy).into_response(),
            _ => refused.into_response(),
        })?;
        Ok(Self(Query(url::form_urlencoded::parse(&bytes).into_owned().collect())))
    }
}
