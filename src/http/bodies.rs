//! Bodies of requests: how large one may be, how long it may take, and how much all of them together may hold.

use super::{
    admission::Admitted,
    error::{ApiError, failure},
};
use crate::{
    app::App,
    domain::{Invalid, Object, Sent},
    service::Error,
};
use axum::{
    body::{Body as Unreceived, Bytes},
    extract::{FromRequest, Request},
    http::{Extensions, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body that is read, in bytes (contract 1.2.7).
pub const LARGEST: usize = 1024 * 1024;

/// Room for the bodies that are being received, in bytes. Whoever sends more than there is room for is told to come again: many who
/// send slowly would otherwise fill the memory. Strangers, who sign in or up, have a room of their own, so that they take none from
/// others.
#[derive(Debug)]
pub struct Rooms {
    /// Of callers who have shown who they are.
    pub known: Arc<Semaphore>,
    /// Of everybody else.
    pub strangers: Arc<Semaphore>,
}

impl Default for Rooms {
    fn default() -> Self {
        let room = |bodies| Arc::new(Semaphore::new(bodies * LARGEST));
        Self { known: room(64), strangers: room(32) }
    }
}

impl Rooms {
    fn of(&self, caller: &Extensions) -> &Arc<Semaphore> {
        let known = caller.get::<Known>().is_some() || caller.get::<Admitted>().is_some();
        if known { &self.known } else { &self.strangers }
    }
}

/// Beside a request whose caller has a session.
#[derive(Clone, Copy)]
pub(super) struct Known;

/// The body, read but not yet judged: whether it is sound is asked after existence and ownership (contract 4.1).
/// Any content type does, as long as it is a JSON object (1.2.1).
pub struct Body(pub Sent);

impl FromRequest<App> for Body {
    type Rejection = Refused;
    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        received(app, request).await.map(|bytes| Self(Object::parse(&bytes)))
    }
}

/// Why a body was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is larger than [`LARGEST`].
    TooLarge,
    /// It did not come in the time that the settings give.
    TooLate,
    /// It broke off.
    Torn,
    /// There is no room for it now.
    Busy,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge => failure(StatusCode::PAYLOAD_TOO_LARGE, Invalid::new("Request body too large")),
            Self::TooLate => {
                failure(StatusCode::REQUEST_TIMEOUT, Invalid::new("Request body was not received in time"))
            }
            Self::Torn => failure(StatusCode::BAD_REQUEST, Invalid::body()),
            Self::Busy => ApiError::from(Error::Busy).into_response(),
        }
    }
}

/// A body that was received already, on its way to whoever it is for.
#[derive(Clone)]
struct Received(Bytes);

/// A request whose body was received already.
pub(super) fn with_received(mut head: Parts, body: Bytes) -> Request {
    head.extensions.insert(Received(body));
    Request::from_parts(head, Unreceived::empty())
}

/// The whole body, up to [`LARGEST`], if it comes in the time that the settings give. It takes its part of the room until it is
/// dropped.
pub async fn received(app: &App, mut request: Request) -> Result<Bytes, Refused> {
    if let Some(Received(body)) = request.extensions_mut().remove() {
        return Ok(body);
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > LARGEST as u64) {
        return Err(Refused::TooLarge);
    }
    let room = app.bodies.of(request.extensions()).clone();
    let whole = whole(room, request.into_body());
    tokio::time::timeout(app.settings.request_timeout, whole).await.unwrap_or(Err(Refused::TooLate))
}

async fn whole(room: Arc<Semaphore>, mut body: Unreceived) -> Result<Bytes, Refused> {
    let mut held = Held { bytes: BytesMut::new(), room, taken: None };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::Torn)?;
        held.add(frame.data_ref().map_or(&[], |data| data))?;
    }
    Ok(Bytes::from_owner(held))
}

/// What has been received of a body, and what it takes of the room.
struct Held {
    bytes: BytesMut,
    room: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Held {
    fn add(&mut self, data: &[u8]) -> Result<(), Refused> {
        if self.bytes.len() + data.len() > LARGEST {
            return Err(Refused::TooLarge);
        }
        let length = u32::try_from(data.len()).expect("less than the largest body");
        let taken = self.room.clone().try_acquire_many_owned(length).map_err(|_| Refused::Busy)?;
        match &mut self.taken {
            Some(before) => before.merge(taken),
            None => self.taken = Some(taken),
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
