//! What a browser sees of an answer.

use crate::harness::{Answer, World};

/// Where an answer sends the browser to.
#[track_caller]
pub(crate) fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.bytes));
    answer.header("location")
}

/// A page as somebody who is signed in sees it.
pub(crate) async fn page(world: &World, path: &str, session: &str) -> String {
    let answer = world.get(path).cookie(session).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.page()
}
