//! x
pub mod app;
pub mod domain;
pub mod http;
pub mod serve;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod worker;
