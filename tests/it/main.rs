//! Tests of the whole server, each written once and run on both engines. One binary, because linking is slow.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asking;
mod changing;
mod harness;
mod listing;
mod walk;
