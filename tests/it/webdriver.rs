//! A Chromium of a test's own, driven by `WebDriver`, which is JSON over HTTP.

use crate::outside::in_repository;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How many browsers there are at once, in all processes that test: each takes a processor of its own to start.
const AT_ONCE: usize = 2;
/// How often a driver is started that ends at once.
const LAUNCHES: usize = 5;
/// So long a test waits for what must come to be on a page. A machine under load is slow to show it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The rest between two looks.
const REST: Duration = Duration::from_millis(30);
/// What `WebDriver` calls a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys as `WebDriver` writes them.
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';
pub(crate) const CONTROL: char = '\u{e009}';
pub(crate) const TAB: char = '\u{e004}';

/// One browser. It ends with this, whatever becomes of the test.
pub(crate) struct WebDriver {
    session: String,
    client: reqwest::Client,
    _process: Process,
    _place: File,
}

/// The driver and the browser that it starts, in a group of their own, with a folder of their own.
struct Process {
    child: Child,
    profile: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl WebDriver {
    /// Starts one, once there is a place for it.
    pub(crate) async fn start(preferences: Value) -> Self {
        let place = place().await;
        let (process, port) = tokio::task::spawn_blocking(launch).await.unwrap();
        let folder = process.profile.path().display().to_string();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-extensions",
            "--no-first-run",
            "--mute-audio",
            "--hide-scrollbars",
            "--window-size=1280,900",
        ];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={folder}"));
        let mut options = json!({"args": arguments, "prefs": preferences});
        if let Ok(chromium) = std::env::var("CHROMIUM") {
            options["binary"] = json!(chromium);
        }
        let wanted = json!({"goog:chromeOptions": options});
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let mut it =
            Self { session: format!("http://127.0.0.1:{port}/session"), client, _process: process, _place: place };
        let made = it.post("", json!({"capabilities": {"alwaysMatch": wanted}})).await.unwrap();
        it.session = format!("{}/{}", it.session, made["sessionId"].as_str().unwrap());
        it
    }

    /// One command; what it gives, or what the driver says against it.
    async fn post(&self, command: &str, body: Value) -> Result<Value, Value> {
        self.told(self.client.post(format!("{}{command}", self.session)).json(&body)).await
    }

    async fn get(&self, command: &str) -> Value {
        self.told(self.client.get(format!("{}{command}", self.session))).await.unwrap()
    }

