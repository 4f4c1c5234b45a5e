//! The files that others run the server by: settings to start from, containers, the unit. None of them is run here; what
//! they say about the server must be so.

use crate::process::in_repository;
use hitl_server::settings::{Settings, Sources};
use std::collections::BTreeSet;

const COMPOSE: [&str; 2] = ["docker-compose.yml", "docker-compose.replicas.yml"];

fn read(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Settings from a file with this text, or what is wrong with them.
fn settings(text: &str) -> Result<Settings, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    Settings::load(&sources).map_err(|faults| faults.to_string())
}

/// A file with the lines that are only proposed (`#key = …`, `#[section]`) in force.
fn with_proposals(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names in a text that begin as our variables do.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("HITL_")).collect()
}

/// The blocks under a key of a Compose file's top level, each with its name.
fn blocks(compose: &str, section: &str) -> Vec<(String, String)> {
    let (head, mut found) = (format!("{section}:"), Vec::<(String, String)>::new());
    let lines = compose.lines().skip_while(|line| *line != head).skip(1);
    for line in lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#'])) {
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#']));
        if let Some(name) = name.and_then(|rest| rest.strip_suffix(':')) {
            found.push((name.to_owned(), String::new()));
        } else if let Some((_, block)) = found.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    found
}

/// What the lists under this key name, inside services.
fn listed(compose: &str, key: &str) -> BTreeSet<String> {
    let (head, mut inside, mut found) = (format!("{key}:"), false, BTreeSet::new());
    for line in compose.lines().filter(|line| line.starts_with(' ')).map(str::trim) {
        match line.strip_prefix("- ") {
            Some(item) if inside => _ = found.insert(item.split(':').next().unwrap().to_owned()),
            _ => inside = line == head || inside && line.starts_with('#'),
        }
    }
    found
}

fn names(compose: &str, section: &str) -> Vec<String> {
    blocks(compose, section).into_iter().map(|(name, _)| name).collect()
}

/// The number that the first line with this word gives, of seconds if it has a unit.
fn number(text: &str, word: &str) -> u64 {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(word));
    let digits = line.unwrap_or_else(|| panic!("no {word}")).trim().trim_end_matches('s');
    digits.parse::<u64>().unwrap_or_else(|error| panic!("{word}{digits}: {error}"))
}

#[test]
fn the_settings_to_start_from_are_taken() {
    for (path, engine) in [("config/production.toml", "postgres://"), ("config/production-sqlite.toml", "sqlite:")] {
        let text = read(path);
        let plain = settings(&text).unwrap_or_else(|faults| panic!("{path}: {faults}"));
        assert!(plain.database_url().starts_with(engine), "{path}");
        assert!(plain.base_url(plain.listen).starts_with("https://"), "{path}");
        assert!(plain.mail.is_none(), "{path}");
        let all = settings(&with_proposals(&text)).unwrap_or_else(|faults| panic!("{path}: {faults}"));
        assert!(all.mail.is_some(), "{path}: its proposals were not found");
    }
}

