//! TLS by certificate files: who speaks it, what is refused at the start, and a new certificate without a pause.

use crate::{
    harness::on_both,
    process::{PASSWORD, Server, make_owner, run_where},
};
use rcgen::CertifiedKey;
use reqwest::{Certificate, Client};
use std::{path::Path, time::Duration};

/// A certificate for this machine in two files; what a client that trusts only it is made of.
fn certificate(folder: &Path) -> Certificate {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(cert.pem().as_bytes()).unwrap()
}

/// A client that trusts it alone. Connections are not kept: each looks at the certificate anew.
fn client(trusted: Certificate) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([trusted]).pool_max_idle_per_host(0).build().unwrap()
}

fn files(folder: &Path) -> [String; 2] {
    ["certificate.pem", "key.pem"].map(|name| folder.join(name).display().to_string())
}

on_both! {
    async fn a_server_with_a_certificate_speaks_tls_alone(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let trusting = client(certificate(folder.path()));
        let [certificate, key] = files(folder.path());
        make_owner(&world.url).await;
        let tls = [("HITL_TLS_CERTIFICATE", &*certificate), ("HITL_TLS_KEY", &*key)];
        let server = Server::start_with(&world.url, &tls).await;
        let at = server.url.strip_prefix("http://").unwrap().to_owned();
        let answer = trusting.get(format!("https://{at}/ready")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let signs_in = serde_json::json!({"email": "owner@example.com", "password": PASSWORD});
        let signed_in = trusting.post(format!("https://{at}/v1/reviewer/session")).json(&signs_in).send().await.unwrap();
        assert_eq!(signed_in.status(), 200);
        assert!(signed_in.headers()["set-cookie"].to_str().unwrap().ends_with("; Secure"), "{signed_in:?}");
        assert!(trusting.get(format!("http://{at}/ready")).send().await.is_err(), "no plain HTTP");
        assert!(server.started.contains(&format!("https://{at}")), "links are made with it: {}", server.started);

        let healthy = run_where(&world.url, &["health"], &[&tls[..], &[("HITL_LISTEN", &at)]].concat()).await;
        assert_eq!((healthy.code, &*healthy.out), (Some(0), "ready\n"), "{healthy:?}");
        let checked = run_where(&world.url, &["check"], &tls).await;
        assert!(checked.code == Some(0) && checked.out.contains("ok     tls: "), "{checked:?}");
        server.stop().await;
    }

    async fn whatever_public_url_says_cookies_keep_to_https(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let trusting = client(certificate(folder.path()));
        let [certificate, key] = files(folder.path());
        make_owner(&world.url).await;
        let settings = [("HITL_TLS_CERTIFICATE", &*certificate), ("HITL_TLS_KEY", &*key), ("HITL_PUBLIC_URL", "http://hitl.test")];
        let server = Server::start_with(&world.url, &settings).await;
        let signs_in = serde_json::json!({"email": "owner@example.com", "password": PASSWORD});
        let url = format!("{}/v1/reviewer/session", server.url.replace("http:", "https:"));
        let signed_in = trusting.post(url).json(&signs_in).send().await.unwrap();
        assert!(signed_in.headers()["set-cookie"].to_str().unwrap().ends_with("; Secure"), "{signed_in:?}");
        server.stop().await;
    }

    async fn a_new_certificate_is_shown_after_sighup_and_a_wrong_one_never(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let first = certificate(folder.path());
        let old = client(first.clone());
        let [shown, key] = files(folder.path());
        let server = Server::start_with(&world.url, &[("HITL_TLS_CERTIFICATE", &shown), ("HITL_TLS_KEY", &key)]).await;
        let url = format!("{}/health", server.url.replace("http:", "https:"));
        let new = client(certificate(folder.path()));
        assert!(old.get(&url).send().await.is_ok() && new.get(&url).send().await.is_err(), "not before it is told");
        server.signal("HUP").await;
        let shown_to_all = async {
            while new.get(&url).send().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), shown_to_all).await.unwrap();
        assert!(client(first).get(&url).send().await.is_err(), "to whoever connects now");
        std::fs::write(&key, "nonsense").unwrap();
        server.signal("HUP").await;
        for _ in 0..5 {
            assert_eq!(new.get(&url).send().await.unwrap().status(), 200);
        }
        let log = server.stop().await;
        assert!(log.contains("the certificate was read again") && log.contains("the one before is shown on"), "{log}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_certificate_is_said_at_the_start() {
    let (folder, other, data) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certificate(folder.path());
    certificate(other.path());
    let ([shown, key], [_, others]) = (files(folder.path()), files(other.path()));
    let url = format!("sqlite:{}/hitl.db", data.path().display());
    for (certificate, key, code, expected) in [
        (&*shown, "", 2, "tls.key must be set where tls.certificate is"),
        ("", &*key, 2, "tls.certificate must be set where tls.key is"),
        ("/no/where.pem", &*key, 1, "tls.certificate: /no/where.pem cannot be read: "),
        (&*key, &*key, 1, "has no certificate in PEM"),
        (&*shown, &*shown, 1, "has no private key in PEM"),
        (&*shown, &*others, 1, "do not go together"),
    ] {
        let variables = [("HITL_TLS_CERTIFICATE", certificate), ("HITL_TLS_KEY", key)];
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["check"]] {
            let said = run_where(&url, arguments, &variables).await;
            assert!(
                said.code == Some(code) && (said.err.contains(expected) || said.out.contains(expected)),
                "{arguments:?} {said:?}"
            );
        }
    }
}
