//! Who may see which page, what keeps other sites out, and where a page may lead (issue: security; design 7).

use crate::{
    browsing::location,
    cast::PASSWORD,
    harness::{World, on_both},
};
use axum::http::Method;
use hitl_server::{domain::Role, http, service::accounts, service::accounts::NewAccount};

/// Pages that anybody may look at, by their path in the router.
const OPEN: [&str; 8] =
    ["/", "/docs", "/sign-in", "/join", "/join/{code}", "/setup/{token}", "/reset/{token}", "/manifest.webmanifest"];
const FILES: [&str; 3] = ["/service-worker.js", "/assets/{file}", "/assets/{print}/{file}"];

/// A path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "65f1234567890abcdef12345" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The paths of pages that one has to sign in for.
fn inside(method: &Method) -> Vec<String> {
    let operations = http::pages().operations.into_iter().filter(|it| it.method == *method);
    let paths =
        operations.map(|it| it.path).filter(|path| !OPEN.contains(&path.as_str()) && !FILES.contains(&path.as_str()));
    paths.collect()
}

async fn owner(world: &World) -> String {
    let new = NewAccount { email: "olga@example.com".parse().unwrap(), name: "Olga".into(), role: Role::Owner };
    let olga = accounts::create(&world.app, hitl_server::domain::Actor::Operator, new, PASSWORD).await.unwrap();
    world.sign_in(&olga).await
}

