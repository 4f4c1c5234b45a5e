//! `[mail]`: how the server sends mail, if it does. Its keys hang together, so they are judged together.

use super::{
    reader::Reader,
    rules::{self, Ruling},
};
use crate::domain::Secret;
use lettre::message::Mailbox;
use std::{fs, path::PathBuf};
use toml::Value;

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The host that takes it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is kept secret.
    pub encryption: MailEncryption,
    /// Whom it is from.
    pub from: Mailbox,
    /// The user and the password there, if it asks for them.
    pub credentials: Option<(String, Secret)>,
}

/// How the way to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailEncryption {
    /// From the first byte.
    Tls,
    /// After a few words; without it nothing is sent.
    StartTls,
    /// Not at all: for a server on the same machine.
    None,
}

impl MailEncryption {
    const fn usual_port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// `None` where no server is named.
pub(super) fn take(reader: &mut Reader) -> Option<Mail> {
    let server = reader.take("mail.server", server);
    let encryption = reader.take("mail.encryption", encryption);
    let from = reader.take("mail.from", from);
    let user = reader.take("mail.user", rules::text("a user name"));
    let password = reader.take("mail.password", rules::secret);
    let file = reader.take("mail.password_file", rules::file);
    if !password.0.is_empty() {
        reader.show("mail.password", "***".to_owned());
    }
    let (host, port) = server?;
    let Some(from) = from else {
        reader.fault("mail.from", "must be set where mail.server is: whom mail is from");
        return None;
    };
    Some(Mail {
        port: port.unwrap_or(encryption.usual_port()),
        credentials: credentials(reader, user, password, file),
        host,
        encryption,
        from,
    })
}

fn credentials(reader: &mut Reader, user: String, password: Secret, file: Option<PathBuf>) -> Option<(String, Secret)> {
    let password = match file {
        Some(_) if !password.0.is_empty() => {
            reader.fault("mail.password_file", "must be empty where mail.password is set");
            return None;
        }
        Some(file) => match fs::read_to_string(&file) {
            Ok(text) => Secret(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                reader.fault("mail.password_file", &format!("cannot be read: {error}"));
                return None;
            }
        },
        None => password,
    };
    match (user.is_empty(), password.0.is_empty()) {
        (true, true) => None,
        (false, false) => Some((user, password)),
        (true, false) => {
            reader.fault("mail.user", "must be set where there is a password");
            None
        }
        (false, true) => {
            reader.fault("mail.password", "must be set where mail.user is, or mail.password_file");
            None
        }
    }
}

/// A host, and a port where it is given. Empty is `None`.
fn server(value: &Value) -> Ruling<Option<(String, Option<u16>)>> {
    let refusal =
        || rules::must_be(r#"a host, such as "mail.example.com" or "mail.example.com:2525", or empty"#, value);
    let text = value.as_str().ok_or_else(refusal)?;
    if text.is_empty() {
        return Ok(None);
    }
    // As in a URL, so that names are names and IPv6 addresses have their brackets.
    let url = url::Url::parse(&format!("smtp://{text}")).map_err(|_| refusal())?;
    let bare = url.username().is_empty() && url.password().is_none() && ["", "/"].contains(&url.path());
    let host =
        url.host_str().filter(|host| !host.is_empty() && bare && url.query().is_none() && url.fragment().is_none());
    let host = host.ok_or_else(refusal)?.trim_start_matches('[').trim_end_matches(']');
    Ok(Some((host.to_owned(), url.port())))
}

fn encryption(value: &Value) -> Ruling<MailEncryption> {
    match value.as_str() {
        Some("tls") => Ok(MailEncryption::Tls),
        Some("starttls") => Ok(MailEncryption::StartTls),
        Some("none") => Ok(MailEncryption::None),
        _ => Err(rules::must_be(r#""tls", "starttls" or "none""#, value)),
    }
}

/// Empty is `None`.
fn from(value: &Value) -> Ruling<Option<Mailbox>> {
    let parsed = value.as_str().map(|text| (!text.is_empty()).then(|| text.parse()).transpose());
    match parsed {
        Some(Ok(mailbox)) => Ok(mailbox),
        _ => Err(rules::must_be(r#"an address, such as "hitl <hitl@example.com>", or empty"#, value)),
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Faults, MailEncryption, Settings, Sources};

    const SERVER: (&str, &str) = ("HITL_MAIL_SERVER", "mail.example.com");
    const FROM: (&str, &str) = ("HITL_MAIL_FROM", "hitl <hitl@example.com>");

    fn load(pairs: &[(&str, &str)]) -> Result<Settings, Faults> {
        Settings::load(&Sources::with_variables(pairs))
    }

    #[test]
    fn there_is_no_mail_unless_a_server_is_named() {
        assert!(Settings::default().mail.is_none());
        let mail = load(&[SERVER, FROM]).unwrap().mail.unwrap();
        assert_eq!((mail.host.as_str(), mail.port, mail.encryption), ("mail.example.com", 465, MailEncryption::Tls));
        assert!(mail.credentials.is_none() && mail.from.to_string().contains("hitl@example.com"));
        let local = load(&[("HITL_MAIL_SERVER", "[::1]:2525"), FROM, ("HITL_MAIL_ENCRYPTION", "none")]).unwrap();
        let mail = local.mail.unwrap();
        assert_eq!((mail.host.as_str(), mail.port), ("::1", 2525));
        let started = load(&[SERVER, FROM, ("HITL_MAIL_ENCRYPTION", "starttls")]).unwrap().mail.unwrap();
        assert_eq!(started.port, 587);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (pairs, expected) in [
            (vec![SERVER], "mail.from must be set"),
            (vec![("HITL_MAIL_SERVER", "smtp://mail.example.com")], "mail.server must be a host"),
            (vec![("HITL_MAIL_SERVER", "user@mail.example.com")], "mail.server must be a host"),
            (vec![SERVER, ("HITL_MAIL_FROM", "nobody")], "mail.from must be an address"),
            (vec![SERVER, FROM, ("HITL_MAIL_ENCRYPTION", "ssl")], "mail.encryption must be \"tls\""),
            (vec![SERVER, FROM, ("HITL_MAIL_USER", "hitl")], "mail.password must be set"),
            (vec![SERVER, FROM, ("HITL_MAIL_PASSWORD", "hunter2")], "mail.user must be set"),
            (
                vec![SERVER, FROM, ("HITL_MAIL_USER", "hitl"), ("HITL_MAIL_PASSWORD_FILE", "/no/where")],
                "mail.password_file cannot be read",
            ),
        ] {
            let faults = load(&pairs).unwrap_err().to_string();
            assert!(faults.contains(expected) && !faults.contains("hunter2"), "{faults} has no {expected}");
        }
    }

    #[test]
    fn the_password_is_not_printed_and_may_be_in_a_file() {
        let user = ("HITL_MAIL_USER", "hitl");
        let settings = load(&[SERVER, FROM, user, ("HITL_MAIL_PASSWORD", "hunter2")]).unwrap();
        assert!(!format!("{settings} {settings:?}").contains("hunter2"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter3\n").unwrap();
        let settings = load(&[SERVER, FROM, user, ("HITL_MAIL_PASSWORD_FILE", file.path().to_str().unwrap())]).unwrap();
        assert_eq!(settings.mail.unwrap().credentials.unwrap().1.0, "hunter3");
    }
}
