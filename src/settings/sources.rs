//! Where settings are written, and what is written there, layer by layer. Does not know what a value may be.

use super::{
    faults::{Fault, Place},
    keys::{self, Keys},
};
use serde::{Deserialize, de::IntoDeserializer};
use std::{
    env,
    path::{Path, PathBuf},
};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue},
};

/// What the settings are read from, besides the compiled-in defaults; the later field wins.
#[derive(Clone, Default)]
pub struct Sources {
    /// The TOML file of `--config`; without it, the one that the variable `HITL_CONFIG` names, if any.
    pub file: Option<PathBuf>,
    /// Environment variables by name; only `HITL_*`, `DATABASE_URL` and `DATABASE_URL_FILE` are looked at, and empty ones count as not set.
    pub variables: Vec<(String, String)>,
    /// Flags by the key they set, such as `("database_url", …)` for `--database-url`.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// The environment of this process, beside a file and flags of the command line.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Self {
        // Text that is not UTF-8 keeps a replacement character, by which it is refused.
        let variables = env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        Self { file, variables: variables.collect(), flags }
    }
}

#[cfg(test)]
impl Sources {
    pub(super) fn with_variables(pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { variables: pairs.iter().map(owned).collect(), ..Self::default() }
    }

    /// A settings file, which is removed when it goes out of scope.
    pub(super) fn with_file(text: &str) -> (Self, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::with_suffix(".toml").expect("a folder for the file");
        std::fs::write(file.path(), text).expect("a file that can be written");
        let sources = Self { file: Some(file.path().to_owned()), ..Self::default() };
        (sources, file)
    }
}

/// One value, as it was written in one place.
pub(super) struct Written {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// Everything written, lowest layer first, and what was wrong with the writing.
pub(super) struct Layers {
    pub(super) written: Vec<Written>,
    pub(super) faults: Vec<Fault>,
    keys: Keys,
}

impl Layers {
    pub(super) fn read(sources: &Sources) -> Self {
        let keys = Keys::compiled_in();
        let mut layers = Self { written: Vec::new(), faults: Vec::new(), keys };
        layers.read_defaults();
        let set = |(_, value): &&(String, String)| !value.trim().is_empty();
        let variables: Vec<_> = sources.variables.iter().filter(set).collect();
        let named = variables.iter().find(|(name, _)| name == "HITL_CONFIG");
        let named = named.map(|(_, path)| PathBuf::from(path));
        if let Some(path) = sources.file.as_ref().or(named.as_ref()) {
            layers.read_file(path);
        }
        layers.read_database_url(&variables);
        for (name, value) in variables {
            layers.read_variable(name, value);
        }
        for (key, value) in &sources.flags {
            layers.read_flag(key, value);
        }
        layers
    }

    fn read_defaults(&mut self) {
        let defaults = self.keys.iter().map(|(key, value)| Written {
            key: key.to_owned(),
            value: value.clone(),
            place: Place::Default,
        });
        self.written = defaults.collect();
    }

    fn read_file(&mut self, path: &Path) {
        let place = |line| Place::File { path: path.to_owned(), line };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.fault(place(None), format!("cannot be read: {error}")),
        };
        let (table, errors) = DeTable::parse_recoverable(&text);
        let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        // Only the first: what comes after it is often its consequence.
        match errors.iter().min_by_key(|error| start(error)) {
            None => self.read_table("", table.get_ref(), &|at| place(Some(line(&text, at)))),
            Some(error) => {
                let at = start(error);
                let what = format!("column {}: {}", column(&text, at), error.message());
                self.fault(place(Some(line(&text, at))), what.replace('\n', " "));
            }
        }
    }

    fn read_table(&mut self, prefix: &str, table: &DeTable<'_>, place: &dyn Fn(usize) -> Place) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let place_of_key = place(name.span().start);
            match value.get_ref() {
                DeValue::Table(table) if self.keys.is_section(&key) => {
                    self.read_table(&format!("{key}."), table, place);
                }
                _ if self.keys.contains(&key) => self.read_value(key, value, place_of_key),
                _ => self.unknown_key(&key, place_of_key),
            }
        }
    }

    fn read_value(&mut self, key: String, value: &Spanned<DeValue<'_>>, place: Place) {
        match Value::deserialize(value.clone().into_deserializer()) {
            Ok(value) => self.written.push(Written { key, value, place }),
            Err(error) => self.fault(place, format!("{key}: {}", error.message())),
        }
    }

    /// `DATABASE_URL` is what other programs and hosting platforms call it, or `DATABASE_URL_FILE`; our own names win.
    fn read_database_url(&mut self, variables: &[&(String, String)]) {
        let named = |wanted: &str| variables.iter().find(|(name, _)| name == wanted);
        if ["HITL_DATABASE_URL", "HITL_DATABASE_URL_FILE"].into_iter().any(|ours| named(ours).is_some()) {
            return;
        }
        for (key, theirs) in [("database_url", "DATABASE_URL"), ("database_url_file", "DATABASE_URL_FILE")] {
            if let Some((name, value)) = named(theirs) {
                self.read_text(key, value, Place::Variable(name.clone()));
            }
        }
    }

    fn read_variable(&mut self, name: &str, value: &str) {
        if !name.starts_with("HITL_") || name == "HITL_CONFIG" {
            return;
        }
        let place = Place::Variable(name.to_owned());
        match self.keys.of_variable(name).map(str::to_owned) {
            Some(key) => self.read_text(&key, value, place),
            None if is_of_others(name) || is_service_link(name, value) => {}
            None => {
                let section = name["HITL_".len()..].split('_').next().unwrap_or_default();
                let beside = self.keys.beside(&section.to_ascii_lowercase());
                let names: Vec<String> = beside.into_iter().map(keys::variable).collect();
                self.fault(place, format!("is not a setting; there are {}", names.join(", ")));
            }
        }
    }

    fn read_flag(&mut self, key: &str, value: &str) {
        let place = Place::Flag(keys::flag(key));
        if self.keys.contains(key) {
            self.read_text(key, value, place);
        } else {
            self.unknown_key(key, place);
        }
    }

    fn read_text(&mut self, key: &str, text: &str, place: Place) {
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return self.fault(place, format!("{key} must be UTF-8 text"));
        }
        self.written.push(Written { key: key.to_owned(), value: self.keys.read_text(key, text), place });
    }

    fn unknown_key(&mut self, key: &str, place: Place) {
        let what = if self.keys.is_section(key) { "is a section" } else { "is not a setting" };
        let beside = self.keys.beside(key).join(", ");
        self.fault(place, format!("{key:?} {what}; there are {beside}"));
    }

    pub(super) fn fault(&mut self, place: Place, what: String) {
        self.faults.push(Fault { place, what });
    }
}

