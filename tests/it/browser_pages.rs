//! Every page in a real browser, narrow and wide, light and dark: nothing sticks out or jumps, axe-core finds no barrier,
//! and pictures to look at are left in `target/screenshots/`. New pages are found by themselves.

use crate::{
    browser::Browser,
    browser_places::{Place, first_place, places},
    harness::{Engine, World, in_world, question_with},
    outside::in_repository,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

/// What axe-core calls WCAG 2.2 at level AA, and what it thinks good besides.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/// How far what is shown may jump in all while a page loads.
const SHIFT: f64 = 0.01;

/// How much of a page a picture shows.
const TALLEST: u32 = 4000;

/// A device, by the name of its folder.
struct Device {
    name: &'static str,
    width: u32,
    height: u32,
}

const PHONE: Device = Device { name: "phone", width: 360, height: 780 };
const WIDE: Device = Device { name: "wide", width: 1280, height: 900 };

/// Whatever the focus goes to must not lie under something else, such as a bar at the edge (WCAG 2.4.11).
const COVERED: &str = "(() => {
    const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]');
    const covered = [...all].filter(it => {
        it.focus();
        if (document.activeElement !== it) return false;
        const { left, top, width, height } = it.getBoundingClientRect();
        if (it.matches('.unseen')) return false; // what is seen of it is its label
        const there = document.elementFromPoint(left + width / 2, top + height / 2);
        return !there || !(it.contains(there) || there.contains(it));
    });
    document.activeElement.blur();
    scrollTo(0, 0);
    return covered.map(it => it.outerHTML);
})()";

/// What is wrong with a page as it was loaded.
async fn faults(browser: &Browser, place: &Place) -> Vec<String> {
    let seen = browser
        .value(
            "new Promise(done => {
                let shift = 0;
                const add = list => { for (const it of list.getEntries()) shift += it.value; };
                const observer = new PerformanceObserver(add);
                observer.observe({ type: 'layout-shift', buffered: true });
                setTimeout(() => done({
                    status: performance.getEntriesByType('navigation')[0].responseStatus,
                    wide: document.scrollingElement.scrollWidth - innerWidth,
                    shift,
                }), 60);
            })",
        )
        .await;
    let mut faults = Vec::new();
    if seen["status"] != place.status {
        faults.push(format!("status {}", seen["status"]));
    }
    if seen["wide"].as_f64().unwrap() > 0.0 {
        faults.push(format!("scrolls sideways by {}", seen["wide"]));
    }
    if seen["shift"].as_f64().unwrap() >= SHIFT {
        faults.push(format!("jumps by {}", seen["shift"]));
    }
    for covered in browser.value(COVERED).await.as_array().unwrap() {
        faults.push(format!("covered where the focus is on it: {covered}"));
    }
    faults
}

/// What axe-core says against the page.
async fn barriers(browser: &Browser, rules: &[&str]) -> Vec<String> {
    let script = "return axe.run({ runOnly: arguments[0], resultTypes: ['violations'] })";
    let found = browser.run(script, &[json!(rules)]).await;
    let violations = found["violations"].as_array().expect("axe-core has run");
    violations.iter().map(told).collect()
}

fn told(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().unwrap().iter();
    let nodes =
        nodes.map(|it| format!("\n      {}\n      {}", it["html"], it["failureSummary"])).collect::<Vec<_>>().concat();
    format!("{}: {}{nodes}", violation["id"], violation["help"])
}

/// Leaves a picture of the page, on a screen that is high enough for it.
async fn picture(browser: &Browser, device: &Device, scheme: &str, place: &Place) {
    let height = browser.value("document.scrollingElement.scrollHeight").await.as_u64().unwrap();
    browser.sized(device.width, u32::try_from(height).unwrap().clamp(device.height, TALLEST)).await;
    let taken = browser.chromium("Page.captureScreenshot", json!({"format": "png"})).await;
    let png = BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
    let folder = in_repository("target/screenshots").join(format!("{}-{scheme}", device.name));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.png", place.name)), png).unwrap();
    browser.sized(device.width, device.height).await;
}

