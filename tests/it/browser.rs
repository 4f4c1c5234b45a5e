//! A world on a socket of its own, and a browser that looks at it.

use crate::{cast::PASSWORD, harness::World, webdriver::WebDriver};
use axum::{ServiceExt, extract::Request};
use serde_json::{Value, json};
use std::{net::SocketAddr, ops::Deref};

/// A browser on a world's pages.
pub(crate) struct Browser {
    driver: WebDriver,
    port: u16,
    server: tokio::task::JoinHandle<()>,
}

impl Deref for Browser {
    type Target = WebDriver;
    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Browser {
    pub(crate) async fn on(world: &World) -> Self {
        Self::with(world, json!({})).await
    }

    /// One that runs no script of a page.
    pub(crate) async fn without_script(world: &World) -> Self {
        Self::with(world, json!({"profile.managed_default_content_settings.javascript": 2})).await
    }

    async fn with(world: &World, preferences: Value) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(world.router.clone());
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { driver: WebDriver::start(preferences).await, port, server }
    }

    /// Where the world is for this browser.
    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same under another name, where the browser keeps other cookies: for a second person.
    pub(crate) fn other_base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Opens a page.
    pub(crate) async fn goto(&self, path: &str) {
        self.open(&format!("{}{path}", self.base())).await;
    }

    /// Waits until it is at that path, whatever the query.
    pub(crate) async fn arrived(&self, path: &str) {
        self.until(&format!("location.pathname === {}", json!(path))).await;
    }

    /// Gives it the cookie of somebody who is signed in.
    pub(crate) async fn has_session(&self, base: &str, token: &str) {
        let cookie = json!({"name": "hitl_session", "value": token, "url": base, "httpOnly": true, "sameSite": "Lax"});
        self.chromium("Network.setCookie", cookie).await;
    }

    /// Signs in by the form that is shown.
    pub(crate) async fn signs_in(&self, email: &str) {
        self.fill("#email", email).await;
        self.fill("#password", PASSWORD).await;
        self.click("main button[type=submit]").await;
    }

    /// How wide and high the page is shown; what is narrow is a phone that is touched.
    pub(crate) async fn sized(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.chromium("Emulation.setDeviceMetricsOverride", size).await;
        self.chromium("Emulation.setTouchEmulationEnabled", json!({"enabled": width < 600})).await;
    }

    /// Whether the person wants pages `light` or `dark`.
    pub(crate) async fn prefers(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.chromium("Emulation.setEmulatedMedia", json!({"features": [feature]})).await;
    }
}
