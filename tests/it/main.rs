//! Tests of the whole server, each written once and run on both engines. One binary, because linking is slow.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accidents;
mod answers;
mod asking;
mod authentication;
mod bodies;
mod cancelling;
mod cast;
mod changing;
mod clients;
mod configurations;
mod conventions;
mod creating;
mod deadlines;
mod echoing;
mod errors;
mod feedback;
mod harness;
mod hostile;
mod invariants;
mod invites;
mod joining;
mod layers;
mod limits;
mod listing;
mod loops;
mod members;
mod network;
mod openapi;
mod operations;
mod pages;
mod people;
mod processes;
mod reading;
mod refusing;
mod removal;
mod reviewing;
mod rivals;
mod scopes;
mod sessions;
mod showing;
mod throttling;
mod walk;
mod work;
