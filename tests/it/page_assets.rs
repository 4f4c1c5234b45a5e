//! What pages are made of besides text: kept for good by its fingerprint, and all of it there.

use crate::harness::on_both;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a page loads.
fn loaded(page: &str) -> BTreeSet<String> {
    let quoted = ["href=\"", "src=\""]
        .into_iter()
        .flat_map(|name| page.split(name).skip(1).filter_map(|rest| rest.split('"').next()));
    let files = quoted.filter(|link| link.starts_with("/assets/") || link.ends_with(".webmanifest"));
    files.map(|link| link.split('#').next().unwrap().to_owned()).collect()
}

on_both! {
    async fn everything_a_page_loads_is_there_and_may_be_kept_for_good(world: World) {
        let asker = world.asker().await;
        let mut files = BTreeSet::new();
        for path in ["/", "/docs", "/sign-in", "/inbox", "/menu", "/account", "/account/notifications", "/keys", "/keys/new", "/loops/new", "/requests", "/requests/new", "/webhooks", "/webhooks/new", "/overview"] {
            files.extend(loaded(&world.get(path).await.page_or_nothing()));
            files.extend(loaded(&world.get(path).cookie(&asker.session).await.page_or_nothing()));
        }
        assert!(files.len() > 8, "{files:?}");
        for file in &files {
            let answer = world.get(file).await;
            assert_eq!(answer.status, 200, "{file}");
            let for_good = answer.header("cache-control").contains("immutable");
            assert_eq!(for_good, file.starts_with("/assets/"), "{file}");
            let tag = answer.header("etag").to_owned();
            assert_eq!(world.get(file).header("if-none-match", &tag).await.status, 304, "{file}");
        }
    }

    async fn scripts_find_what_they_import_and_icons_are_drawn(world: World) {
        let page = world.get("/inbox").cookie(&world.asker().await.session).await.page();
        let script = loaded(&page).into_iter().find(|file| file.ends_with("/live.js")).unwrap();
        let folder = script.rsplit_once('/').unwrap().0;
        let text = String::from_utf8(world.get(&script).await.bytes).unwrap();
        let imports: Vec<_> = text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(imports, ["copy.js", "morph.js", "time.js"]);
        for file in imports {
            assert_eq!(world.get(&format!("{folder}/{file}")).await.status, 200, "{file}");
        }
        let icons = String::from_utf8(world.get(&format!("{folder}/icons.svg")).await.bytes).unwrap();
        let used: BTreeSet<_> = page.split("icons.svg#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(used.len() > 4, "{used:?}");
        for name in used {
            assert!(icons.contains(&format!("<symbol id=\"{name}\"")), "{name}");
        }
    }

    async fn another_version_s_file_is_not_kept_for_good(world: World) {
        let other = world.get("/assets/0123456789abcdef/style.css").await;
        assert_eq!((other.status, other.header("cache-control")), (200, "public, max-age=300"));
        for missing in ["/assets/no.css", "/assets/0123456789abcdef/no.css", "/assets/..%2fCargo.toml"] {
            assert_eq!(world.get(missing).await.status, 404, "{missing}");
        }
    }

    async fn the_pages_can_be_installed(world: World) {
        let manifest = world.get("/manifest.webmanifest").await;
        assert_eq!(manifest.header("content-type"), "application/manifest+json");
        assert_eq!((manifest.text("start_url"), manifest.text("display")), ("/inbox".into(), "standalone".into()));
        for icon in manifest.at("icons").as_array().unwrap() {
            let file = world.get(icon["src"].as_str().unwrap()).await;
            assert_eq!((file.status, Value::from(file.header("content-type"))), (200, icon["type"].clone()));
        }
        let worker = world.get("/service-worker.js").await;
        assert_eq!((worker.header("content-type"), worker.header("cache-control")), ("text/javascript; charset=utf-8", "no-cache"));
    }
}
