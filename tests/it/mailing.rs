//! Notifications by mail, where the server has somebody to send it by (16.1).

use crate::{
    browsing::location,
    cast::PASSWORD,
    harness::{Asker, BASE, World, on_both, question},
    hooking::deliver,
    postbox::Postbox,
    telling::{preferring, told},
};
use hitl_server::{
    domain::Account,
    http,
    mailer::Mailer,
    settings::{Mail, MailEncryption},
    store::Db,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The same server, which sends mail by that one.
fn mailing_by(world: &World, port: u16) -> World {
    let mail = Mail {
        host: "127.0.0.1".into(),
        port,
        encryption: MailEncryption::None,
        from: "hitl <hitl@example.com>".parse().unwrap(),
        credentials: None,
    };
    let app = world.app.changed(|parts| {
        parts.mailer = Arc::new(Mailer::new(Some(&mail)));
        let mut settings = (*parts.settings).clone();
        settings.mail = Some(mail);
        parts.settings = Arc::new(settings);
    });
    World { router: http::outside(app.clone()), app, ..world.clone() }
}

/// A world that sends mail, somebody who asks, and Jane, who wants mail.
async fn set(world: &World) -> (World, Asker, Postbox, Account, String) {
    let postbox = Postbox::start().await;
    let world = mailing_by(world, postbox.port());
    let asker = world.asker().await;
    let (jane, session) = world.reviewer("jane@example.com", &asker.code).await;
    preferring(&world, &session, &json!({"mail": true})).await;
    (world, asker, postbox, jane, session)
}

on_both! {
    async fn who_wants_mail_gets_it(world: World) {
        let (world, asker, postbox, jane, _) = set(&world).await;
        let renamed = world.put(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).json(&json!({"name": "Größe\r\nBcc: x@example.com"})).await;
        assert_eq!(renamed.status, 200, "{}", renamed.body);
        let id = world.ask(&asker, &question()).await;
        assert_eq!(deliver(&world).await, 1);
        let letters = postbox.take();
        assert_eq!(letters.len(), 1);
        let (to, text) = (&letters[0].to, &letters[0].text);
        assert_eq!(to, "jane@example.com");
        assert!(text.contains("From: hitl <hitl@example.com>") && text.contains("Subject: =?utf-8?b?"), "{text}");
        assert!(!text.contains("\nBcc:"), "{text}");
        assert!(text.contains("Please review this post\nDeadline: 15 Mar 11:30 (UTC)\n") && text.contains(&format!("{BASE}/inbox/{id}\n")), "{text}");
        assert_eq!(told(&world, &asker, &id, &jane).await, (true, Value::Null));
    }

    async fn a_mail_server_that_refuses_is_tried_again_or_not_as_it_says(world: World) {
        let (world, asker, postbox, jane, _) = set(&world).await;
        postbox.refuses("450 later");
        let id = world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, postbox.take().len()), (1, 0));
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, Value::Null));
        world.clock.advance(30);
        assert_eq!((deliver(&world).await, postbox.take().len()), (1, 1));
        assert_eq!(told(&world, &asker, &id, &jane).await, (true, Value::Null));
        postbox.refuses("550 nobody here");
        let id = world.ask(&asker, &question()).await;
        assert_eq!((deliver(&world).await, postbox.take().len()), (1, 0));
        world.clock.advance(600);
        assert_eq!(deliver(&world).await, 0);
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, json!("mail: could not be delivered")));
    }

    async fn a_server_that_sends_no_mail_any_more_says_so(world: World) {
        let (mailing, asker, postbox, jane, session) = set(&world).await;
        let id = world.ask(&asker, &question()).await;
        assert_eq!(told(&world, &asker, &id, &jane).await, (false, json!("No notification channel configured")));
        assert_eq!((deliver(&mailing).await, postbox.take().len()), (0, 0));
        preferring(&world, &session, &json!({"priority_only": true})).await;
        let shown = world.get("/v1/reviewer/notification-settings").key(&session).await;
        assert_eq!((shown.at("data.mail"), shown.at("data.mail_available")), (&json!(true), &json!(false)));
    }

    async fn an_invitation_goes_by_mail_and_its_link_is_kept_nowhere(world: World) {
        let (world, asker, postbox, ..) = set(&world).await;
        (&world.app.store).sql("update accounts set role = 'owner' where id = $1").bind(asker.owner.id).run().await.unwrap();
        let page = async |path: &str| world.get(path).cookie(&asker.session).await.page();
        assert!(page("/people/new").await.contains("They are sent a link by mail"));
        let ann = [("name", "Ann"), ("email", "ann@example.com"), ("role", "owner")];
        let invited = world.post("/people/new").cookie(&asker.session).form(&ann).await;
        let place = location(&invited).strip_suffix("?notice=invitation-mailed").unwrap().to_owned();
        assert!(page(&place).await.contains("Mail: <span class=\"tag status-pending\">"));
        assert_eq!((postbox.take().len(), deliver(&world).await), (0, 1), "no form waits for it");
        let letter = postbox.take().pop().unwrap();
        assert!(letter.to == "ann@example.com" && letter.text.contains("invited you to http://hitl.test,\nas an owner"), "{}", letter.text);
        let (_, rest) = letter.text.split_once(&format!("{BASE}/reset/")).unwrap();
        let link = format!("/reset/{}", rest.lines().next().unwrap());
        assert!(page(&place).await.contains("Mail: <span class=\"tag status-success\">"));
        let kept: Vec<(String,)> = (&world.app.store).sql("select body from deliveries").all().await.unwrap();
        assert!(!kept.is_empty() && kept.iter().all(|(body,)| !body.contains("/reset/")), "{kept:?}");
        assert!(world.get(&link).await.page().contains("Welcome, Ann"));
        assert_eq!(world.post(&link).form(&[("password", PASSWORD)]).await.status, 303);
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 200);
    }

    async fn an_invitation_to_a_loop_goes_by_mail_but_floods_nobody(world: World) {
        let (world, asker, postbox, ..) = set(&world).await;
        let path = format!("/loops/{}/invite", asker.loop_id);
        let invite = async || location(&world.post(&path).cookie(&asker.session).form(&[("email", "ann@example.com")]).await).rsplit('=').next().unwrap().to_owned();
        assert_eq!((invite().await.as_str(), deliver(&world).await), ("invitation-mailed", 1));
        let letter = postbox.take().pop().unwrap();
        assert!(letter.to == "ann@example.com" && letter.text.contains(&format!("{BASE}/join/{}\n", asker.code)), "{}", letter.text);
        for _ in 0..4 {
            assert_eq!(invite().await, "invitation-mailed");
        }
        assert_eq!((invite().await.as_str(), deliver(&world).await), ("invited", 4), "whoever invites sends the link themselves");
        assert_eq!(postbox.take().len(), 4);
        world.clock.advance(3600);
        world.invite(&asker.key, &asker.loop_id, "ann@example.com").await;
        let member = world.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        let id = member.at("data.members").as_array().unwrap().iter().find(|it| it["email"] == "ann@example.com").unwrap()["user_id"].as_str().unwrap().to_owned();
        let removed = world.post(&format!("/loops/{}/members/{id}/remove", asker.loop_id)).cookie(&asker.session).form(&[]).await;
        assert_eq!((removed.status, deliver(&world).await, postbox.take().len()), (303, 1, 0), "one that was taken back is not sent");
    }

    async fn an_invitation_that_was_taken_back_is_not_sent(world: World) {
        let (world, asker, postbox, ..) = set(&world).await;
        (&world.app.store).sql("update accounts set role = 'owner' where id = $1").bind(asker.owner.id).run().await.unwrap();
        let ann = [("name", "Ann"), ("email", "ann@example.com"), ("role", "member")];
        let invited = world.post("/people/new").cookie(&asker.session).form(&ann).await;
        let place = location(&invited).split('?').next().unwrap().to_owned();
        assert_eq!(world.post(&format!("{place}/withdraw")).cookie(&asker.session).form(&[]).await.status, 303);
        assert_eq!((deliver(&world).await, postbox.take().len()), (1, 0));
    }

    async fn whether_the_mail_server_answers_can_be_checked(world: World) {
        let postbox = Postbox::start().await;
        mailing_by(&world, postbox.port()).app.mailer.check().await.unwrap();
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let error = mailing_by(&world, nobody).app.mailer.check().await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("refused"), "{error}");
    }
}
