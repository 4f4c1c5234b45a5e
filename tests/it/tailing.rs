//! `hitl events tail`: the record of what happened at the command line.

use crate::{
    asking::respond,
    harness::question,
    listening::soon,
    program::{command, with_processes_on_both},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A command that goes on until the test ends.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn names(printed: &str) -> Vec<String> {
    let name = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
    printed.lines().map(name).collect()
}

with_processes_on_both! {
    async fn the_tail_of_the_record_can_be_filtered(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        respond(&world, &asker.session, &id, &json!("approve")).await;
        let other = world.ask(&asker, &question()).await;
        let tail = async |more: &[&str]| {
            let (code, printed) = command(&world, &[&["events", "tail", "--json"], more].concat()).await;
            assert_eq!(code, 0, "{printed}");
            names(&printed)
        };
        let all = tail(&[]).await;
        assert_eq!(all[all.len() - 3..], ["request.created", "request.completed", "request.created"]);
        assert_eq!(tail(&["-n", "2"]).await, ["request.completed", "request.created"]);
        assert_eq!(tail(&["--request", &id]).await, ["request.created", "request.completed"]);
        assert_eq!(tail(&["--request", &other]).await, ["request.created"]);
        assert_eq!(tail(&["--event", "request.created"]).await.len(), 2);
        assert_eq!(tail(&["--event", "request.created", "--since", "1h", "--account", "owner@example.com"]).await.len(), 2);
        assert_eq!(tail(&["--since", "2100-01-01T00:00:00Z"]).await, Vec::<String>::new());

        let (code, printed) = command(&world, &["events", "tail", "--request", &id]).await;
        assert_eq!(code, 0);
        let last = printed.lines().last().unwrap();
        assert!(last.contains("request.completed") && last.ends_with("pending -> completed"), "{printed}");
        assert!(last.contains(&format!("by person {}", asker.owner.id)), "{printed}");

        for (arguments, code) in [
            (["--account", "nobody@example.com"], 3),
            (["--event", "request.eaten"], 2),
            (["--since", "yesterday"], 2),
            (["--request", "nonsense"], 2),
        ] {
            assert_eq!(command(&world, &[&["events", "tail"][..], &arguments].concat()).await.0, code, "{arguments:?}");
        }
    }

    async fn the_tail_follows_what_happens(world: World) {
        let asker = world.asker().await;
        let before = world.ask(&asker, &question()).await;
        let child = Command::new(env!("CARGO_BIN_EXE_hitl"))
            .args(["events", "tail", "--follow", "--json", "--event", "request.created"])
            .env_clear()
            .envs([("DATABASE_URL", world.url.as_str()), ("HOME", "/nonexistent")])
            .stdout(Stdio::piped())
            .spawn();
        let mut child = Following(child.unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        for _ in 0..2 {
            let (line, rest) = soon(tokio::task::spawn_blocking(move || (lines.next().unwrap().unwrap(), lines))).await.unwrap();
            lines = rest;
            told.push(serde_json::from_str::<Value>(&line).unwrap()["request_id"].as_str().unwrap().to_owned());
            if told.len() == 1 {
                told.push(world.ask(&asker, &question()).await);
            }
        }
        assert_eq!((&told[0], &told[1]), (&before, &told[2]), "what was, then what is");
    }
}