    async fn told(&self, call: reqwest::RequestBuilder) -> Result<Value, Value> {
        let answer = call.send().await.expect("the driver answers");
        let well = answer.status().is_success();
        let mut body: Value = answer.json().await.expect("the driver speaks JSON");
        let value = body["value"].take();
        if well { Ok(value) } else { Err(value["message"].clone()) }
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({"url": url})).await.unwrap();
    }

    /// Where it is.
    pub(crate) async fn url(&self) -> String {
        self.get("/url").await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn title(&self) -> String {
        self.get("/title").await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn reload(&self) {
        self.post("/refresh", json!({})).await.unwrap();
    }

    /// Another tab, in which everything happens from now on; the one before and this one.
    pub(crate) async fn another_tab(&self) -> (String, String) {
        let before = self.get("/window").await.as_str().unwrap().to_owned();
        let opened = self.post("/window/new", json!({"type": "tab"})).await.unwrap();
        let now = opened["handle"].as_str().unwrap().to_owned();
        self.turn_to(&now).await;
        (before, now)
    }

    /// Back to a tab.
    pub(crate) async fn turn_to(&self, tab: &str) {
        self.post("/window", json!({"handle": tab})).await.unwrap();
    }

    /// The value of an expression in the page; promises are waited for.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), &[]).await
    }

    /// Runs a script in the page; what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.post("/execute/sync", body).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A command of Chromium's own protocol, for what `WebDriver` has no word.
    pub(crate) async fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await.unwrap()
    }

    /// Does that to the element, as soon as it is there and can be used.
    async fn at_element(&self, css: &str, command: &str, body: Value) {
        let mut told = Value::Null;
        let trying = async {
            while let Err(error) = self.try_at(css, command, &body).await {
                told = error;
                tokio::time::sleep(REST).await;
            }
        };
        if tokio::time::timeout(PATIENCE, trying).await.is_err() {
            self.gives_up(&format!("{css}{command}"), &told).await;
        }
    }

    async fn try_at(&self, css: &str, command: &str, body: &Value) -> Result<Value, Value> {
        let element = self.post("/element", json!({"using": "css selector", "value": css})).await?;
        let id = element[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{id}{command}"), body.clone()).await
    }

    async fn gives_up(&self, what: &str, told: &Value) -> ! {
        let page = self.value("document.body.innerText").await;
        panic!("{what} at {}: {told}\n{}", self.url().await, page.as_str().unwrap_or_default());
    }

    /// Clicks on it.
    pub(crate) async fn click(&self, css: &str) {
        self.at_element(css, "/click", json!({})).await;
    }

    /// Types into it.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.at_element(css, "/value", json!({"text": text})).await;
    }

    /// Presses keys one after another, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let steps: Vec<_> = keys.chars().flat_map(|key| [("keyDown", key), ("keyUp", key)]).collect();
        self.keys(&steps).await;
    }

    /// Presses a key while another is held.
    pub(crate) async fn press_with(&self, held: char, key: char) {
        self.keys(&[("keyDown", held), ("keyDown", key), ("keyUp", key), ("keyUp", held)]).await;
    }

    async fn keys(&self, steps: &[(&str, char)]) {
        let steps: Vec<_> = steps.iter().map(|(kind, key)| json!({"type": kind, "value": key})).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": steps});
        self.post("/actions", json!({"actions": [keyboard]})).await.unwrap();
    }

    /// Waits until an expression in the page holds.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return !!({expression})");
        let mut told = Ok(Value::Null);
        let trying = async {
            while told != Ok(json!(true)) {
                tokio::time::sleep(REST).await;
                // While one page gives way to another there is nothing to ask: that is no failure.
                told = self.post("/execute/sync", json!({"script": script, "args": []})).await;
            }
        };
        if tokio::time::timeout(PATIENCE, trying).await.is_err() {
            self.gives_up(expression, &told.unwrap_or_else(|error| error)).await;
        }
    }

    /// Waits until that is to be read on the page.
    pub(crate) async fn says(&self, words: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(words))).await;
    }
}

/// A place among those that drive a browser: kept by a lock on a file, because tests may run in several processes.
async fn place() -> File {
    let places: Vec<_> = (0..AT_ONCE)
        .map(|number| File::create(in_repository(&format!("target/browser-{number}.lock"))).unwrap())
        .collect();
    loop {
        for place in &places {
            if place.try_lock().is_ok() {
                return place.try_clone().unwrap();
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Starts the driver on a free port; the port. It wants the same port on IPv4 and IPv6, and ends when somebody has the other.
fn launch() -> (Process, u16) {
    let begun = (0..LAUNCHES).find_map(|_| launch_once());
    begun.expect("the driver ended before it listened, each time")
}

fn launch_once() -> Option<(Process, u16)> {
    let profile = tempfile::tempdir().unwrap();
    let driver = std::env::var("CHROMEDRIVER").unwrap_or("chromedriver".into());
    let mut child = Command::new(&driver)
        .arg("--port=0")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{driver} does not start ({error}): scripts/test installs it"));
    let said = BufReader::new(child.stdout.take().unwrap());
    let process = Process { child, profile };
    for line in said.lines() {
        let line = line.expect("the driver says where it listens");
        if let Some((_, port)) = line.split_once("successfully on port ") {
            return Some((process, port.trim_end_matches('.').parse().unwrap()));
        }
    }
    None
}