on_both! {
    async fn who_is_not_signed_in_is_sent_to_sign_in_and_comes_back(world: World) {
        let pages = inside(&Method::GET);
        assert!(pages.contains(&"/inbox".to_owned()) && pages.contains(&"/account".to_owned()), "{pages:?}");
        for page in pages.iter().map(|page| filled(page)) {
            let sent = world.get(&page).await;
            assert_eq!(location(&sent), format!("/sign-in?next={}", page.replace('/', "%2F")), "{page}");
        }
        let deep = world.get("/inbox?tab=mine&priority=high").await;
        assert_eq!(location(&deep), "/sign-in?next=%2Finbox%3Ftab%3Dmine%26priority%3Dhigh");

        world.signed_up("ann@example.com").await;
        let form = world.get(location(&deep)).await.page();
        assert!(form.contains("name=\"next\" value=\"/inbox?tab=mine&#38;priority=high\""), "{form}");
        let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("next", "/inbox?tab=mine&priority=high")];
        let signed_in = world.post("/sign-in").form(&fields).await;
        assert_eq!(location(&signed_in), "/inbox?tab=mine&priority=high");
        assert!(signed_in.header("set-cookie").starts_with("hitl_session=hitl_session_"));
    }

    async fn a_form_sent_after_the_session_has_ended_leads_back_to_its_page(world: World) {
        let sent = |referer: &'static str| world.post("/account/name").header("host", "hitl.test").header("referer", referer).form(&[("name", "Ann")]);
        assert_eq!(location(&sent("http://hitl.test/account").await), "/sign-in?next=%2Faccount");
        for elsewhere in ["http://evil.test/account", "http://hitl.test.evil.test/", "http://hitl.test//evil.test", "about:blank", "http://hitl.test@evil.test/"] {
            assert_eq!(location(&sent(elsewhere).await), "/sign-in?next=%2Finbox", "{elsewhere}");
        }
    }

    async fn where_forms_are_sent_leads_back_to_the_page_above(world: World) {
        let session = owner(&world).await;
        for (path, above) in [
            ("/account/password", "/account"), ("/account/sessions/65f1234567890abcdef12345/end", "/account"),
            ("/account/notifications/test", "/account/notifications"), ("/people/65f1234567890abcdef12345/role", "/people/65f1234567890abcdef12345"),
            ("/inbox/65f1234567890abcdef12345/answer", "/inbox/65f1234567890abcdef12345"), ("/webhooks/signing-secret", "/webhooks"), ("/sign-out", "/"),
            ("/webhooks/65f1234567890abcdef12345/deliveries/65f1234567890abcdef12345/redeliver", "/webhooks/65f1234567890abcdef12345/deliveries/65f1234567890abcdef12345"),
        ] {
            assert_eq!(location(&world.get(path).cookie(&session).await), above, "{path}");
            assert_eq!(location(&world.call(Method::HEAD, path).await), above, "{path}");
        }
        for path in inside(&Method::POST).into_iter().map(|path| filled(&path)) {
            assert_ne!(world.get(&path).cookie(&session).await.status, 405, "{path}");
        }
    }

    async fn signing_in_leads_nowhere_else(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        for next in ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "/.//evil.test", "javascript:alert(1)", "evil", ""] {
            let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("next", next)];
            let patient = world.beside(|_| {}).await;
            assert_eq!(location(&patient.post("/sign-in").form(&fields).await), "/inbox", "{next}");
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            assert_eq!(location(&world.get(&format!("/sign-in?{query}")).cookie(&session).await), "/inbox", "{next}");
            assert!(!world.get(&format!("/sign-in?{query}")).await.page().contains("evil"), "{next}");
        }
        assert_eq!(location(&world.get("/sign-in?next=/account").cookie(&session).await), "/account");
    }

    async fn no_form_of_any_page_is_taken_from_another_site(world: World) {
        let session = owner(&world).await;
        let posts: Vec<_> = http::pages().operations.into_iter().filter(|it| it.method != Method::GET).collect();
        assert!(posts.len() >= 8, "the forms are walked");
        for operation in posts {
            for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test"), ("origin", "null")] {
                let path = filled(&operation.path);
                let call = world.call(operation.method.clone(), &path).cookie(&session).header(name, value);
                let refused = call.form(&[("name", "Eve"), ("mode", "")]).await;
                assert_eq!((refused.status, refused.header("set-cookie")), (403, ""), "{path} {name}");
                assert!(refused.page().contains("Cross-site request refused"));
            }
        }
        assert_eq!(world.get("/v1/reviewer/me").key(&session).await.text("data.name"), "Olga");
    }

    async fn every_page_is_kept_to_itself(world: World) {
        let session = owner(&world).await;
        let mut paths: Vec<String> = http::pages().operations.into_iter().map(|it| filled(&it.path)).collect();
        paths.push("/no/such/page".into());
        for path in paths {
            for method in [Method::GET, Method::POST] {
                let answer = world.call(method, &path).cookie(&session).header("accept", "text/html").await;
                if answer.status == 405 {
                    continue;
                }
                let policy = answer.header("content-security-policy");
                assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
                assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{path}");
                assert_eq!((answer.header("x-frame-options"), answer.header("x-content-type-options")), ("DENY", "nosniff"), "{path}");
                let html = answer.header("content-type").starts_with("text/html");
                assert!(!html || answer.header("cache-control") == "no-store", "{path}");
                let text = String::from_utf8_lossy(&answer.bytes).to_lowercase();
                assert!(!html || !(text.contains("<style") || text.contains(" style=") || text.contains(" onclick=")), "{path}");
            }
        }
    }

    async fn an_address_that_leads_nowhere_is_a_page_for_people_and_json_for_programs(world: World) {
        let person = world.get("/no/such/page").header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!(person.status, 404);
        assert!(person.page().contains("There is no such page"));
        for (path, accept) in [("/no/such/page", "*/*"), ("/v1/no/such/page", "text/html"), ("/no/such/page", "application/json")] {
            world.get(path).header("accept", accept).await.refused(404, "Not found", &serde_json::Value::Null);
        }
    }

    async fn a_page_says_only_words_of_ours(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        let told = world.get("/account?notice=name-changed").cookie(&session).await.page();
        assert!(told.contains("role=\"status\">Your name is changed.</p>"));
        let other = world.get("/account?notice=Call+evil.test+now").cookie(&session).await.page();
        assert!(!other.contains("evil") && !other.contains("notice-done"));
    }

    async fn the_ways_to_go_are_those_that_one_may_go(world: World) {
        let ann = world.signed_up("ann@example.com").await;
        let member = world.get("/menu").cookie(&world.sign_in(&ann).await).await.page();
        assert!(member.contains("href=\"/inbox\"") && !member.contains("href=\"/keys\""));
        let asker = world.asker().await;
        let asks = world.get("/menu").cookie(&asker.session).await.page();
        assert!(asks.contains("href=\"/keys\""));
        let owns = world.get("/menu").cookie(&owner(&world).await).await.page();
        assert!(owns.contains("href=\"/keys\""));
    }
}
