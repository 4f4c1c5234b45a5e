//! Bodies of requests: how large one may be, how long it may take, and how much all of them together may hold.

use super::error::{ApiError, failure};
use crate::{
    app::App,
    domain::{Invalid, Object, Sent},
    service::Error,
};
use axum::{
    body::{Body as Unreceived, Bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

/// The largest body that is read, in bytes (contract 1.2.7).
pub const LARGEST: usize = 1024 * 1024;
/// The most that the bodies which are being received may hold together, in bytes. Whoever sends more then is told to come again:
/// many who send slowly would otherwise fill the memory.
pub const ALL: usize = 64 * LARGEST;

/// The body, read but not yet judged: whether it is sound is asked after existence and ownership (contract 4.1).
/// Any content type does, as long as it is a JSON object (1.2.1).
pub struct Body(pub Sent);

impl FromRequest<App> for Body {
    type Rejection = Response;
    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        received(app, request).await.map(|bytes| Self(Object::parse(&bytes)))
    }
}

/// The whole body, up to [`LARGEST`], if it comes in the time that the settings give. It takes its part of [`ALL`] until it is
/// dropped.
pub async fn received(app: &App, request: Request) -> Result<Bytes, Response> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > LARGEST as u64) {
        return Err(too_large());
    }
    let whole = whole(app, request.into_body());
    tokio::time::timeout(app.settings.request_timeout, whole).await.unwrap_or_else(|_| {
        Err(failure(StatusCode::REQUEST_TIMEOUT, Invalid::new("Request body was not received in time")))
    })
}

async fn whole(app: &App, mut body: Unreceived) -> Result<Bytes, Response> {
    let mut held = Held { bytes: BytesMut::new(), room: None };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| failure(StatusCode::BAD_REQUEST, Invalid::body()))?;
        held.add(app, frame.data_ref().map_or(&[], |data| data))?;
    }
    Ok(Bytes::from_owner(held))
}

/// What has been received of a body, and the room that it takes.
struct Held {
    bytes: BytesMut,
    room: Option<OwnedSemaphorePermit>,
}

impl Held {
    fn add(&mut self, app: &App, data: &[u8]) -> Result<(), Response> {
        if self.bytes.len() + data.len() > LARGEST {
            return Err(too_large());
        }
        let length = u32::try_from(data.len()).expect("less than the largest body");
        let room = app.bodies.clone().try_acquire_many_owned(length);
        let room = room.map_err(|_| ApiError::from(Error::Busy).into_response())?;
        match &mut self.room {
            Some(taken) => taken.merge(room),
            None => self.room = Some(room),
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

fn too_large() -> Response {
    failure(StatusCode::PAYLOAD_TOO_LARGE, Invalid::new("Request body too large"))
}
