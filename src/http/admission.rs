//! In front of the API: who calls, how often, and with which permission (contract 2 and 3, design 4).

use super::{
    error::{ApiError, failure},
    extract::Address,
};
use crate::{
    app::App,
    domain::{Invalid, Scope, Window, limit::WINDOW_SECONDS},
    service::{Caller, Error, admission},
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{ACCEPT, AUTHORIZATION},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use std::marker::PhantomData;

/// The headers by which a caller knows its window (contract 3.3).
pub const HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// Who was let in, for the handlers behind.
#[derive(Clone)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    window: Window,
}

/// In front of every route that wants a key.
pub async fn admit<F: Future<Output = Response>>(
    app: &App,
    Address(address): Address,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let caller = match admission::authenticate(app, header, address).await {
        Ok(caller) => caller,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let (response, window) = match admission::count(app, &caller).await {
        Ok(window) => {
            if let Err(error) = admission::note_use(app, &caller).await {
                tracing::warn!(%error, "the last use of a key was not noted");
            }
            request.extensions_mut().insert(Admitted { caller: caller.clone(), window });
            let response = next(request).await;
            let free = response.status() == StatusCode::NOT_MODIFIED;
            let window = if free { uncounted(app, &caller, window).await.unwrap_or(window) } else { window };
            (response, window)
        }
        Err(Error::Limited { window, retry_after }) => {
            (ApiError::from(Error::Limited { window, retry_after }).into_response(), window)
        }
        Err(error) => return ApiError::from(error).into_response(),
    };
    with_window(app, response, window)
}

/// An answer of 304 costs nothing (contract 3.2).
async fn uncounted(app: &App, caller: &Caller, counted: Window) -> Option<Window> {
    let given_back = admission::uncount(app, caller, counted).await;
    given_back.inspect_err(|error| tracing::warn!(%error, "a request was not given back")).ok().flatten()
}

/// Puts the window on a response; one that the handler put beside it, after a refund, wins.
fn with_window(app: &App, mut response: Response, counted: Window) -> Response {
    let window = response.extensions().get().copied().unwrap_or(counted);
    let left = window.retry_after(app.now());
    let headers = response.headers_mut();
    for (name, number) in HEADERS.into_iter().zip([window.limit, window.remaining, window.reset()]) {
        headers.insert(name, number.into());
    }
    let fields = [
        ("ratelimit-policy", format!("\"hour\";q={};w={WINDOW_SECONDS}", window.limit)),
        ("ratelimit", format!("\"hour\";r={};t={left}", window.remaining)),
    ];
    for (name, text) in fields {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&text).expect("digits and quotes"));
    }
    response
}

/// A path that leads nowhere (contract 1.1.6).
pub async fn not_found(State(app): State<App>, address: Address, uri: Uri, headers: HeaderMap) -> Response {
    nowhere(&app, address, &uri, &headers, StatusCode::NOT_FOUND, "Not found").await
}

/// A path that does not know the method. The router adds `Allow`.
pub async fn method_not_allowed(State(app): State<App>, address: Address, uri: Uri, headers: HeaderMap) -> Response {
    nowhere(&app, address, &uri, &headers, StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").await
}

/// Who calls with a good key is counted here too, and sees the window (contract 3.2).
async fn nowhere(
    app: &App,
    Address(address): Address,
    uri: &Uri,
    headers: &HeaderMap,
    status: StatusCode,
    msg: &'static str,
) -> Response {
    if status == StatusCode::NOT_FOUND && is_for_a_person(uri, headers) {
        return super::pages::nowhere();
    }
    let response = failure(status, Invalid::new(msg));
    let Some(header) = headers.get(AUTHORIZATION).filter(|_| uri.path().starts_with("/v1")) else {
        return response;
    };
    let Ok(caller) = admission::authenticate(app, Some(header.as_bytes()), address).await else { return response };
    match admission::count(app, &caller).await {
        Ok(window) => with_window(app, response, window),
        Err(Error::Limited { window, retry_after }) => {
            with_window(app, ApiError::from(Error::Limited { window, retry_after }).into_response(), window)
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// Whether a browser asks for a page. Programs get JSON, whatever they ask for (contract 1.1.6).
fn is_for_a_person(uri: &Uri, headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    !uri.path().starts_with("/v1") && accepted.is_some_and(|types| types.contains("text/html"))
}

/// A permission, as a type: a handler's signature says what it demands.
pub trait Permission {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! permissions {
    ($($name:ident),+) => {$(
        #[doc = concat!("The scope [`Scope::", stringify!($name), "`].")]
        pub struct $name;
        impl Permission for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )+};
}
permissions!(LoopsRead, LoopsWrite, RequestsRead, RequestsWrite, WebhooksRead, WebhooksWrite);

/// A caller whose account is active and whose key holds the scope.
pub struct With<P> {
    /// Who calls.
    pub caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<App> for With<P> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let caller = admitted(parts)?.caller;
        caller.require(P::SCOPE)?;
        Ok(Self { caller, permission: PhantomData })
    }
}

/// A caller with any key that works, and its window.
pub struct Anyone {
    /// Who calls.
    pub caller: Caller,
    /// The window after this request.
    pub window: Window,
}

impl FromRequestParts<App> for Anyone {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        admitted(parts).map(|Admitted { caller, window }| Self { caller, window })
    }
}

/// A route that forgot the layer in front refuses everybody.
pub(super) fn admitted(parts: &Parts) -> Result<Admitted, ApiError> {
    let missing = Error::Unauthenticated { msg: "Missing or invalid authorization header", detail: None };
    parts.extensions.get::<Admitted>().cloned().ok_or_else(|| missing.into())
}