#[test]
fn every_variable_that_is_named_is_a_setting() {
    let settings = Settings::default().to_json();
    let keys = settings.as_object().unwrap().keys();
    let mut known: BTreeSet<String> =
        keys.map(|key| format!("HITL_{}", key.replace('.', "_").to_ascii_uppercase())).collect();
    // Of the client, where a page is run as a whole.
    known.extend(["HITL_CONFIG", "HITL_API_KEY"].map(String::from));
    for path in ["Dockerfile", "deploy/Caddyfile", "deploy/hitl.service", "docs/operations.md"].iter().chain(&COMPOSE) {
        let text = read(path);
        let unknown: Vec<_> = variables(&text).into_iter().filter(|name| !known.contains(*name)).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
}

#[test]
fn of_the_servers_behind_caddy_each_trusts_it() {
    let text = read("docker-compose.replicas.yml");
    let trusted = text.lines().find_map(|line| line.trim().strip_prefix("HITL_TRUSTED_PROXIES: ")).unwrap();
    assert!(text.contains(&format!("- subnet: {trusted}\n")), "{trusted} is not where Caddy is");
    let variables = vec![("HITL_TRUSTED_PROXIES".to_owned(), trusted.to_owned())];
    let settings = Settings::load(&Sources { variables, ..Sources::default() }).unwrap();
    assert_eq!(settings.trusted_proxies.len(), 1);
}

#[test]
fn compose_files_start_what_they_should_and_keep_it_running() {
    let [one, three] = COMPOSE.map(read);
    assert_eq!(names(&one, "services"), ["hitl", "postgres"]);
    assert_eq!(names(&three, "services"), ["hitl-1", "hitl-2", "hitl-3", "caddy", "postgres"]);
    let (shared, _) = three.split_once("\nservices:\n").unwrap();
    for text in [&one, &three] {
        for (name, block) in blocks(text, "services") {
            let block = if block.contains("<<: *hitl") { format!("{shared}{block}") } else { block };
            assert!(block.contains("restart: unless-stopped"), "{name}");
            // The image of hitl brings its own.
            assert_eq!(block.contains("healthcheck:"), !name.starts_with("hitl"), "{name}");
        }
        assert_eq!(names(text, "secrets"), ["hitl.toml", "postgres_password"]);
        assert!(text.contains("HITL_CONFIG: /run/secrets/hitl.toml\n"));
        assert!(text.contains("POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password\n"));
        assert!(text.contains("condition: service_healthy\n"));
    }
    let caddy = read("deploy/Caddyfile");
    for name in names(&three, "services").iter().filter(|name| name.starts_with("hitl")) {
        assert!(caddy.contains(&format!(" {name}:8080")), "{name} gets no work from Caddy");
    }
}

#[test]
fn what_services_name_is_declared_and_what_is_declared_is_used() {
    for (path, text) in COMPOSE.map(|path| (path, read(path))) {
        for section in ["secrets", "volumes", "networks"] {
            let mut used = listed(&text, section);
            used.retain(|name| !name.starts_with("./"));
            assert_eq!(used, names(&text, section).into_iter().collect(), "{section} of {path}");
        }
        for (name, block) in blocks(&text, "secrets") {
            assert_eq!(block.trim(), format!("file: secrets/{name}"), "{path}");
            assert!(
                read("scripts/secrets").contains(&format!(" >secrets/{name}\n")),
                "scripts/secrets makes no {name}"
            );
        }
    }
}

#[test]
fn the_server_is_asked_where_it_listens() {
    let (image, [one, _]) = (read("Dockerfile"), COMPOSE.map(read));
    let (_, port) = image.split_once("HITL_LISTEN=0.0.0.0:").unwrap();
    let port = port.lines().next().unwrap();
    assert!(image.contains(&format!("EXPOSE {port}\n")));
    assert!(one.contains(&format!("      - \"${{PUBLISH:-127.0.0.1:8080}}:{port}\"\n")));
    assert_eq!(read("deploy/Caddyfile").matches(&format!(":{port}")).count(), 3);
}

#[test]
fn those_who_stop_the_server_give_it_the_time_it_takes() {
    // Connections have that long, and workers have it after them.
    let needed = 2 * Settings::default().shutdown.as_secs();
    for path in COMPOSE {
        assert!(number(&read(path), "stop_grace_period:") > needed, "{path}");
    }
    assert!(number(&read("deploy/hitl.service"), "TimeoutStopSec=") > needed);
}

#[test]
fn enough_files_may_be_open_for_the_connections_that_are_served() {
    let needed = u64::try_from(Settings::default().max_connections).unwrap();
    for path in COMPOSE {
        assert!(number(&read(path), "nofile:") > needed, "{path}");
    }
    assert!(number(&read("deploy/hitl.service"), "LimitNOFILE=") > needed);
}

#[test]
fn the_image_is_of_this_version_and_made_by_its_compiler() {
    let image = read("Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let (minor, _) = channel.rsplit_once('.').unwrap();
    assert!(image.starts_with(&format!("FROM rust:{minor}-")), "rust-toolchain.toml says {channel}");
    assert!(image.contains(&format!("image.version=\"{}\"", env!("CARGO_PKG_VERSION"))));
    assert!(image.contains("CMD [\"hitl\", \"health\"]"));
    assert!(image.contains("USER 10001:10001\n"));
    assert!(image.contains("groupadd --gid 10001 hitl ") && image.contains("useradd --uid 10001 --gid hitl "));
}
