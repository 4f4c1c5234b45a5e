//! Takes the settings out of the layers, one by one. Does not know which settings there are, but for the database, whose default
//! hangs on another.

use super::{
    database::DatabaseUrl,
    faults::{Fault, Faults, Place},
    rules,
    sources::Layers,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use toml::Value;

/// One setting in force, with its secrets hidden.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What is written, and the settings that were taken so far.
pub(super) struct Reader {
    layers: Layers,
    lines: Vec<Line>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self { layers, lines: Vec::new() }
    }

    /// The highest layer's value is in force; the lower ones are judged as well, so that a fault does not hide behind a flag.
    pub(super) fn take<T>(&mut self, key: &'static str, rule: impl Fn(&Value) -> rules::Ruling<T>) -> T {
        let Layers { written, faults, .. } = &mut self.layers;
        let mut in_force = None;
        for written in written.iter().filter(|written| written.key == key) {
            match rule(&written.value) {
                Ok(value) => in_force = Some((value, written)),
                Err(refusal) => faults.push(Fault { place: written.place.clone(), what: format!("{key} {refusal}") }),
            }
        }
        let (value, written) = in_force.expect("config/default.toml has a good value for each key");
        self.lines.push(Line { key, value: written.value.clone(), place: written.place.clone() });
        value
    }

    /// The data folder and the database, each given or by default, and shown as they are in force.
    pub(super) fn database(&mut self) -> (Option<PathBuf>, DatabaseUrl) {
        let written = self.take("database_url", rules::database_url);
        let file = self.take("database_url_file", rules::file);
        let given = match (written, file) {
            (written, None) => written,
            (None, Some(file)) => self.database_in(&file),
            (Some(_), Some(_)) => {
                self.fault("database_url_file", "must be empty where database_url is set");
                None
            }
        };
        let folder = self.take("data_dir", rules::folder);
        // A database URL is text, so a folder whose path is not cannot be the default.
        let of_platform = || dirs::data_dir().filter(|folder| folder.to_str().is_some());
        let folder = folder.or_else(|| Some(of_platform()?.join("hitl")));
        if given.is_none() && folder.is_none() {
            let what = "data_dir must be set: this user has no usable data folder on this platform";
            self.layers.fault(Place::Default, what.to_owned());
        }
        let url = given.unwrap_or_else(|| DatabaseUrl::in_folder(&folder.clone().unwrap_or_default()));
        if let Some(folder) = &folder {
            self.show("data_dir", folder.display().to_string());
        }
        self.show("database_url", url.to_string());
        (folder, url)
    }

    /// The database that a file names; what is in it is never shown.
    fn database_in(&mut self, file: &Path) -> Option<DatabaseUrl> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                self.fault("database_url_file", &format!("cannot be read: {error}"));
                return None;
            }
        };
        match rules::database_url(&Value::from(text.trim_end_matches(['\r', '\n']))) {
            Ok(Some(url)) => {
                self.line("database_url").place = Place::File { path: file.to_owned(), line: None };
                Some(url)
            }
            Ok(None) => {
                self.fault("database_url_file", "names an empty file");
                None
            }
            Err(refusal) => {
                self.fault("database_url_file", &format!("names a file whose text {refusal}"));
                None
            }
        }
    }

    /// The settings taken, in their order, or all that is wrong.
    pub(super) fn finish(self) -> Result<Vec<Line>, Faults> {
        if self.layers.faults.is_empty() { Ok(self.lines) } else { Err(Faults(self.layers.faults)) }
    }

    /// What is wrong with a setting beside others.
    pub(super) fn fault(&mut self, key: &str, what: &str) {
        let place = self.line(key).place.clone();
        self.layers.fault(place, format!("{key} {what}"));
    }

    /// Shows a setting otherwise than it is written.
    pub(super) fn show(&mut self, key: &str, value: String) {
        self.line(key).value = Value::String(value);
    }

    fn line(&mut self, key: &str) -> &mut Line {
        self.lines.iter_mut().find(|line| line.key == key).expect("it was taken before")
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Faults, Settings, Sources};
    use std::time::Duration;

    fn with_variables(pairs: &[(&str, &str)]) -> Result<Settings, Faults> {
        Settings::load(&Sources::with_variables(pairs))
    }

    #[test]
    fn each_layer_overrides_the_one_below() {
        let (mut sources, _file) =
            Sources::with_file("listen = '127.0.0.1:1'\npublic_url = 'https://file'\nmax_connections = 9\n");
        let set = Sources::with_variables(&[("HITL_LISTEN", "127.0.0.1:2"), ("HITL_PUBLIC_URL", "https://variable")]);
        sources.variables = set.variables;
        sources.flags = vec![("listen", "127.0.0.1:3".to_owned())];
        let settings = Settings::load(&sources).unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.public_url.unwrap().as_str(), "https://variable/");
        assert_eq!(settings.max_connections, 9);
        assert_eq!(settings.shutdown, Duration::from_secs(20));

        sources.flags.clear();
        assert_eq!(Settings::load(&sources).unwrap().listen.port(), 2);
        sources.variables.clear();
        assert_eq!(Settings::load(&sources).unwrap().listen.port(), 1);
        sources.file = None;
        assert_eq!(Settings::load(&sources).unwrap().listen.port(), 8080);
    }

    #[test]
    fn the_file_may_be_named_by_a_variable_and_the_flag_wins() {
        let days = |sources: &Sources| {
            let settings = Settings::load(sources).unwrap();
            settings.sessions.lifetime.as_secs() / 86_400
        };
        let (_, low) = Sources::with_file("sessions.days = 1");
        let mut sources = Sources::with_variables(&[("HITL_CONFIG", low.path().to_str().unwrap())]);
        assert_eq!(days(&sources), 1);
        let (high, _file) = Sources::with_file("sessions.days = 2");
        sources.file = high.file;
        assert_eq!(days(&sources), 2);
    }

    #[test]
    fn all_faults_come_at_once_with_their_places() {
        let (mut sources, file) =
            Sources::with_file("listen = 8080\nnonsense = 1\n\n[limits]\nrequests_per_hour = -1\n");
        let set = Sources::with_variables(&[
            ("HITL_SESSIONS_DAYS", "many"),
            ("HITL_NONSENSE", "1"),
            ("HITL_WEBHOOKS_ALLOW_HTTP", "perhaps"),
            ("HITL_LIMITS_FAILED_KEYS_PER_MINUTE", "0"),
        ]);
        sources.variables = set.variables;
        sources.flags = vec![("listen", "localhost".to_owned())];
        let faults = Settings::load(&sources).unwrap_err();
        let shown = faults.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 8, "{shown}");
        let path = file.path().display();
        let address = r#"an IP address and a port, such as "127.0.0.1:8080" or "[::]:8080""#;
        for expected in [
            format!("{path} line 1: listen must be {address}, not 8080"),
            format!("--listen: listen must be {address}, not \"localhost\""),
            format!("{path} line 2: \"nonsense\" is not a setting; there are "),
            format!("{path} line 5: limits.requests_per_hour must be a whole number from 0 to 1000000000, not -1"),
            "HITL_NONSENSE: is not a setting; there are HITL_".to_owned(),
            "HITL_SESSIONS_DAYS: sessions.days must be a whole number from 1 to 365, not \"many\"".to_owned(),
            "HITL_WEBHOOKS_ALLOW_HTTP: webhooks.allow_http must be true or false, not \"perhaps\"".to_owned(),
            "HITL_LIMITS_FAILED_KEYS_PER_MINUTE: limits.failed_keys_per_minute must be a whole number from 1 to 1000000, not 0".to_owned(),
        ] {
            assert!(lines.iter().any(|line| line.starts_with(&expected)), "{expected}\n{shown}");
        }
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let settings = with_variables(&[("HITL_LISTEN", ""), ("DATABASE_URL", "")]).unwrap();
        assert_eq!(settings.listen.port(), 8080);
        assert!(settings.database_url().starts_with("sqlite:"));
    }

    #[test]
    fn database_url_has_two_names_and_ours_wins() {
        let theirs = ("DATABASE_URL", "postgres://theirs/hitl");
        let ours = ("HITL_DATABASE_URL", "postgres://ours/hitl");
        let url = |pairs: &[_]| with_variables(pairs).unwrap().database_url().to_owned();
        assert_eq!(url(&[theirs]), theirs.1);
        assert_eq!(url(&[theirs, ours]), ours.1);
        assert_eq!(url(&[ours, theirs]), ours.1);
        // What another program means by DATABASE_URL does not matter once ours is set.
        assert_eq!(url(&[("DATABASE_URL", "mysql://db"), ours]), ours.1);
        let faults = with_variables(&[("DATABASE_URL", "mysql://db")]).unwrap_err();
        assert!(faults.to_string().starts_with("DATABASE_URL: database_url must be "));
    }

    #[test]
    fn the_database_url_may_be_in_a_file() {
        let (file, empty, wrong) = (
            tempfile::NamedTempFile::new().unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
        );
        std::fs::write(file.path(), "postgres://user:hunter2@db/hitl\r\n").unwrap();
        std::fs::write(wrong.path(), "mysql://user:hunter2@db/hitl\n").unwrap();
        let [path, empty, wrong] = [&file, &empty, &wrong].map(|file| file.path().to_str().unwrap());
        for name in ["DATABASE_URL_FILE", "HITL_DATABASE_URL_FILE"] {
            let settings = with_variables(&[(name, path)]).unwrap();
            assert_eq!(settings.database_url(), "postgres://user:hunter2@db/hitl");
            let shown = settings.to_string();
            let line = shown.lines().find(|line| line.starts_with("database_url = ")).unwrap();
            assert!(line.contains("postgres://user:***@db/hitl") && line.ends_with(path), "{shown}");
            assert!(!format!("{shown} {settings:?}").contains("hunter2"));
        }
        for (pairs, expected) in [
            (
                vec![("DATABASE_URL_FILE", path), ("DATABASE_URL", "sqlite:x")],
                "DATABASE_URL_FILE: database_url_file must be empty where database_url is set",
            ),
            (vec![("DATABASE_URL_FILE", "/no/where")], "DATABASE_URL_FILE: database_url_file cannot be read: "),
            (vec![("DATABASE_URL_FILE", empty)], "DATABASE_URL_FILE: database_url_file names an empty file"),
            (vec![("HITL_DATABASE_URL_FILE", wrong)], "HITL_DATABASE_URL_FILE: database_url_file names a file whose"),
        ] {
            let faults = with_variables(&pairs).unwrap_err().to_string();
            assert!(faults.starts_with(expected) && faults.lines().count() == 1, "{faults} is not {expected}");
            assert!(!faults.contains("hunter2"), "{faults}");
        }
        // Ours win over what another program means by theirs.
        let settings = with_variables(&[("DATABASE_URL_FILE", "/no/where"), ("HITL_DATABASE_URL", "sqlite:x")]);
        assert_eq!(settings.unwrap().database_url(), "sqlite:x");
        let settings = with_variables(&[("DATABASE_URL", "mysql://db"), ("HITL_DATABASE_URL_FILE", path)]);
        assert!(settings.unwrap().database_url().starts_with("postgres:"));
    }

    #[test]
    fn the_database_is_a_file_in_the_data_folder_by_default() {
        let settings = with_variables(&[("HITL_DATA_DIR", "/srv/hitl")]).unwrap();
        assert_eq!(settings.database_url(), "sqlite:/srv/hitl/hitl.db");
        let settings = with_variables(&[("HITL_DATA_DIR", "/srv/hitl"), ("DATABASE_URL", "sqlite:other.db")]);
        assert_eq!(settings.unwrap().database_url(), "sqlite:other.db");
    }
}
