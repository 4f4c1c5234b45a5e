//! What the first look at a page costs on the way, and that compressing it gives nothing away.

use crate::{browser::Browser, harness::on_both};
use serde_json::json;

/// How much a browser that comes for the first time may have to load.
const MOST: f64 = 60_000.0;

on_both! {
    async fn the_first_look_is_light(world: World) {
        let asker = world.asker().await;
        for number in 0..20 {
            let text = format!("Number {number} of what waits, with words enough to fill a line or two of the card");
            world.ask(&asker, &crate::harness::question_with(&json!({"request_text": text}))).await;
        }
        let browser = Browser::on(&world).await;
        for page in ["/sign-in", "/inbox"] {
            browser.chromium("Network.clearBrowserCache", json!({})).await;
            browser.goto(page).await;
            let loaded = "performance.getEntries().filter(it => 'transferSize' in it).map(it => [new URL(it.name).pathname, it.transferSize])";
            let loaded = browser.value(loaded).await;
            let sizes: Vec<f64> = loaded.as_array().unwrap().iter().map(|it| it[1].as_f64().unwrap()).collect();
            let total: f64 = sizes.iter().sum();
            assert!(sizes.iter().filter(|size| **size > 0.0).count() > 4, "it comes over the wire: {loaded}");
            assert!(total < MOST, "{page} weighs {total}: {loaded}");
            browser.has_session(&browser.base(), &asker.session).await;
        }
    }

    async fn pages_and_assets_are_compressed_and_nothing_else(world: World) {
        let asker = world.asker().await;
        let style = "/assets/style.css";
        for path in ["/", "/inbox", "/sign-in", style, "/manifest.webmanifest", "/assets/icons.svg"] {
            let plain = world.get(path).cookie(&asker.session).await;
            assert_eq!(plain.header("content-encoding"), "", "{path}");
            let packed = world.get(path).cookie(&asker.session).header("accept-encoding", "br, gzip").await;
            if plain.status == 303 {
                continue;
            }
            assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"), "{path}");
            assert!(packed.bytes.len() < plain.bytes.len() * 2 / 3, "{path}");
        }
        let tag = world.get(style).await.header("etag").to_owned();
        assert!(tag.starts_with("W/"), "the same content in another coding: {tag}");
        for path in ["/v1/reviewer/inbox", "/v1/api/loops", "/health", "/openapi.json", "/assets/icon-512.png"] {
            let answer = world.get(path).key(if path == "/v1/api/loops" { &asker.key } else { &asker.session }).header("accept-encoding", "gzip").await;
            assert_eq!((answer.status, answer.header("content-encoding")), (200, ""), "{path}");
        }
    }

    async fn a_page_that_another_site_has_opened_is_not_compressed(world: World) {
        let asker = world.asker().await;
        for (site, encoding) in [("cross-site", ""), ("same-site", ""), ("same-origin", "gzip"), ("none", "gzip")] {
            let page = world.get("/inbox").cookie(&asker.session).header("accept-encoding", "gzip").header("sec-fetch-site", site).await;
            assert_eq!((page.status, page.header("content-encoding")), (200, encoding), "{site}");
        }
    }
}
