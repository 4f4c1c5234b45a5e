//! What whoever runs the server asks it: whether it is ready, what it is, where its database is.

use crate::{
    harness::on_both,
    process::{Server, run, run_where},
};
use hitl_server::version;
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

on_both! {
    async fn health_asks_where_the_settings_say_that_the_server_listens(world: World) {
        let server = Server::start(&world.url).await;
        let at = server.url.strip_prefix("http://").unwrap().to_owned();
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), format!("listen = {at:?}")).unwrap();
        let (file, port) = (file.path().to_str().unwrap(), at.rsplit_once(':').unwrap().1);
        let everywhere = format!("0.0.0.0:{port}");
        for (arguments, variables) in [
            (vec!["health", "--json"], vec![("HITL_LISTEN", &*at)]),
            (vec!["health", "--json"], vec![("HITL_LISTEN", &*everywhere)]),
            (vec!["health", "--json", "--config", file], vec![]),
            (vec!["health", "--json", "--listen", &at], vec![("HITL_LISTEN", "127.0.0.1:9")]),
            (vec!["health", "--json", "--wait", "30"], vec![("HITL_LISTEN", &*at), ("HITL_PUBLIC_URL", "https://hitl.test")]),
        ] {
            let said = run_where(&world.url, &arguments, &variables).await.json();
            assert_eq!((&said["ready"], &said["status"]), (&json!(true), &json!(200)), "{arguments:?} {said}");
            assert!(said["url"].as_str().unwrap().starts_with(&server.url), "{said}");
        }
        server.stop().await;
    }

    async fn the_url_of_the_database_may_be_in_a_file(world: World) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", world.url)).unwrap();
        let variables = [("DATABASE_URL_FILE", file.path().to_str().unwrap())];
        let checked = run_where("", &["check", "--json"], &variables).await.json();
        assert_eq!(checked["checks"][1]["detail"], json!(format!("{} answers, and its schema is up to date", world.app.store.engine())));
        let both = run_where(&world.url, &["keys", "list"], &variables).await;
        assert_eq!(both.code, Some(2), "{both:?}");
        assert!(both.err.contains("DATABASE_URL_FILE: database_url_file must be empty"), "{both:?}");
    }
}

#[tokio::test]
async fn health_refuses_what_it_cannot_ask_and_wrong_settings() {
    for (arguments, variables) in [
        (vec!["health", "--listen", "127.0.0.1:0"], vec![]),
        (vec!["health"], vec![("HITL_LISTEN", "nowhere")]),
        (vec!["health", "--listen", "127.0.0.1:1", "--url", "http://127.0.0.1:1"], vec![]),
        (vec!["health", "--wait", "soon"], vec![]),
    ] {
        let said = run_where("", &arguments, &variables).await;
        assert!(said.code == Some(2) && said.out.is_empty() && !said.err.is_empty(), "{arguments:?} {said:?}");
    }
}

#[tokio::test]
async fn health_waits_until_it_is_ready_and_no_longer_than_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (unready, ready) = ("HTTP/1.1 503 \r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
    let server = tokio::spawn(async move {
        for answer in [unready, unready, ready, unready] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        listener
    });
    let waited = run("", &["health", "--listen", &at, "--wait", "60"]).await;
    assert_eq!((waited.code, &*waited.out), (Some(0), "ready\n"), "{waited:?}");
    let at_once = run("", &["health", "--listen", &at]).await;
    assert_eq!(at_once.code, Some(1), "{at_once:?}");
    assert!(at_once.err.contains("is not ready: it answers 503"), "{at_once:?}");
    drop(server.await.unwrap());
    let gone =
        tokio::time::timeout(Duration::from_secs(30), run("", &["health", "--listen", &at, "--wait", "1"])).await;
    assert_eq!(gone.unwrap().code, Some(1));
}

#[tokio::test]
async fn the_version_says_what_was_built_and_of_what() {
    let said = run("", &["--version"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines.first(), Some(&&*format!("hitl {}", version::VERSION)));
    assert!(lines.contains(&&*format!("target {}", version::TARGET)), "{said:?}");
    assert!(version::TARGET.contains('-') && !version::PROFILE.is_empty());
    assert!(lines.contains(&&*format!("profile {}", version::PROFILE)), "{said:?}");
    let commit = lines.iter().find_map(|line| line.strip_prefix("commit "));
    assert_eq!(commit, version::COMMIT);
    let short = run("", &["-V"]).await;
    assert_eq!(short.out, format!("hitl {}\n", version::VERSION));
    // What git says, where this is a checkout.
    let git =
        std::process::Command::new("git").args(["rev-parse", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    if let (Ok(git), Some(commit)) = (git, commit) {
        assert!(String::from_utf8_lossy(&git.stdout).starts_with(commit), "{commit}");
    }
}
