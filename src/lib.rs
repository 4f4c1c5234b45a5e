//! x
pub mod app;
pub mod domain;
pub mod service;
pub mod settings;
pub mod store;
