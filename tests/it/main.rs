//! Tests of the whole server, each written once and run on both engines. One binary, because linking is slow.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod asking;
mod cancelling;
mod cast;
mod changing;
mod clients;
mod configurations;
mod creating;
mod echoing;
mod feedback;
mod harness;
mod invites;
mod joining;
mod listing;
mod loops;
mod members;
mod pages;
mod people;
mod refusing;
mod removal;
mod reviewing;
mod sessions;
mod showing;
mod walk;
mod work;
