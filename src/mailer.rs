//! Sending mail by the operator's mail server. Knows no database, and nothing of what mail is about.

use crate::{
    domain::notification_texts::Message,
    service::deliveries::Sent,
    settings::{Mail, MailEncryption},
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use std::{fmt, time::Duration};
use tokio::sync::OnceCell;

/// From connecting to the last word of each step.
const STEP_TIME: Duration = Duration::from_secs(15);
/// One letter in all.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// What sends mail, if anything does.
pub struct Mailer {
    settings: Option<Mail>,
    /// Made when it is first needed: the certificates that it trusts take up memory.
    transport: OnceCell<Transport>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mailer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Mailer {
    /// What sends mail as the settings say.
    pub fn new(settings: Option<&Mail>) -> Self {
        Self { settings: settings.cloned(), transport: OnceCell::new() }
    }

    /// Sends a message to an address, with a link to where it leads and what to know about that.
    pub async fn send(&self, to: &str, message: &Message, link: &str, foot: &str) -> Sent {
        let failed = |error: String, hopeless| Sent { error: Some(error), hopeless, ..Sent::default() };
        let Some(settings) = &self.settings else { return failed("the server sends no mail".to_owned(), true) };
        let letter = match letter(&settings.from, to, message, (link, foot)) {
            Ok(letter) => letter,
            Err(error) => return failed(error.to_string(), true),
        };
        let sent = async { self.transport(settings).await?.send(letter).await };
        match tokio::time::timeout(ATTEMPT_TIME, sent).await {
            Ok(Ok(_)) => Sent::default(),
            Ok(Err(error)) => failed(described(&error), error.is_permanent()),
            Err(_) => failed("no answer within 30 seconds".to_owned(), false),
        }
    }

    /// Whether the server answers and takes the user and password; nothing is sent.
    pub async fn check(&self) -> anyhow::Result<()> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let tested = async { self.transport(settings).await?.test_connection().await };
        let tested = tokio::time::timeout(ATTEMPT_TIME, tested).await?;
        anyhow::ensure!(tested.map_err(|error| anyhow::anyhow!(described(&error)))?, "it does not answer");
        Ok(())
    }

    async fn transport(&self, it: &Mail) -> Result<&Transport, lettre::transport::smtp::Error> {
        let make = async || {
            let tls = || TlsParameters::new(it.host.clone());
            let tls = match it.encryption {
                MailEncryption::Tls => Tls::Wrapper(tls()?),
                MailEncryption::StartTls => Tls::Required(tls()?),
                MailEncryption::None => Tls::None,
            };
            let builder = Transport::builder_dangerous(&it.host).port(it.port).tls(tls).timeout(Some(STEP_TIME));
            Ok(match &it.credentials {
                Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.0.clone())),
                None => builder,
            }
            .build())
        };
        self.transport.get_or_try_init(make).await
    }
}

fn letter(from: &Mailbox, to: &str, message: &Message, (link, foot): (&str, &str)) -> anyhow::Result<Letter> {
    let text = format!("{}\n\n{link}\n\n{foot}\n", message.text);
    let letter = Letter::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.parse()?))
        .subject(&message.title)
        .header(ContentType::TEXT_PLAIN)
        .body(text)?;
    Ok(letter)
}

/// With what lies behind it: the error alone says little.
fn described(error: &lettre::transport::smtp::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}
