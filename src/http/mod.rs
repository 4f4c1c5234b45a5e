//! The wire: parse, call one service function, render. Every route and alias is on this screen.

pub mod admission;
pub mod assets;
pub mod audit;
pub mod bodies;
pub mod cors;
pub mod deliveries;
pub mod error;
pub mod etag;
pub mod event_schemas;
pub mod extract;
mod finish;
pub mod health;
pub mod idempotency;
pub mod invites;
pub mod keys;
pub mod live;
pub mod loops;
pub mod members;
pub mod metrics;
pub mod notifications;
pub mod openapi;
mod openapi_layers;
pub mod page_account;
pub mod page_answer;
pub mod page_asked;
pub mod page_audit;
pub mod page_audit_words;
pub mod page_chart;
pub mod page_context;
pub mod page_deliveries;
pub mod page_forms;
pub mod page_history;
pub mod page_home;
pub mod page_icons;
pub mod page_inbox;
pub mod page_join;
pub mod page_keys;
pub mod page_loop_people;
pub mod page_loops;
pub mod page_markdown;
pub mod page_my_loops;
pub mod page_new_request;
pub mod page_notices;
pub mod page_notifications;
pub mod page_overview;
pub mod page_people;
pub mod page_person;
pub mod page_places;
pub mod page_request;
pub mod page_requests;
pub mod page_reset;
pub mod page_setup;
pub mod page_shell;
pub mod page_sign_in;
pub mod page_signed_in;
pub mod page_signing_secret;
pub mod page_story;
pub mod page_times;
pub mod page_unsent;
pub mod page_webhook_form;
pub mod page_webhooks;
pub mod page_weight;
pub mod pages;
pub mod qr;
pub mod reply;
pub mod request_views;
pub mod requests;
pub mod review_session;
pub mod reviewer;
pub mod routes;
pub mod schemas;
mod unread;
pub mod views;
pub mod webhooks;

use crate::{app::App, telemetry};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next, from_fn_with_state},
    response::Response,
};
use extract::Address;
use routes::Routes;
use tower_http::compression::CompressionLayer;

/// A resource is reachable under both prefixes (contract 1.1.2); the first is the documented one.
fn api(path: &str) -> [String; 2] {
    ["/v1/api", "/v1"].map(|prefix| format!("{prefix}{path}"))
}

fn reviewer(path: &str) -> [String; 1] {
    [format!("/v1/reviewer{path}")]
}

fn both(one: &str, other: &str) -> [String; 4] {
    let ([a, b], [c, d]) = (api(one), api(other));
    [a, b, c, d]
}

/// What programs call with an API key.
pub fn keyed() -> Routes {
    Routes::default()
        .get(&["/v1/test".into(), "/v1/api/test".into()], keys::test)
        .get(&api("/loops"), loops::list)
        .post(&api("/loops"), loops::create)
        .get(&api("/loops/{loop_id}"), loops::show)
        .put(&api("/loops/{loop_id}"), loops::update)
        .patch(&api("/loops/{loop_id}"), loops::patch)
        .delete(&api("/loops/{loop_id}"), loops::delete)
        .get(&api("/loops/{loop_id}/stats"), loops::statistics)
        .post(&api("/loops/{loop_id}/invite"), loops::rotate_code)
        .get(&api("/loops/{loop_id}/members"), members::list)
        .post(&api("/loops/{loop_id}/members"), members::invite)
        .delete(&api("/loops/{loop_id}/members/{user_id}"), members::remove)
        .get(&api("/loops/{loop_id}/requests"), requests::list_of_loop)
        .post(&api("/loops/{loop_id}/requests"), requests::create)
        .get(&api("/requests"), requests::list)
        .post(&api("/requests"), requests::create_legacy)
        .get(&api("/requests/{request_id}"), requests::show)
        .get(&both("/requests/{request_id}/status", "/requests/{request_id}/response"), requests::show_again)
        .patch(&api("/requests/{request_id}"), requests::update)
        .put(&api("/requests/{request_id}"), requests::replace)
        .delete(&api("/requests/{request_id}"), requests::cancel)
        .post(&api("/requests/{request_id}/cancel"), requests::cancel_by_post)
        .post(&api("/requests/{request_id}/feedback"), requests::give_feedback)
        .get(&api("/requests/{request_id}/wait"), requests::wait)
        .get(&api("/requests/{request_id}/events"), live::stream_of_request)
        .get(&api("/requests/{request_id}/timeline"), live::timeline)
        .get(&api("/requests/{request_id}/deliveries"), deliveries::of_request)
        .post(&api("/requests/{request_id}/deliveries/{delivery_id}/redeliver"), deliveries::redeliver_callback)
        .get(&api("/events"), live::stream_of_account)
        .get(&api("/webhooks"), webhooks::list)
        .post(&api("/webhooks"), webhooks::create)
        .get(&api("/webhooks/signing-secret"), webhooks::signing_secret)
        .post(&api("/webhooks/signing-secret/rotate"), webhooks::rotate_signing_secret)
        .get(&api("/webhooks/{webhook_id}"), webhooks::show)
        .patch(&api("/webhooks/{webhook_id}"), webhooks::update)
        .put(&api("/webhooks/{webhook_id}"), webhooks::replace)
        .delete(&api("/webhooks/{webhook_id}"), webhooks::delete)
        .post(&api("/webhooks/{webhook_id}/test"), webhooks::test)
        .post(&api("/webhooks/{webhook_id}/rotate-secret"), webhooks::rotate_secret)
        .get(&api("/webhooks/{webhook_id}/deliveries"), deliveries::log)
        .get(&api("/webhooks/{webhook_id}/deliveries/{delivery_id}"), deliveries::show_delivery)
        .post(&api("/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"), deliveries::redeliver)
        .post(&api("/webhooks/{webhook_id}/recover"), deliveries::recover)
}

