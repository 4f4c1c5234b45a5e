//! Where deliveries may go: the address that is connected to decides (contract 12.7, V17, quality B).

use crate::{
    asking::{create, has},
    harness::{on_both, question_with},
    hooking::{at, deliver, hook, log, register, rename, subscriber},
    receiver::{Receiver, reaching, reaching_loopback},
};
use hitl_server::domain::targets::Targets;
use serde_json::json;

on_both! {
    async fn quality_b_this_machine_is_refused_by_default_and_the_owner_sees_why(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let port = receiver.port();
        for (host, why) in [
            ("127.0.0.1", "127.0.0.1 is not a public address; the setting webhooks.allow can open its network"),
            ("127.8.8.8", "127.8.8.8 is not a public address; the setting webhooks.allow can open its network"),
            ("0.0.0.0", "0.0.0.0 is not a public address; the setting webhooks.allow can open its network"),
            ("10.1.2.3", "10.1.2.3 is not a public address; the setting webhooks.allow can open its network"),
            ("[::1]", "::1 is not a public address; the setting webhooks.allow can open its network"),
            ("[::ffff:127.0.0.1]", "127.0.0.1 is not a public address; the setting webhooks.allow can open its network"),
            ("[::ffff:7f00:1]", "127.0.0.1 is not a public address; the setting webhooks.allow can open its network"),
            ("[64:ff9b::127.0.0.1]", "127.0.0.1 is not a public address; the setting webhooks.allow can open its network"),
            ("[fd12::1]", "fd12::1 is not a public address; the setting webhooks.allow can open its network"),
        ] {
            let id = hook(&world, &asker, &json!({"url": format!("http://{host}:{port}/hook"), "events": ["loop.updated"]})).await;
            rename(&world, &asker, host).await;
            assert_eq!(deliver(&world).await, 1, "{host}: not tried again");
            has(&log(&world, &asker, &id, "").await[0], &json!({
                "status": "failed", "attempt": 1, "response_status": null, "error": why, "next_retry_at": null,
            }));
            let tested = world.post(&at(&id, "/test")).key(&asker.key).await;
            has(tested.at("data.delivery"), &json!({"success": false, "error": why}));
            assert_eq!(world.delete(&at(&id, "")).key(&asker.key).await.status, 200);
        }
        assert_eq!(receiver.received().len(), 0);
    }

    async fn quality_b_a_name_that_leads_to_a_forbidden_address_is_refused(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        for host in ["localhost", "LOCALHOST"] {
            let url = format!("http://{host}:{}/hook", receiver.port());
            let id = hook(&world, &asker, &json!({"url": url, "events": ["loop.updated"]})).await;
            rename(&world, &asker, host).await;
            assert_eq!(deliver(&world).await, 1, "not tried again");
            let entry = &log(&world, &asker, &id, "").await[0];
            has(entry, &json!({"status": "failed", "attempt": 1, "response_status": null}));
            let error = entry["error"].as_str().unwrap();
            assert!(error.starts_with("localhost: ") && error.contains(" is not a public address; the setting webhooks.allow"), "{error}");
            assert_eq!(world.delete(&at(&id, "")).key(&asker.key).await.status, 200);
        }
        assert_eq!(receiver.received().len(), 0);
    }

    async fn quality_b_what_the_setting_allows_is_reached(world: World) {
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let only_v4 = Targets { allowed: vec!["127.0.0.1/32".parse().unwrap()], private_networks: false };
        for (sending, host, reached) in [
            (reaching_loopback(&world), "127.0.0.1", true),
            (reaching_loopback(&world), "localhost", true),
            (reaching_loopback(&world), "[::ffff:127.0.0.1]", true),
            (reaching_loopback(&world), "10.1.2.3", false),
            (reaching(&world, only_v4.clone()), "127.0.0.1", true),
            (reaching(&world, only_v4.clone()), "localhost", true),
            (reaching(&world, only_v4), "127.0.0.2", false),
            (reaching(&world, Targets { allowed: vec![], private_networks: true }), "127.0.0.1", true),
        ] {
            let url = format!("http://{host}:{}/hook", receiver.port());
            let id = hook(&world, &asker, &json!({"url": url})).await;
            let tested = sending.post(&at(&id, "/test")).key(&asker.key).await;
            assert_eq!(tested.at("data.delivery.success"), reached, "{host} {}", tested.body);
            assert_eq!(receiver.take().len(), usize::from(reached), "{host}");
        }
    }

    async fn quality_b_metadata_addresses_are_never_a_target(world: World) {
        let asker = subscriber(&world).await;
        let everything = Targets { allowed: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()], private_networks: true };
        let sending = reaching(&world, everything);
        for (host, address) in [
            ("169.254.169.254", "169.254.169.254"),
            ("169.254.170.2", "169.254.170.2"),
            ("100.100.100.200", "100.100.100.200"),
            ("[fd00:ec2::254]", "fd00:ec2::254"),
            ("[::ffff:169.254.169.254]", "169.254.169.254"),
        ] {
            let id = hook(&world, &asker, &json!({"url": format!("http://{host}/latest/meta-data")})).await;
            let tested = sending.post(&at(&id, "/test")).key(&asker.key).await;
            let why = format!("{address} is a metadata address and never a target");
            has(tested.at("data.delivery"), &json!({"success": false, "status": "failed", "error": why}));
        }
    }

    async fn contract_4_4_v17_bad_targets_are_refused_when_they_are_named(world: World) {
        let asker = subscriber(&world).await;
        let id = hook(&world, &asker, &json!({"url": "https://app.example.com/"})).await;
        let long = format!("https://app.example.com/{}", "x".repeat(2048));
        for url in [
            "app.example.com",
            "/hook",
            "//app.example.com/hook",
            "https:app.example.com",
            "https:///hook",
            "https://",
            "ftp://app.example.com/",
            "file:///etc/passwd",
            "gopher://app.example.com/",
            "javascript:alert(1)",
            "https://user@app.example.com/",
            "https://user:password@app.example.com/",
            "https://:password@app.example.com/",
            "https://app.example.com:99999/",
            "https://app.exa mple.com/",
            "https://app.example.com/a b",
            "https://app.example.com\\@127.0.0.1/",
            "https://app.example.com/\nX-Injected: 1",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://[::1",
            &long,
        ] {
            let refused = register(&world, &asker.key, &json!({"url": url})).await;
            refused.refused(400, "Validation failed", &json!("url must be a valid URL"));
            let refused = world.patch(&at(&id, "")).key(&asker.key).json(&json!({"url": url})).await;
            refused.refused(400, "Validation failed", &json!("url must be a valid URL"));
            let refused = create(&world, &asker, &question_with(&json!({"callback_url": url}))).await;
            refused.refused(400, "Validation failed", &json!("callback_url must be a valid URL"));
        }
        let wrong_type = register(&world, &asker.key, &json!({"url": 7})).await;
        wrong_type.refused(400, "Invalid request body", &json!({"field": "url", "issue": "must be a string"}));
        for url in ["https://app.example.com", "http://n8n:5678/webhook/x?a=b#c", "https://[2606:4700::1111]:8443/", "https://1.1.1.1/"] {
            register(&world, &asker.key, &json!({"url": url})).await.accepted(201, "Webhook created successfully");
        }
    }

    async fn contract_12_7_plain_http_can_be_ruled_out(world: World) {
        let asker = subscriber(&world).await;
        let strict = world.beside(|settings| settings.webhooks.allow_http = false).await;
        let refused = register(&strict, &asker.key, &json!({"url": "http://app.example.com/"})).await;
        refused.refused(400, "Validation failed", &json!("url must be a valid URL"));
        register(&strict, &asker.key, &json!({"url": "https://app.example.com/"})).await.accepted(201, "Webhook created successfully");
        strict.app.store.close().await;
    }
}