/// Whether a variable is meant for the programs of `examples/`, for `scripts/test` or for one command, which are started from the
/// same shells.
fn is_of_others(name: &str) -> bool {
    matches!(name, "HITL_PULL_KEY" | "HITL_URL" | "HITL_API_KEY" | "HITL_POLL_SECONDS")
        || name.starts_with("HITL_TEST_")
}

/// Whether a variable is one that Kubernetes sets by itself in every container beside a service named `hitl` or `hitl-…`, such
/// as `HITL_SERVICE_HOST`, `HITL_PORT=tcp://…` and `HITL_PORT_8080_TCP_ADDR`. The operator did not write it, so it is no fault.
fn is_service_link(name: &str, value: &str) -> bool {
    let of_port = name.split_once("_PORT_");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
        || of_port.is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn line(text: &str, at: usize) -> usize {
    before(text, at).matches('\n').count() + 1
}

fn column(text: &str, at: usize) -> usize {
    let line = before(text, at).rsplit('\n').next().unwrap_or_default();
    line.chars().count() + 1
}

fn before(text: &str, at: usize) -> &str {
    &text[..text.floor_char_boundary(at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of_file(text: &str) -> Vec<String> {
        let (sources, file) = Sources::with_file(text);
        let path = file.path().display().to_string();
        let faults = Layers::read(&sources).faults.into_iter();
        faults.map(|fault| fault.to_string().replace(&path, "hitl.toml")).collect()
    }

    fn faults_of_variable(name: &str, value: &str) -> Vec<String> {
        let faults = Layers::read(&Sources::with_variables(&[(name, value)])).faults;
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unknown_keys_and_sections_are_named_with_their_line() {
        let faults = faults_of_file("prot = 1\nlimits = 5\n[log]\nlevle = \"info\"\n[nowhere]\n");
        assert_eq!(faults.len(), 4, "{faults:#?}");
        let all = faults.join("\n");
        assert!(all.contains("hitl.toml line 1: \"prot\" is not a setting; there are data_dir,"));
        assert!(all.contains("hitl.toml line 2: \"limits\" is a section; there are limits.failed_"));
        assert!(all.contains("hitl.toml line 4: \"log.levle\" is not a setting; there are log.format, log.level"));
        assert!(all.contains("hitl.toml line 5: \"nowhere\" is not a setting"));
    }

    #[test]
    fn a_file_that_is_not_toml_is_one_fault_with_line_and_column() {
        let faults = faults_of_file("# é\nlisten = \nmax_connections = = 3\n");
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].starts_with("hitl.toml line 2: column 10: "), "{faults:#?}");
    }

    #[test]
    fn a_missing_file_is_a_fault_also_by_variable() {
        let faults = faults_of_variable("HITL_CONFIG", "/nowhere/hitl.toml");
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("/nowhere/hitl.toml: cannot be read: "));
    }

    #[test]
    fn unknown_variables_are_named_with_what_there_is() {
        let faults = faults_of_variable("HITL_LOG_LEVLE", "info");
        let there_are = "there are HITL_LOG_FORMAT, HITL_LOG_LEVEL";
        assert_eq!(faults, [format!("HITL_LOG_LEVLE: is not a setting; {there_are}")]);
        assert!(faults_of_variable("HITL_LOG_LEVLE", " ").is_empty());
        assert!(faults_of_variable("LISTEN", "nonsense").is_empty());
        assert_eq!(faults_of_variable("HITL_LISTEN", "\u{FFFD}").len(), 1);
    }

    #[test]
    fn variables_for_others_are_passed_over() {
        for (name, value) in [
            ("HITL_API_KEY", "hitl_live_x"),
            ("HITL_TEST_PRIVATE_POSTGRES", "1"),
            ("HITL_SERVICE_HOST", "10.0.0.1"),
            ("HITL_SERVICE_PORT_HTTP", "8080"),
            ("HITL_PORT", "tcp://10.0.0.1:8080"),
            ("HITL_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("HITL_POSTGRES_PORT_5432_TCP", "tcp://10.0.0.2:5432"),
        ] {
            assert_eq!(faults_of_variable(name, value), [""; 0], "{name}");
        }
        assert_eq!(faults_of_variable("HITL_PORT", "9000").len(), 1);
    }

    #[test]
    fn an_unknown_flag_is_a_fault() {
        let layers = Layers::read(&Sources { flags: vec![("no_such_key", "1".to_owned())], ..Sources::default() });
        assert!(layers.faults[0].to_string().starts_with("--no-such-key: "));
    }
}
