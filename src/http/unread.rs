//! What nobody read of a request's body when it is answered. A connection that is closed over it is reset, and the client
//! loses the answer that was on its way.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::header;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// The most that is read to be dropped, in bytes: what is larger is cut off.
const MOST: usize = 16 * 1024 * 1024;
/// How long an answer is held back for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body, as far as whoever it was meant for leaves it.
pub(super) struct Unread(Option<Shared>);

impl Unread {
    /// Of a request, which keeps it too. There is nothing to read of a client that waits to be asked for its body.
    pub(super) fn of(request: Request) -> (Request, Self) {
        if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
            return (request, Self(None));
        }
        let (head, body) = request.into_parts();
        let shared = Shared(Arc::new(Mutex::new(body)));
        (Request::from_parts(head, Body::new(shared.clone())), Self(Some(shared)))
    }

    /// Reads the rest and drops it.
    pub(super) async fn read(self) {
        let Some(mut body) = self.0 else { return };
        let all = async {
            let mut left = MOST;
            while let Some(Ok(frame)) = body.frame().await {
                let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
                left = less;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
