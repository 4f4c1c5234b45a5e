//! The ways into a loop: invitations by e-mail, codes, QR codes (contract 6.9, 11.1–11.3).

use crate::{
    cast::MEMBER_DETAILS,
    harness::{Answer, BASE, World, on_both, question},
};
use base64::Engine;
use hitl_server::{
    app::{CountingRng, Rng},
    http,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const UNKNOWN: &str = "No loop found with that invite code";

/// What the QR code in a PNG image says.
fn read_qr(image: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(image)).read_info().unwrap();
    assert_eq!((reader.info().color_type, reader.info().bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let grey = |x: usize, y: usize| if pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0 { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let codes = image.detect_grids();
    assert_eq!(codes.len(), 1);
    codes[0].decode().unwrap().1
}

/// Chance that draws the same code for the first two loops, and never any other twice.
#[derive(Default)]
struct SameCodeTwice(CountingRng, AtomicUsize);

impl Rng for SameCodeTwice {
    fn fill(&self, bytes: &mut [u8]) {
        const CODE: usize = 9;
        if bytes.len() == CODE && self.1.fetch_add(1, Ordering::Relaxed) < 2 {
            bytes.fill(7);
        } else {
            self.0.fill(bytes);
        }
    }
}

/// Looks at what is behind a code, by each of the ways.
async fn look(world: &World, session: &str, way: u8, code: &str) -> Answer {
    match way {
        0 => world.join(session, code).await,
        1 => world.sign_up_with(code, "eve@example.com").await,
        2 => world.get(&format!("/join/{code}")).await,
        _ => world.get(&format!("/qr/{code}.png")).await,
    }
}

/// Asserts that an address which looked too often is told to wait.
fn is_limited(answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after").parse::<u32>().is_ok_and(|wait| wait >= 1)), (429, true));
}

on_both! {
    async fn contract_6_9_whoever_is_invited_has_an_id_and_is_pending(world: World) {
        let asker = world.asker().await;
        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        world.clock.advance(5);
        let invited = world.post(&path).key(&asker.key).json(&json!({"email": " New.One@Example.com ", "role": "member"})).await;
        invited.accepted(201, "Member invited successfully");
        invited.has_keys("data", "loop_id member invite_code join_url");
        invited.has_keys("data.member", MEMBER_DETAILS);
        let id = invited.text("data.member.user_id");
        assert!(id.len() == 24 && id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{id}");
        assert_eq!(invited.at("data"), &json!({
            "loop_id": asker.loop_id, "invite_code": asker.code, "join_url": format!("{BASE}/join/{}", asker.code),
            "member": {"user_id": id, "email": "new.one@example.com", "status": "pending", "joined_at": null,
                "name": "new.one", "role": "member", "last_active": null},
        }));
        let seen = world.loop_seen(&asker.key, &asker.loop_id).await;
        assert_eq!(seen.at("data.loop.members.1"), &json!({"user_id": id, "email": "new.one@example.com", "status": "pending", "joined_at": null}));
        assert_eq!((seen.at("data.loop.member_count"), seen.at("data.loop.pending_count"), seen.at("data.loop.active_count")), (&json!(2), &json!(1), &json!(1)));
        assert_eq!(seen.at("data.loop.updated_at"), &json!(world.now()));
        assert_eq!(world.loop_events(&asker.loop_id).await, ["loop.created", "loop.member_invited"]);

        let (other, _) = world.loop_named(&asker.key, "Other").await;
        assert_eq!(world.invite(&asker.key, &other, "new.one@example.com").await, id, "one person, one id");
        let bob = world.person("bob@example.com").await;
        assert_eq!(world.invite(&asker.key, &other, "bob@example.com").await, bob.id.to_string());
    }

    async fn contract_6_9_an_invitation_is_refused(world: World) {
        let asker = world.asker().await;
        world.reviewer("ann@example.com", &asker.code).await;
        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        let invalid = json!("email must be a valid e-mail address");
        for (body, msg, data) in [
            (json!({}), "Validation failed", json!("email is required")),
            (json!({"email": null}), "Validation failed", json!("email is required")),
            (json!({"email": "nobody"}), "Validation failed", invalid.clone()),
            (json!({"email": "a@b@c"}), "Validation failed", invalid),
            (json!({"email": "a@b.c", "role": "admin"}), "Validation failed", json!("role must be one of: member")),
            (json!({"email": "a@b.c", "name": "x".repeat(101)}), "Validation failed", json!("name must be between 1 and 100 characters")),
            (json!({"email": 7}), "Invalid request body", json!({"field": "email", "issue": "must be a string"})),
            (json!({"email": "Ann@Example.com"}), "User is already a member of this loop", Value::Null),
            (json!({"email": "owner@example.com"}), "User is already a member of this loop", Value::Null),
        ] {
            world.post(&path).key(&asker.key).json(&body).await.refused(400, msg, &data);
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count"), 2);
    }

    async fn contract_11_2_an_invitation_stands_for_seven_days(world: World) {
        let asker = world.asker().await;
        let id = world.invite(&asker.key, &asker.loop_id, "bob@example.com").await;
        let path = format!("/v1/api/loops/{}/members", asker.loop_id);
        world.clock.advance(7 * 24 * 3600 - 1);
        assert_eq!(world.get(&path).key(&asker.key).await.at("data.pending_count"), 1);
        world.clock.advance(1);
        let list = world.get(&path).key(&asker.key).await;
        assert_eq!((list.at("data.total_count"), list.at("data.pending_count")), (&json!(1), &json!(0)));
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count"), 1);
        let removed = world.delete(&format!("{path}/{id}")).key(&asker.key).await;
        removed.refused(404, "User is not a member of this loop", &Value::Null);

        assert_eq!(world.invite(&asker.key, &asker.loop_id, "bob@example.com").await, id, "may be invited again");
        assert_eq!(world.get(&path).key(&asker.key).await.at("data.pending_count"), 1);
        world.clock.advance(7 * 24 * 3600);
        let deleted = world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await;
        assert_eq!(deleted.at("data.deleted_data.members_removed"), 1, "only the creator was left");
    }

    async fn contract_11_2_codes_do_not_run_out(world: World) {
        let asker = world.asker().await;
        world.clock.advance(365 * 24 * 3600);
        let (ann, _) = world.reviewer("ann@example.com", &asker.code).await;
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.members.1.user_id"), &json!(ann.id.to_string()));
    }

    async fn contract_6_9_a_new_code_makes_the_old_one_unknown(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        world.clock.advance(5);
        let rotated = world.post(&format!("/v1/api/loops/{}/invite", asker.loop_id)).key(&asker.key).await;
        rotated.accepted(200, "Invite code regenerated successfully");
        rotated.has_keys("data", "invite_code qr_code_base64 qr_code_url join_url");
        let code = rotated.text("data.invite_code");
        assert!(code != asker.code && code.len() == 9, "{code}");
        assert_eq!((rotated.text("data.join_url"), rotated.text("data.qr_code_url")), (format!("{BASE}/join/{code}"), format!("{BASE}/qr/{code}.png")));
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.text("data.loop.invite_code"), code);
        assert_eq!(world.loop_events(&asker.loop_id).await.last().unwrap(), "loop.code_rotated");

        world.join(&bob, &asker.code).await.refused(404, UNKNOWN, &Value::Null);
        world.sign_up_with(&asker.code, "eve@example.com").await.refused(404, UNKNOWN, &Value::Null);
        assert_eq!(world.get(&format!("/join/{}", asker.code)).await.status, 404);
        assert_eq!(world.get(&format!("/qr/{}.png", asker.code)).await.status, 404);
        assert_eq!(world.get("/v1/reviewer/loops").key(&ann).await.at("data.count"), 1, "members stay");
        world.join(&bob, &code).await.accepted(200, "Joined loop");
    }

    async fn contract_11_3_the_qr_code_says_the_join_url(world: World) {
        let asker = world.asker().await;
        let rotated = world.post(&format!("/v1/api/loops/{}/invite", asker.loop_id)).key(&asker.key).await;
        let (code, join_url) = (rotated.text("data.invite_code"), rotated.text("data.join_url"));
        let embedded = rotated.text("data.qr_code_base64");
        let embedded = base64::engine::general_purpose::STANDARD.decode(embedded.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        assert_eq!(read_qr(&embedded), join_url);

        let image = world.get(rotated.text("data.qr_code_url").strip_prefix(BASE).unwrap()).await;
        assert_eq!((image.status, image.header("content-type"), image.header("x-ratelimit-limit")), (200, "image/png", ""));
        assert_eq!(image.bytes, embedded);
        for path in ["/qr/ABCDEFGHJ.png".to_owned(), format!("/qr/{code}"), format!("/qr/{code}.svg")] {
            let missing = world.get(&path).await;
            assert_eq!((missing.status, missing.at("error"), missing.header("content-type")), (404, &json!(true), "application/json; charset=utf-8"), "{path}");
        }
    }

    async fn contract_11_1_a_code_is_taken_in_any_case_with_spaces_and_dashes(world: World) {
        let asker = world.asker().await;
        let code = asker.code.as_str();
        let typed = [code.to_lowercase(), format!("  {code}\n"), format!("{}-{} {}", &code[..3], &code[3..6], &code[6..].to_lowercase())];
        for (index, code) in typed.iter().enumerate() {
            let session = world.sign_in(&world.person(&format!("ann{index}@example.com")).await).await;
            world.join(&session, code).await.accepted(200, "Joined loop");
        }
        for path in [format!("/join/{}", code.to_lowercase()), format!("/join/{}-{}%20{}", &code[..3], &code[3..6], &code[6..]), format!("/qr/{}.png", code.to_lowercase())] {
            assert_eq!(world.get(&path).await.status, 200, "{path}");
        }
    }

    async fn contract_11_1_codes_cannot_be_guessed_at_will(world: World) {
        let asker = world.asker().await;
        let session = world.sign_in(&world.person("bob@example.com").await).await;
        let code = asker.code.as_str();
        for way in 0..4 {
            let strict = world.beside(|settings| settings.limits.failed_keys_per_minute = 2.try_into().unwrap()).await;
            for guess in ["ABCDEFGHJ", "ABCDEFGHK"] {
                assert_eq!(look(&strict, &session, way, guess).await.status, 404, "way {way}");
            }
            is_limited(&look(&strict, &session, way, "ABCDEFGHL").await);
            is_limited(&look(&strict, &session, way, code).await);
        }
        assert_eq!(world.loop_seen(&asker.key, &asker.loop_id).await.at("data.loop.member_count"), 1);
        let strict = world.beside(|settings| settings.limits.failed_keys_per_minute = 1.try_into().unwrap()).await;
        strict.sign_up_with(code, "ann@example.com").await.accepted(201, "Account created");
    }

    async fn contract_11_1_a_code_that_another_loop_has_is_drawn_again(world: World) {
        let key = world.key(&world.person("owner@example.com").await).await;
        let app = world.app.changed(|parts| parts.rng = Arc::new(SameCodeTwice(CountingRng::from(1_000_000), AtomicUsize::new(0))));
        let world = World { router: http::outside(app.clone()), app, ..world };
        let mut codes = Vec::new();
        for name in ["One", "Two"] {
            let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": name, "description": "x", "icon": "shield"})).await;
            assert_eq!(made.status, 201, "{made:?}");
            codes.push((made.text("data.loop.id"), made.text("data.invite_code")));
        }
        assert_ne!(codes[0].1, codes[1].1);
    }

    async fn contract_11_5_the_ways_in_are_shown_to_the_creator_alone(world: World) {
        let asker = world.asker().await;
        let (member, session) = world.reviewer("ann@example.com", &asker.code).await;
        let key = world.key(&member).await;
        world.ask(&asker, &question()).await;
        for path in [
            format!("/v1/api/loops/{}", asker.loop_id), "/v1/api/loops?include=member".into(), format!("/v1/api/loops/{}/members", asker.loop_id),
            format!("/v1/api/loops/{}/requests", asker.loop_id),
        ] {
            let seen = world.get(&path).key(&key).await;
            assert!(seen.status == 200 && !seen.body.to_string().contains(&asker.code), "{path}");
        }
        for path in ["/v1/reviewer/loops", "/v1/reviewer/inbox", "/v1/reviewer/me"] {
            let seen = world.get(path).key(&session).await;
            assert!(seen.status == 200 && !seen.body.to_string().contains(&asker.code), "{path}");
        }
    }
}