async fn walk(world: &World, device: &Device) {
    let file = in_repository("tests/javascript/node_modules/axe-core/axe.min.js");
    let axe =
        std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("no {}: scripts/test installs it", file.display()));
    let browser = Browser::on(world).await;
    browser.sized(device.width, device.height).await;
    let mut wrong = Vec::new();
    look(&browser, device, &first_place(world).await, &axe, &mut wrong).await;
    for place in places(world).await {
        look(&browser, device, &place, &axe, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Goes there, or sends the form that leads there.
async fn arrive(browser: &Browser, place: &Place) {
    let Some(fields) = &place.fields else { return browser.goto(&place.path).await };
    browser.goto(if place.session.is_some() { "/menu" } else { "/" }).await;
    let script = "const form = Object.assign(document.createElement('form'), { method: 'post', action: arguments[0], hidden: true });
        for (const [name, value] of arguments[1]) {
            const field = document.createElement('textarea');
            form.append(Object.assign(field, { name, value }));
        }
        document.body.append(form);
        form.submit();";
    browser.run(script, &[json!(place.path), json!(fields)]).await;
    browser.until(&format!("location.pathname === {} && document.readyState === 'complete'", json!(place.path))).await;
}

async fn look(browser: &Browser, device: &Device, place: &Place, axe: &str, wrong: &mut Vec<String>) {
    browser.chromium("Network.clearBrowserCookies", json!({})).await;
    if let Some(session) = &place.session {
        browser.has_session(&browser.base(), session).await;
    }
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        let mut found = Vec::new();
        if scheme == "light" {
            arrive(browser, place).await;
            found = faults(browser, place).await;
            browser.run(axe, &[]).await;
            found.extend(barriers(browser, &RULES).await);
        } else {
            found.extend(barriers(browser, &["color-contrast"]).await); // all else is as it was
        }
        picture(browser, device, scheme, place).await;
        wrong
            .extend(found.iter().map(|it| format!("{} ({}), {}, {scheme}: {it}", place.name, place.path, device.name)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialog_is_sound_while_it_is_open() {
    in_world(Engine::Sqlite, |world| async move { open_each_dialog(&world).await }).await;
}

async fn open_each_dialog(world: &World) {
    let asker = world.asker().await;
    let browser = Browser::on(world).await;
    browser.has_session(&browser.base(), &asker.session).await;
    let image = json!({"type": "image", "image_url": format!("{}/assets/icon-512.png", browser.base())});
    let id = world.ask(&asker, &question_with(&image)).await;
    let axe = std::fs::read_to_string(in_repository("tests/javascript/node_modules/axe-core/axe.min.js")).unwrap();
    for device in [&PHONE, &WIDE] {
        browser.sized(device.width, device.height).await;
        for (name, path, opened) in [("keys", "/inbox".to_owned(), "keys"), ("zoom", format!("/inbox/{id}"), "zoom")] {
            browser.goto(&path).await;
            if opened == "zoom" {
                browser.click("[data-zoom]").await;
            } else {
                browser.press("?").await;
            }
            browser.until(&format!("document.getElementById('{opened}').open")).await;
            browser.run(&axe, &[]).await;
            let found = barriers(&browser, &RULES).await;
            assert!(found.is_empty(), "{name}, {}:\n{}", device.name, found.join("\n"));
            let place = Place { name: format!("dialog-{name}"), path, session: None, fields: None, status: 200 };
            picture(&browser, device, "light", &place).await;
        }
    }
}

// What an engine could change is seen once on each.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_on_a_phone() {
    in_world(Engine::Sqlite, |world| async move { walk(&world, &PHONE).await }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_on_a_wide_screen() {
    in_world(Engine::Postgres, |world| async move { walk(&world, &WIDE).await }).await;
}