/// What reviewers call with a session (contract 16.2); never with an API key.
pub fn reviewed() -> Routes {
    Routes::default()
        .post(&reviewer("/session"), review_session::open)
        .delete(&reviewer("/session"), review_session::close)
        .post(&reviewer("/signup"), review_session::sign_up)
        .post(&reviewer("/setup"), review_session::set_up)
        .post(&reviewer("/password"), review_session::change_password)
        .get(&reviewer("/me"), reviewer::me)
        .get(&reviewer("/inbox"), reviewer::inbox)
        .get(&reviewer("/audit"), audit::log)
        .get(&reviewer("/events"), live::stream_of_person)
        .get(&reviewer("/history"), reviewer::history)
        .get(&reviewer("/requests/{request_id}"), reviewer::show)
        .post(&reviewer("/requests/{request_id}/claim"), reviewer::claim)
        .post(&reviewer("/requests/{request_id}/release"), reviewer::release)
        .post(&reviewer("/requests/{request_id}/respond"), reviewer::respond)
        .put(&reviewer("/requests/{request_id}/draft"), reviewer::keep_draft)
        .get(&reviewer("/loops"), reviewer::loops)
        .post(&reviewer("/loops/join"), reviewer::join)
        .post(&reviewer("/loops/{loop_id}/leave"), reviewer::leave)
        .get(&reviewer("/notification-settings"), notifications::settings)
        .put(&reviewer("/notification-settings"), notifications::update_settings)
        .post(&reviewer("/notification-settings/test"), notifications::test)
        .post(&reviewer("/devices"), notifications::add_device)
        .delete(&reviewer("/devices/{device_id}"), notifications::remove_device)
}

/// What needs neither.
pub fn open() -> Routes {
    Routes::default()
        .get(&["/health".into(), "/v1/health".into()], health::alive)
        .get(&["/ready".into()], health::ready)
        .get(&["/openapi.json".into()], openapi::document)
        .get(&["/qr/{file}".into()], invites::qr)
}

