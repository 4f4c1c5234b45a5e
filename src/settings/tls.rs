//! `[tls]`: the certificate that the server shows, if it speaks TLS itself. Its keys hang together, so they are judged together.
//! Does not read the files: most commands need none of them.

use super::{reader::Reader, rules};
use std::path::PathBuf;

/// The files of a certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate and those between it and the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// `None` where neither is named.
pub(super) fn take(reader: &mut Reader) -> Option<Tls> {
    let certificate = reader.take("tls.certificate", rules::file);
    let key = reader.take("tls.key", rules::file);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            reader.fault("tls.key", "must be set where tls.certificate is");
            None
        }
        (None, Some(_)) => {
            reader.fault("tls.certificate", "must be set where tls.key is");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Settings, Sources};

    #[test]
    fn both_files_are_named_or_none() {
        let load = |pairs: &[(&str, &str)]| Settings::load(&Sources::with_variables(pairs));
        let (certificate, key) = (("HITL_TLS_CERTIFICATE", "/a.pem"), ("HITL_TLS_KEY", "/b.pem"));
        assert!(Settings::default().tls.is_none());
        let settings = load(&[certificate, key]).unwrap();
        assert_eq!(settings.base_url("0.0.0.0:8443".parse().unwrap()), "https://127.0.0.1:8443");
        assert!(settings.tls.is_some());
        for (given, missing) in [(certificate, "tls.key"), (key, "tls.certificate")] {
            let faults = load(&[given]).unwrap_err().to_string();
            assert!(faults.contains(&format!("{missing} must be set where")), "{faults}");
        }
    }
}
