//! A file that tells how some server is called: where it is, what is done once, and the calls of a cycle.

use crate::{
    connection::Connection,
    cycle::{Cycle, Look, Step},
    template::{Taken, Template, UNIQUE, with_settings},
};
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, net::SocketAddr};
use url::Url;

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adapter {
    name: String,
    /// `http://host:port`, perhaps with a path that all paths continue.
    url: String,
    /// Of every call.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What is done once, before anything is measured.
    #[serde(default)]
    before: Vec<Call>,
    call: Vec<Call>,
}

/// One call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    method: String,
    path: String,
    /// Besides those of every call, or in their place.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    expect: Vec<u16>,
    /// What is taken of its answer: names, and JSON pointers to what they stand for.
    #[serde(default)]
    take: BTreeMap<String, String>,
    /// What must stand in its answer: JSON pointers and values.
    #[serde(default)]
    holds: BTreeMap<String, Value>,
}

/// A server that is ready for its cycle.
pub(crate) struct Adapted {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) cycle: Cycle,
}

/// Reads it and does what is to be done before the cycle. `setting` knows what `${NAME}` stands for.
pub(crate) async fn prepare(text: &str, setting: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Adapted> {
    let mut read: toml::Value = toml::from_str(text)?;
    fill_in(&mut read, setting)?;
    let adapter: Adapter = read.try_into()?;
    let url: Url = adapter.url.parse().with_context(|| format!("{} is no URL", adapter.url))?;
    let address = address_of(&url).await?;
    let steps = |calls: &[Call]| calls.iter().map(|call| call.step(&url, &adapter.headers)).collect::<Vec<_>>();
    let mut cycle = Cycle { steps: steps(&adapter.before), known: Taken::new() };
    check(cycle.steps.iter().chain(&steps(&adapter.call)))?;
    if !cycle.steps.is_empty() {
        let mut times = vec![Vec::new(); cycle.steps.len()];
        cycle.known = cycle.once(&mut Connection::open(address).await?, &mut times).await?;
    }
    cycle.steps = steps(&adapter.call);
    ensure!(!cycle.steps.is_empty(), "a cycle has at least one [[call]]");
    Ok(Adapted { name: adapter.name, address, cycle })
}

/// Puts settings in their places, in every text there is.
fn fill_in(value: &mut toml::Value, setting: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    match value {
        toml::Value::String(text) => *text = with_settings(text, setting)?,
        toml::Value::Array(values) => values.iter_mut().try_for_each(|value| fill_in(value, setting))?,
        toml::Value::Table(values) => values.iter_mut().try_for_each(|(_, value)| fill_in(value, setting))?,
        _ => {}
    }
    Ok(())
}

async fn address_of(url: &Url) -> anyhow::Result<SocketAddr> {
    ensure!(url.scheme() == "http", "only http: what TLS costs is not what is compared");
    let host = url.host_str().context("a URL with a host")?;
    let port = url.port_or_known_default().context("a URL with a port")?;
    let mut found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await?;
    found.next().with_context(|| format!("{host} has no address"))
}

/// Fails where something is to be filled in that no call before has taken.
fn check<'a>(steps: impl Iterator<Item = &'a Step>) -> anyhow::Result<()> {
    let mut known = vec![UNIQUE.to_owned()];
    for step in steps {
        if let Some(gap) = step.request.gaps().find(|gap| !known.iter().any(|name| name == gap)) {
            bail!("{} wants {{{gap}}}, which no call before it takes", step.name);
        }
        if let Look::Json { take, .. } = &step.look {
            known.extend(take.iter().map(|(name, _)| name.clone()));
        }
    }
    Ok(())
}

impl Call {
    fn step(&self, url: &Url, of_all: &BTreeMap<String, String>) -> Step {
        let path = format!("{}{}", url.path().trim_end_matches('/'), self.path);
        let mut fields = format!("Host: {}\r\nUser-Agent: hitl-load\r\n", url.authority());
        let own = |name: &str| self.headers.keys().any(|own| own.eq_ignore_ascii_case(name));
        let inherited = of_all.iter().filter(|(name, _)| !own(name));
        for (name, value) in inherited.chain(&self.headers) {
            fields += &[name, ": ", value, "\r\n"].concat();
        }
        let look = Look::Json {
            take: self.take.clone().into_iter().collect(),
            holds: self.holds.clone().into_iter().collect(),
        };
        let request = Template::new(&self.method, &path, &fields, self.body.as_deref());
        Step { name: self.name.clone(), request, expected: self.expect.clone(), look }
    }
}
