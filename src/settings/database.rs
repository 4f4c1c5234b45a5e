//! The database's URL, which prints without its password. Does not know how to connect.

use std::{fmt, path::Path};
use url::{Position, Url};

/// The URL of a database file or of a Postgres database. `Display` and `Debug` show `***` for the password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct DatabaseUrl(String);

impl DatabaseUrl {
    pub(super) const ALLOWED: &str = r#""sqlite:FILE" or "postgres://USER:PASSWORD@HOST/NAME", or empty"#;

    /// The URL, or what it must be; the refusal does not repeat what was written.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            return Self::parse_sqlite(text, file);
        }
        let url = Url::parse(text).map_err(|_| format!("must be {}", Self::ALLOWED))?;
        if !is_postgres(&url) || !text.contains("://") {
            return Err(format!("must be {}", Self::ALLOWED));
        }
        // A password with a bare `/`, `?` or `#` ends the host early, and its rest would be shown as a path.
        if url[Position::AfterPort..].contains(['@', '#']) {
            return Err("must have the special characters of its password percent-encoded \
                 (@ is %40, / is %2F, ? is %3F, # is %23)"
                .to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Only a file: what is kept in memory is lost, and every connection would have a memory of its own.
    fn parse_sqlite(text: &str, file: &str) -> Result<Self, String> {
        let file = file.trim_start_matches("//");
        let (path, parameters) = file.split_once('?').unwrap_or((file, ""));
        if path.is_empty() || path == ":memory:" || !["", "mode=rwc"].contains(&parameters) {
            return Err("must name a file after \"sqlite:\"".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The file `hitl.db` in a folder.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let file = folder.join("hitl.db");
        // In a database URL `?` begins the parameters and `%` a coded character.
        let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3F");
        Self(format!("sqlite:{path}"))
    }

    /// The URL with its password.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_postgres(url: &Url) -> bool {
    matches!(url.scheme(), "postgres" | "postgresql")
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.0) {
            Ok(url) if is_postgres(&url) => without_passwords(url).fmt(out),
            _ => out.write_str(&self.0),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

fn without_passwords(mut url: Url) -> Url {
    if url.password().is_some() {
        url.set_password(Some("***")).expect("a URL with a password has a host");
    }
    let is_secret = |name: &str| name.to_ascii_lowercase().contains("password");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.iter().any(|(name, _)| is_secret(name)) {
        let hidden = |(name, value): (String, String)| {
            let value = if is_secret(&name) { "***".into() } else { value };
            (name, value)
        };
        url.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(hidden));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_and_postgres() {
        for good in [
            "sqlite:hitl.db",
            "sqlite:///var/lib/hitl/hitl.db",
            "sqlite:hitl.db?mode=rwc",
            "postgres://root@127.0.0.1/hitl",
            "postgresql://user:pass%40word@db:5432/hitl?sslmode=require",
            "postgres:///hitl?host=/run/postgresql",
        ] {
            assert_eq!(DatabaseUrl::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "hitl.db",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite:x?mode=memory",
            "mysql://root:hunter2@db/hitl",
            "postgres:hunter2",
            "postgres://user:hunter#2@db/hitl",
            "postgres://user:12/hunter2@db/hitl",
            "postgres://user:12#hunter2@db/hitl",
        ] {
            let refusal = DatabaseUrl::parse(bad).expect_err(bad);
            assert!(!refusal.contains("hunter"), "{refusal}");
        }
    }

    #[test]
    fn passwords_are_not_printed() {
        let url = "postgres://user:hunter2@db/hitl?password=hunter3&sslmode=require";
        let url = DatabaseUrl::parse(url).unwrap();
        let shown = "postgres://user:***@db/hitl?password=***&sslmode=require";
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
    }

    #[test]
    fn a_folder_with_special_characters_stays_a_folder() {
        let url = DatabaseUrl::in_folder(Path::new("/srv/100% sure?"));
        assert_eq!(url.as_str(), "sqlite:/srv/100%25 sure%3F/hitl.db");
    }
}
