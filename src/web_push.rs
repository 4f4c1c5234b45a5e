//! Web Push: sealing a message for one browser (RFC 8291, RFC 8188), and proving to its push service whose it is (VAPID, RFC 8292).
//! Knows no database and sends nothing.

use crate::domain::{Secret, Timestamp, notifications::Device};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;
use url::Url;

/// How long a push service may take what proves whose a message is, in seconds; at most a day (RFC 8292).
const PROOF_SECONDS: i64 = 12 * 3600;
/// Bytes of a public key on the curve P-256, uncompressed.
const PUBLIC_KEY: usize = 65;
/// Bytes that a browser shares with us.
const AUTH: usize = 16;

/// Why a message could not be sealed: what a browser told us of itself is not what browsers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the browser told of itself cannot be used")]
pub struct Unusable;

/// Fresh keys of a server: the private one as it is kept, and the public one as browsers take it.
pub fn new_keys() -> (Secret, String) {
    let rng = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).expect("the system has chance");
    let secret = Secret(BASE64_URL_SAFE_NO_PAD.encode(document.as_ref()));
    let public = BASE64_URL_SAFE_NO_PAD.encode(pair(&secret).expect("it was just made").public_key());
    (secret, public)
}

fn pair(private_key: &Secret) -> Option<EcdsaKeyPair> {
    let document = BASE64_URL_SAFE_NO_PAD.decode(&private_key.0).ok()?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &SystemRandom::new()).ok()
}

/// The value of `Authorization` for a push service: that this server, which `subject` tells how to reach, sends there now.
pub fn authorization(private_key: &Secret, endpoint: &Url, subject: &str, now: Timestamp) -> Option<String> {
    let pair = pair(private_key)?;
    let audience = endpoint.origin().ascii_serialization();
    let claims = json!({"aud": audience, "exp": now.seconds() + PROOF_SECONDS, "sub": subject});
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let signed = format!("{}.{}", encode(br#"{"typ":"JWT","alg":"ES256"}"#), encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
    Some(format!("vapid t={signed}.{}, k={}", encode(signature.as_ref()), encode(pair.public_key().as_ref())))
}

/// Whether what a browser told of itself has the form it must have.
pub fn is_usable(p256dh: &str, auth: &str) -> bool {
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_default();
    let key = decoded(p256dh);
    key.len() == PUBLIC_KEY && key[0] == 4 && decoded(auth).len() == AUTH
}

/// A message that only this browser can read, in one record of `aes128gcm`.
pub fn seal(device: &Device, message: &[u8], salt: [u8; 16]) -> Result<Vec<u8>, Unusable> {
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Unusable);
    let (theirs, auth) = (decoded(&device.p256dh)?, decoded(&device.auth.0)?);
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(|_| Unusable)?;
    let ours = private.compute_public_key().map_err(|_| Unusable)?;
    let info = [b"WebPush: info\0", theirs.as_slice(), ours.as_ref()];
    let shared = UnparsedPublicKey::new(&ECDH_P256, &theirs);
    let key: [u8; 32] = agreement::agree_ephemeral(private, &shared, |secret| {
        expand(&Salt::new(HKDF_SHA256, &auth).extract(secret), &info)
    })
    .map_err(|_| Unusable)?;
    let source = Salt::new(HKDF_SHA256, &salt).extract(&key);
    let key: [u8; 16] = expand(&source, &[b"Content-Encoding: aes128gcm\0"]);
    let nonce: [u8; 12] = expand(&source, &[b"Content-Encoding: nonce\0"]);

    let mut record = [message, &[2]].concat(); // 2: the last record
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("the key has its length"));
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
        .map_err(|_| Unusable)?;
    let size = u32::try_from(record.len()).map_err(|_| Unusable)?;
    let length = u8::try_from(PUBLIC_KEY).expect("65 is small");
    Ok([&salt, size.to_be_bytes().as_slice(), &[length], ours.as_ref(), &record].concat())
}

/// So many bytes of a key.
struct Length(usize);
impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(source: &Prk, info: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let expanded = source.expand(info, Length(N)).and_then(|okm| okm.fill(&mut bytes));
    expanded.expect("so few bytes there are always");
    bytes
}