/// Pages for people, and what belongs to them.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn pages() -> Routes {
    Routes::default()
        .get(&["/".into()], page_home::home)
        .get(&["/docs".into()], page_home::docs)
        .get(&["/menu".into()], page_home::menu)
        .get(&["/setup/{token}".into()], page_setup::form)
        .post(&["/setup/{token}".into()], page_setup::set_up)
        .get(&["/sign-in".into()], page_sign_in::form)
        .post(&["/sign-in".into()], page_sign_in::sign_in)
        .post(&["/sign-out".into()], page_sign_in::sign_out)
        .get(&["/reset/{token}".into()], page_reset::form)
        .post(&["/reset/{token}".into()], page_reset::reset)
        .get(&["/join".into()], page_join::code)
        .post(&["/join".into()], page_join::find)
        .get(&["/join/{code}".into()], page_join::invitation)
        .post(&["/join/{code}".into()], page_join::join)
        .get(&["/account".into()], page_account::show)
        .post(&["/account/name".into()], page_account::rename)
        .post(&["/account/password".into()], page_account::change_password)
        .post(&["/account/sessions/{session_id}/end".into()], page_account::end_session)
        .post(&["/account/other-sessions/end".into()], page_account::end_others)
        .get(&["/account/notifications".into()], page_notifications::show)
        .post(&["/account/notifications".into()], page_notifications::update)
        .post(&["/account/notifications/test".into()], page_notifications::test)
        .post(&["/account/devices/{device_id}/remove".into()], page_notifications::remove_device)
        .get(&["/inbox".into()], page_inbox::show)
        .get(&["/overview".into()], page_overview::show)
        .get(&["/keys".into()], page_keys::list)
        .get(&["/keys/new".into()], page_keys::form)
        .post(&["/keys/new".into()], page_keys::create)
        .get(&["/keys/{key_id}".into()], page_keys::show)
        .post(&["/keys/{key_id}/suspend".into()], page_keys::suspend)
        .post(&["/keys/{key_id}/activate".into()], page_keys::activate)
        .post(&["/keys/{key_id}/rotate".into()], page_keys::rotate)
        .get(&["/keys/{key_id}/revoke".into()], page_keys::ask_revoke)
        .post(&["/keys/{key_id}/revoke".into()], page_keys::revoke)
        .get(&["/webhooks".into()], page_webhooks::list)
        .get(&["/webhooks/new".into()], page_webhook_form::form)
        .post(&["/webhooks/new".into()], page_webhook_form::create)
        .post(&["/webhooks/signing-secret".into()], page_signing_secret::show)
        .get(&["/webhooks/signing-secret/rotate".into()], page_signing_secret::ask_rotate)
        .post(&["/webhooks/signing-secret/rotate".into()], page_signing_secret::rotate)
        .get(&["/webhooks/{webhook_id}".into()], page_webhooks::show)
        .get(&["/webhooks/{webhook_id}/edit".into()], page_webhook_form::edit)
        .post(&["/webhooks/{webhook_id}/edit".into()], page_webhook_form::update)
        .post(&["/webhooks/{webhook_id}/pause".into()], page_webhooks::pause)
        .post(&["/webhooks/{webhook_id}/resume".into()], page_webhooks::resume)
        .get(&["/webhooks/{webhook_id}/rotate".into()], page_webhooks::ask_rotate)
        .post(&["/webhooks/{webhook_id}/rotate".into()], page_webhooks::rotate)
        .get(&["/webhooks/{webhook_id}/delete".into()], page_webhooks::ask_delete)
        .post(&["/webhooks/{webhook_id}/delete".into()], page_webhooks::delete)
        .post(&["/webhooks/{webhook_id}/test".into()], page_deliveries::test)
        .post(&["/webhooks/{webhook_id}/recover".into()], page_deliveries::recover)
        .get(&["/webhooks/{webhook_id}/deliveries/{delivery_id}".into()], page_deliveries::show)
        .post(&["/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver".into()], page_deliveries::redeliver)
        .get(&["/loops/new".into()], page_loops::form)
        .post(&["/loops/new".into()], page_loops::create)
        .get(&["/loops/{loop_id}".into()], page_loops::show)
        .get(&["/loops/{loop_id}/edit".into()], page_loops::edit)
        .post(&["/loops/{loop_id}/edit".into()], page_loops::update)
        .get(&["/loops/{loop_id}/delete".into()], page_loops::ask_delete)
        .post(&["/loops/{loop_id}/delete".into()], page_loops::delete)
        .post(&["/loops/{loop_id}/invite".into()], page_loop_people::invite)
        .get(&["/loops/{loop_id}/code".into()], page_loop_people::ask_code)
        .post(&["/loops/{loop_id}/code".into()], page_loop_people::new_code)
        .get(&["/loops/{loop_id}/members/{user_id}/remove".into()], page_loop_people::ask_remove)
        .post(&["/loops/{loop_id}/members/{user_id}/remove".into()], page_loop_people::remove)
        .get(&["/people".into()], page_people::list)
        .get(&["/people/new".into()], page_people::form)
        .post(&["/people/new".into()], page_people::invite)
        .get(&["/people/{user_id}".into()], page_person::show)
        .post(&["/people/{user_id}/role".into()], page_person::set_role)
        .get(&["/people/{user_id}/suspend".into()], page_person::ask_suspend)
        .post(&["/people/{user_id}/suspend".into()], page_person::suspend)
        .post(&["/people/{user_id}/activate".into()], page_person::activate)
        .post(&["/people/{user_id}/link".into()], page_person::link)
        .post(&["/people/{user_id}/withdraw".into()], page_person::withdraw)
        .post(&["/people/{user_id}/sessions/end".into()], page_person::end_sessions)
        .post(&["/people/{user_id}/sessions/{session_id}/end".into()], page_person::end_session)
        .get(&["/audit".into()], page_audit::list)
        .get(&["/audit/export".into()], page_audit::export)
        .get(&["/audit/{seq}".into()], page_audit::show)
        .get(&["/requests".into()], page_requests::list)
        .get(&["/requests/new".into()], page_new_request::form)
        .post(&["/requests/new".into()], page_new_request::create)
        .get(&["/requests/{request_id}".into()], page_story::show)
        .get(&["/requests/{request_id}/deliveries/{delivery_id}".into()], page_story::delivery)
        .post(&["/requests/{request_id}/deliveries/{delivery_id}/redeliver".into()], page_story::redeliver)
        .get(&["/requests/{request_id}/cancel".into()], page_requests::ask_cancel)
        .post(&["/requests/{request_id}/cancel".into()], page_requests::cancel)
        .get(&["/inbox/{request_id}".into()], page_request::show)
        .post(&["/inbox/{request_id}/claim".into()], page_request::claim)
        .post(&["/inbox/{request_id}/release".into()], page_request::release)
        .post(&["/inbox/{request_id}/answer".into()], page_request::answer)
        .get(&["/history".into()], page_history::show)
        .get(&["/loops".into()], page_my_loops::list)
        .post(&["/loops/{loop_id}/notifications".into()], page_notifications::switch_loop)
        .get(&["/loops/{loop_id}/leave".into()], page_my_loops::confirm)
        .post(&["/loops/{loop_id}/leave".into()], page_my_loops::leave)
        .get(&["/manifest.webmanifest".into()], assets::manifest)
        .get(&["/service-worker.js".into()], assets::service_worker)
        .get(&["/assets/{file}".into()], assets::file)
        .get(&["/assets/{print}/{file}".into()], assets::fingerprinted)
        .leading_back()
}

