//! The keys there are: those of `config/default.toml`, with their defaults and the names of their variables.

use std::{collections::BTreeMap, iter::once};
use toml::{Table, Value};

/// Every key by its path, such as `limits.requests_per_hour`, with its default.
pub(super) struct Keys(BTreeMap<String, Value>);

impl Keys {
    pub(super) fn compiled_in() -> Self {
        let table: Table =
            include_str!("../../config/default.toml").parse().expect("the compiled-in defaults are TOML");
        Self(table.into_iter().flat_map(paths).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn is_section(&self, name: &str) -> bool {
        self.0.keys().any(|key| section(key) == name) && !name.is_empty()
    }

    /// The key that a variable sets, if any.
    pub(super) fn of_variable(&self, variable: &str) -> Option<&str> {
        let mut keys = self.0.keys();
        keys.find(|key| self::variable(key) == variable).map(String::as_str)
    }

    /// The keys that might have been meant by a wrong one: those of its section, or else those without a section.
    pub(super) fn beside(&self, wrong: &str) -> Vec<&str> {
        let wanted = if self.is_section(wrong) { wrong } else { section(wrong) };
        let beside = |wanted: &str| {
            let keys = self.0.keys().filter(|key| section(key) == wanted);
            keys.map(String::as_str).collect::<Vec<_>>()
        };
        match beside(wanted) {
            none if none.is_empty() => beside(""),
            keys => keys,
        }
    }

    /// The value that text from a variable or flag stands for, in the type of the key's default. Text that does not fit
    /// stays text, which the key's rule refuses.
    pub(super) fn read_text(&self, key: &str, text: &str) -> Value {
        let text = text.trim();
        let fitting = match self.0.get(key) {
            Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
            Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
            Some(Value::Array(_)) => Some(Value::Array(list(text))),
            _ => None,
        };
        fitting.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

/// The variable that sets a key: `limits.requests_per_hour` is `HITL_LIMITS_REQUESTS_PER_HOUR`.
pub(super) fn variable(key: &str) -> String {
    format!("HITL_{}", key.replace('.', "_").to_ascii_uppercase())
}

/// The flag that sets a key: `database_url` is `--database-url`.
pub(super) fn flag(key: &str) -> String {
    format!("--{}", key.replace(['.', '_'], "-"))
}

fn section(key: &str) -> &str {
    key.rsplit_once('.').map_or("", |(section, _)| section)
}

fn paths((name, value): (String, Value)) -> Box<dyn Iterator<Item = (String, Value)>> {
    match value {
        Value::Table(table) => Box::new(table.into_iter().map(move |(key, value)| (format!("{name}.{key}"), value))),
        value => Box::new(once((name, value))),
    }
}

fn list(text: &str) -> Vec<Value> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_keys_share_a_variable() {
        let keys = Keys::compiled_in();
        let variables: BTreeSet<String> = keys.iter().map(|(key, _)| variable(key)).collect();
        assert_eq!(variables.len(), keys.iter().count());
        assert!(!variables.contains("HITL_CONFIG"), "it names the file");
    }

    #[test]
    fn text_takes_the_type_of_the_default() {
        let keys = Keys::compiled_in();
        let list = Value::Array(vec!["10.0.0.0/8".into(), "::1".into()]);
        assert_eq!(keys.read_text("trusted_proxies", " 10.0.0.0/8, ::1,"), list);
        assert_eq!(keys.read_text("sessions.days", "7"), Value::Integer(7));
        assert_eq!(keys.read_text("webhooks.allow_http", "false"), Value::Boolean(false));
        assert_eq!(keys.read_text("sessions.days", "x"), "x".into());
        assert_eq!(keys.read_text("log.level", "a,b"), "a,b".into());
    }

    #[test]
    fn a_wrong_key_is_shown_its_neighbours() {
        let keys = Keys::compiled_in();
        assert_eq!(keys.beside("log.levle"), ["log.format", "log.level"]);
        assert!(keys.beside("listen_on").contains(&"listen"));
        assert!(keys.beside("nowhere.listen").contains(&"listen"));
    }

    /// Every key has a row in docs/settings.md, with its default and its variable.
    #[test]
    fn the_documentation_has_every_key() {
        let page = include_str!("../../docs/settings.md");
        for (key, default) in Keys::compiled_in().iter() {
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{key}` |")))
                .unwrap_or_else(|| panic!("docs/settings.md has no row for {key}"));
            let cells = format!("| `{key}` | `{default}` | `{}`", variable(key));
            assert!(row.starts_with(&cells), "{row} does not say {cells}");
        }
    }
}
