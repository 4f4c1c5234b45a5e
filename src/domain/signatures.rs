//! Signing what is delivered: the vendor's two headers and Standard Webhooks' three (contract 12.5, quality B).

use super::{Secret, Timestamp, id::hex};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The mark of a secret that this server made.
const MARK: &str = "whsec_";

/// The secret that an account's callbacks are signed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Signing {
    /// The present one.
    pub secret: Secret,
    /// The one before it.
    pub previous: Option<Secret>,
    /// Until when that signs too.
    pub previous_until: Option<Timestamp>,
}

impl Signing {
    /// The secrets that sign now, the present one first.
    pub fn secrets(&self, now: Timestamp) -> Vec<&Secret> {
        both(&self.secret, self.previous.as_ref(), self.previous_until, now)
    }
}

/// The present secret, and the one before it while that signs too.
pub(super) fn both<'s>(
    secret: &'s Secret,
    previous: Option<&'s Secret>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Vec<&'s Secret> {
    let previous = previous.filter(|_| until.is_some_and(|until| until > now));
    std::iter::once(secret).chain(previous).collect()
}

/// A fresh secret: its hex digits are valid base64 too, so that Standard Webhooks' libraries take it as it is.
pub fn new_secret(random: [u8; 16]) -> Secret {
    Secret(format!("{MARK}{}", hex(&random)))
}

/// What a secret is known by once it is not shown any more: its mark, if it has ours, and its end.
pub fn preview(secret: &Secret) -> String {
    let text = &secret.0;
    let end: String = text.chars().skip(text.chars().count().saturating_sub(4)).collect();
    format!("{}…{end}", if text.starts_with(MARK) { MARK } else { "" })
}

/// The hex of `X-HITL-Signature`: HMAC-SHA256 of the body, keyed with the secret's text.
pub fn of_body(secret: &Secret, body: &[u8]) -> String {
    hex(&mac(secret.0.as_bytes(), &[body]))
}

/// One entry of `webhook-signature`: `v1,` and the base64 of the HMAC of id, time and body. The key is what follows the mark, decoded;
/// a secret that is not base64 is its own text.
pub fn standard(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> String {
    let text = secret.0.strip_prefix(MARK).unwrap_or(&secret.0);
    let key = BASE64_STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
    let head = format!("{id}.{seconds}.");
    format!("v1,{}", BASE64_STANDARD.encode(mac(&key, &[head.as_bytes(), body])))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key does");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodys_signature_is_that_of_rfc_4231() {
        let signature = of_body(&Secret("Jefe".into()), b"what do ya want for nothing?");
        assert_eq!(signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_standard_signature_is_that_of_its_specification() {
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signature = standard(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_fresh_secret_is_valid_base64() {
        let secret = new_secret([7; 16]);
        assert!(BASE64_STANDARD.decode(&secret.0[MARK.len()..]).is_ok());
    }
}