/// The whole server; the layers from outside in. What is served to the network is [`outside`] of it.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(keyed_router(&app))
        .merge(reviewed().router.route_layer(from_fn_with_state(app.clone(), review_session::keep_to_https)))
        .merge(open().router)
        .merge(pages_router(&app))
        .fallback(admission::not_found)
        .method_not_allowed_fallback(admission::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), around_all))
        .with_state(app)
}

/// Around every call, from outside in. It is one layer, because each would cost a call memory and time of its own.
pub async fn around_all(State(app): State<App>, request: Request, next: Next) -> Response {
    let done = |request| error::caught(finish::once_begun(request, next));
    telemetry::trace(&app, request, |request| cors::allow(request, done)).await
}

/// In front of what programs call, from outside in: the admission, then what answers from memory.
pub async fn around_keyed(State(app): State<App>, from: Address, request: Request, next: Next) -> Response {
    let answered = |request| error::caught(next.run(request)); // so that what is in front sees an answer
    let once = |request| idempotency::once(&app, request, |request| etag::tag(request, answered));
    admission::admit(&app, from, request, once).await
}

fn keyed_router(app: &App) -> Router<App> {
    keyed().router.route_layer(from_fn_with_state(app.clone(), around_keyed))
}

/// In front of pages, from outside in.
fn pages_router(app: &App) -> Router<App> {
    pages().router.route_layer((
        from_fn_with_state(app.clone(), review_session::keep_to_https),
        middleware::from_fn(page_weight::keep_guesses_out),
        CompressionLayer::new(),
        middleware::from_fn(pages::guard),
    ))
}

/// The server with a trailing slash tolerated, without a redirect (contract 1.1.5).
pub fn outside(app: App) -> tower_http::normalize_path::NormalizePath<Router> {
    tower::Layer::layer(&tower_http::normalize_path::NormalizePathLayer::trim_trailing_slash(), router(app))
}
