//! People in a browser, for the server's owners (issue 12; contract 16.7; design 7).

use crate::{
    browsing::{location, page},
    cast::PASSWORD,
    harness::{Answer, World, on_both, question},
};
use hitl_server::{
    domain::{Account, Actor, Email, Json, Role},
    service::{accounts, accounts::NewAccount},
    store::Db,
};

async fn made(world: &World, name: &str, role: Role) -> (Account, String) {
    let user = name.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
    let email = Email::parse(&format!("{user}@example.com")).unwrap();
    let new = NewAccount { email, name: name.into(), role };
    let account = accounts::create(&world.app, Actor::Operator, new, PASSWORD).await.unwrap();
    let session = world.sign_in(&account).await;
    (account, session)
}

async fn owner(world: &World) -> (Account, String) {
    made(world, "Olga", Role::Owner).await
}

async fn post(world: &World, session: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    world.post(path).cookie(session).form(fields).await
}

/// The link on a page, as a path.
fn link(answer: &Answer) -> String {
    let page = answer.page();
    let rest = page.split_once("<code id=\"link\">http://hitl.test").map_or("", |(_, rest)| rest);
    rest.split('<').next().unwrap().to_owned()
}

/// Role and status of everybody by name, and what happened to accounts.
async fn state(world: &World) -> (Vec<(String, String, String)>, Vec<String>) {
    let accounts = (&world.app.store).sql("select name, role, status from accounts order by name").all().await.unwrap();
    let sql = (&world.app.store).sql("select name from events where name like 'account.%' order by seq");
    let events: Vec<(String,)> = sql.all().await.unwrap();
    (accounts, events.into_iter().map(|(name,)| name).collect())
}

async fn is_signed_in(world: &World, session: &str) -> bool {
    world.get("/v1/reviewer/me").cookie(session).await.status == 200
}

on_both! {
    async fn everybody_is_listed_searched_and_narrowed(world: World) {
        let (_, session) = owner(&world).await;
        let asker = world.asker().await;
        world.clock.advance(600);
        let (ann, _) = world.reviewer("ann_b@example.com", &asker.code).await;
        world.invite(&asker.key, &asker.loop_id, "new@example.com").await;
        let (_, _) = made(&world, "Éva <b>", Role::Member).await;
        let all = page(&world, "/people", &session).await;
        assert!(all.contains("5 people") && all.contains("aria-current=\"page\"><svg") && !all.contains("<b>"), "{all}");
        assert!(all.contains(&format!("<a href=\"/people/{}\">ann_b</a>", ann.id)) && all.contains("data-label=\"Loops\">1</td>"), "{all}");
        assert!(all.contains("status-pending\">invited</span>") && all.contains("not yet"), "{all}");
        let rows = |page: &str| page.matches("<th scope=\"row\"><a href=\"/people/").count();
        for (query, count) in [
            ("?search=ANN_B", 1), ("?search=annxb", 0), ("?search=%C3%89va", 1), ("?search=example.com", 5), ("?search=%00", 0), ("?role=owner", 1),
            ("?status=inactive", 1), ("?role=member&status=active", 3), ("?search=%27%3B--", 0),
        ] {
            let found = page(&world, &format!("/people{query}"), &session).await;
            assert_eq!(rows(&found), count, "{query}: {found}");
        }
        let first = page(&world, "/people?search=example&limit=2", &session).await;
        assert!(rows(&first) == 2 && first.contains("rel=\"next\" href=\"/people?search=example&#38;limit=2&#38;offset=2\""), "{first}");
        let last = page(&world, "/people?search=example&limit=2&offset=4", &session).await;
        assert!(rows(&last) == 1 && last.contains("rel=\"prev\"") && !last.contains("rel=\"next\""), "{last}");
        for wrong in ["?role=king", "?status=odd", "?limit=0"] {
            assert_eq!(world.get(&format!("/people{wrong}")).cookie(&session).await.status, 400, "{wrong}");
        }
    }

    async fn somebody_was_last_seen_when_they_last_came(world: World) {
        let (_, session) = owner(&world).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        let seen = async || {
            let page = page(&world, &format!("/people/{}", ann.id), &session).await;
            let rest = page.split_once("<dt>Last seen</dt>").unwrap().1.to_owned();
            rest.split("datetime=\"").nth(1).unwrap()[..20].to_owned()
        };
        assert_eq!(seen().await, "2024-03-15T10:30:00Z");
        world.clock.advance(299);
        assert_eq!(world.get("/inbox").cookie(&anns).await.status, 200);
        assert_eq!(seen().await, "2024-03-15T10:30:00Z", "not at each look");
        world.clock.advance(1);
        assert_eq!(world.get("/inbox").cookie(&anns).await.status, 200);
        assert_eq!(seen().await, "2024-03-15T10:35:00Z");
    }

    async fn somebody_is_invited_and_chooses_a_password(world: World) {
        let (_, session) = owner(&world).await;
        assert!(page(&world, "/people/new", &session).await.contains("value=\"member\" checked"));
        let fields = [("name", " Ann <b> "), ("email", "Ann@Example.com"), ("role", "owner")];
        let made = post(&world, &session, "/people/new", &fields).await;
        assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
        let first = link(&made);
        assert!(first.starts_with("/reset/") && !made.page().contains("<b>"), "{first}");
        assert!(!page(&world, "/people", &session).await.contains("/reset/"));

        let again = link(&post(&world, &session, "/people/new", &[("name", "Ann"), ("email", "ann@example.com"), ("role", "member")]).await);
        assert_eq!(world.get(&first).await.status, 404, "a later link takes the place of the one before");
        world.clock.advance(7 * 24 * 3600 - 1);
        let welcome = world.get(&again).await;
        assert!(welcome.status == 200 && welcome.page().contains("Welcome, Ann") && welcome.page().contains("ann@example.com"));
        assert_eq!(location(&world.post(&again).form(&[("password", PASSWORD)]).await), "/sign-in?notice=password-set");
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 200);
        let (accounts, events) = state(&world).await;
        assert_eq!(accounts[0], ("Ann".into(), "member".into(), "active".into()), "as in the last invitation");
        assert_eq!(events[1..], ["account.invited", "account.reset_link_created", "account.invited", "account.reset_link_created", "account.password_changed", "account.signed_in"]);
        let taken = post(&world, &session, "/people/new", &fields).await;
        assert!(taken.status == 409 && taken.page().contains("An account with this e-mail exists already") && link(&taken).is_empty());
    }

    async fn an_invitation_runs_out_after_a_week_and_can_be_made_anew(world: World) {
        let (_, session) = owner(&world).await;
        let fields = [("name", "Ann"), ("email", "ann@example.com"), ("role", "member")];
        let old = link(&post(&world, &session, "/people/new", &fields).await);
        world.clock.advance(7 * 24 * 3600);
        assert_eq!((world.get(&old).await.status, world.post(&old).form(&[("password", PASSWORD)]).await.status), (404, 404));
        let ann = accounts::by_email(&world.app, &Email::parse("ann@example.com").unwrap()).await.unwrap();
        let fresh = link(&post(&world, &session, &format!("/people/{}/link", ann.id), &[]).await);
        assert_eq!(world.post(&fresh).form(&[("password", PASSWORD)]).await.status, 303);
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 200);
    }

    async fn an_invitation_is_listed_and_taken_back(world: World) {
        let asker = world.asker().await;
        let (olga, session) = owner(&world).await;
        let fields = [("name", "Ann"), ("email", "ann@example.com"), ("role", "owner")];
        let link = link(&post(&world, &session, "/people/new", &fields).await);
        let guest = world.invite(&asker.key, &asker.loop_id, "guest@example.com").await;
        world.clock.advance(3600);
        let listed = page(&world, "/people", &session).await;
        let (_, section) = listed.split_once("id=\"invitations\"").unwrap();
        let section = section.split("</section>").next().unwrap();
        for part in ["<span class=\"count\">2</span>", "<strong>Ann</strong>", "ann@example.com", ">owner</span>", ">1 h ago</time>", ">6 days left</time>", "guest@example.com", "to 1 loop"] {
            assert!(section.contains(part), "{part}: {section}");
        }
        assert!(!page(&world, "/people?status=inactive", &session).await.contains("id=\"invitations\""), "only before all");

        let ann = accounts::by_email(&world.app, &Email::parse("ann@example.com").unwrap()).await.unwrap().id;
        for (id, name) in [(ann.to_string(), "ann"), (guest.clone(), "guest")] {
            assert!(section.contains(&format!("action=\"/people/{id}/withdraw\"")));
            let done = post(&world, &session, &format!("/people/{id}/withdraw"), &[]).await;
            assert_eq!(location(&done), "/people?notice=invitation-withdrawn");
            assert!(accounts::by_email(&world.app, &Email::parse(&format!("{name}@example.com")).unwrap()).await.is_err());
        }
        post(&world, &session, &format!("/people/{ann}/withdraw"), &[]).await; // once more changes nothing
        assert_eq!((world.get(&link).await.status, world.post(&link).form(&[("password", PASSWORD)]).await.status), (404, 404));
        assert!(!page(&world, "/people", &session).await.contains("id=\"invitations\""));
        let members = world.get(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).await;
        assert_eq!(members.at("data.members").as_array().unwrap().len(), 1, "{}", members.body);
        let (_, events) = state(&world).await;
        assert_eq!(events.iter().filter(|name| *name == "account.invitation_withdrawn").count(), 2);
        let left = (&world.app.store).sql("select name from events where name = 'loop.member_left'");
        let left: Vec<(String,)> = left.all().await.unwrap();
        assert_eq!(left.len(), 1, "whose loop it is hears of it");
        let log = page(&world, "/audit", &session).await;
        assert!(log.contains("took back the invitation of ann@example.com"), "{log}");

        let refused = post(&world, &session, &format!("/people/{}/withdraw", asker.owner.id), &[]).await;
        assert!(refused.status == 409 && refused.page().contains("was taken up already"), "{}", refused.page());
        assert_eq!(post(&world, &asker.session, &format!("/people/{}/withdraw", olga.id), &[]).await.status, 404);
        let again = post(&world, &session, "/people/new", &fields).await;
        assert_eq!(again.status, 201, "the address is free again");
    }

    async fn whoever_takes_an_invited_address_by_a_code_is_no_owner(world: World) {
        let asker = world.asker().await;
        let (_, session) = owner(&world).await;
        post(&world, &session, "/people/new", &[("name", "Ann"), ("email", "ann@example.com"), ("role", "owner")]).await;
        world.sign_up_with(&asker.code, "ann@example.com").await.accepted(201, "Account created");
        let (accounts, _) = state(&world).await;
        assert_eq!(accounts[0], ("Ann".into(), "member".into(), "active".into()));
    }

    async fn what_does_not_do_is_said_and_invites_nobody(world: World) {
        let (_, session) = owner(&world).await;
        let before = state(&world).await;
        for (fields, problem) in [
            ([("name", " "), ("email", "a@example.com"), ("role", "member")], "id=\"name-error\">Name must be between"),
            ([("name", "Kept \"here\""), ("email", "nobody"), ("role", "owner")], "id=\"email-error\">Email must be a valid"),
            ([("name", "Ann"), ("email", "a@example.com"), ("role", "king")], "id=\"role-error\">Role must be one of"),
        ] {
            let refused = post(&world, &session, "/people/new", &fields).await;
            let page = refused.page();
            assert!(refused.status == 400 && page.contains(problem) && page.contains(&fields[1].1.replace('"', "&#34;")), "{page}");
        }
        assert_eq!(state(&world).await, before);
    }

    async fn a_creator_makes_loops_and_keys_and_does_not_administer(world: World) {
        let (_, session) = made(&world, "Olga", Role::Owner).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        for path in ["/loops/new", "/keys/new", "/requests"] {
            assert_eq!(world.get(path).cookie(&anns).await.status, 404, "{path}");
        }
        let changed = post(&world, &session, &format!("/people/{}/role", ann.id), &[("role", "creator")]).await;
        assert_eq!(location(&changed), format!("/people/{}?notice=role-changed", ann.id));
        for path in ["/loops/new", "/keys/new", "/requests"] {
            assert_eq!(world.get(path).cookie(&anns).await.status, 200, "{path}");
        }
        for path in ["/people", "/audit"] {
            assert_eq!(world.get(path).cookie(&anns).await.status, 404, "{path}");
        }
        let shown = page(&world, &format!("/people/{}", ann.id), &session).await;
        assert!(shown.contains("value=\"creator\" checked"), "{shown}");
        assert!(page(&world, "/audit?event=account.role_changed", &session).await.contains("a creator"));
    }

    async fn a_role_is_changed_and_the_last_owner_stays(world: World) {
        let (olga, session) = owner(&world).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        let role = |who: &Account, role: &'static str| (format!("/people/{}/role", who.id), [("role", role)]);
        let before = state(&world).await;
        let (path, fields) = role(&olga, "member");
        let last = post(&world, &session, &path, &fields).await;
        assert!(last.status == 409 && last.page().contains("You are the last owner"), "{}", last.page());
        let (path, fields) = role(&ann, "king");
        assert_eq!(post(&world, &session, &path, &fields).await.status, 400);
        assert_eq!(state(&world).await, before);

        assert_eq!(world.get("/people").cookie(&anns).await.status, 404);
        let (path, fields) = role(&ann, "owner");
        assert_eq!(location(&post(&world, &session, &path, &fields).await), format!("/people/{}?notice=role-changed", ann.id));
        assert_eq!(world.get("/people").cookie(&anns).await.status, 200, "from now on");
        post(&world, &session, &path, &fields).await; // once more changes nothing
        let (path, fields) = role(&olga, "member");
        assert_eq!(location(&post(&world, &session, &path, &fields).await), "/account?notice=role-changed");
        assert_eq!(world.get("/people").cookie(&session).await.status, 404);
        let (_, events) = state(&world).await;
        assert_eq!(events.iter().filter(|name| *name == "account.role_changed").count(), 2);
    }

    async fn a_suspended_owner_does_not_count_as_one(world: World) {
        let (olga, session) = owner(&world).await;
        let (ann, _) = made(&world, "Ann", Role::Owner).await;
        assert_eq!(post(&world, &session, &format!("/people/{}/suspend", ann.id), &[]).await.status, 303);
        assert_eq!(post(&world, &session, &format!("/people/{}/role", olga.id), &[("role", "member")]).await.status, 409);
    }

    async fn contract_16_7_suspending_ends_sessions_at_once_and_is_undone(world: World) {
        let asker = world.asker().await;
        let (olga, session) = owner(&world).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        world.join(&anns, &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        world.act(&anns, &request, "claim").await.accepted(200, "Request claimed");
        let path = format!("/people/{}", ann.id);
        assert!(page(&world, &format!("{path}/suspend"), &session).await.contains("Suspend Ann?"));
        assert_eq!(location(&post(&world, &session, &format!("{path}/suspend"), &[]).await), format!("{path}?notice=person-suspended"));
        assert!(!is_signed_in(&world, &anns).await && world.sign_in_with("ann@example.com", PASSWORD).await.status == 401);
        assert_eq!(world.request(&asker.key, &request).await.text("data.request.status"), "pending");
        let shown = page(&world, &path, &session).await;
        assert!(shown.contains("status-suspended") && shown.contains("Let them in again") && shown.contains("Nowhere at the moment"), "{shown}");
        assert_eq!(location(&post(&world, &session, &format!("{path}/activate"), &[]).await), format!("{path}?notice=person-activated"));
        assert_eq!(world.sign_in_with("ann@example.com", PASSWORD).await.status, 200);

        let before = state(&world).await;
        let oneself = post(&world, &session, &format!("/people/{}/suspend", olga.id), &[]).await;
        assert!(oneself.status == 409 && oneself.page().contains("You cannot suspend yourself"));
        let invited = world.invite(&asker.key, &asker.loop_id, "new@example.com").await;
        assert_eq!(post(&world, &session, &format!("/people/{invited}/suspend"), &[]).await.status, 400);
        assert_eq!(post(&world, &session, &format!("/people/{invited}/activate"), &[]).await.status, 400);
        assert_eq!(state(&world).await.1, before.1);
    }

    async fn somebody_s_sessions_are_listed_and_ended(world: World) {
        let (_, session) = owner(&world).await;
        let (ann, first) = made(&world, "Ann", Role::Member).await;
        let (second, third) = (world.sign_in(&ann).await, world.sign_in(&ann).await);
        let (bob, bobs) = made(&world, "Bob", Role::Member).await;
        let path = format!("/people/{}", ann.id);
        let shown = page(&world, &path, &session).await;
        let end = shown.split(&format!("action=\"{path}/sessions/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_eq!(shown.matches(&format!("action=\"{path}/sessions/")).count(), 4, "three and all");
        post(&world, &session, &format!("/people/{}/sessions/{end}", bob.id), &[]).await;
        let standing = async || [is_signed_in(&world, &first).await, is_signed_in(&world, &second).await, is_signed_in(&world, &third).await].iter().filter(|it| **it).count();
        assert_eq!(standing().await, 3, "not through somebody else");
        assert_eq!(location(&post(&world, &session, &format!("{path}/sessions/{end}"), &[]).await), format!("{path}?notice=their-session-ended"));
        assert_eq!(standing().await, 2);
        assert_eq!(location(&post(&world, &session, &format!("{path}/sessions/end"), &[]).await), format!("{path}?notice=their-sessions-ended"));
        assert!(standing().await == 0 && is_signed_in(&world, &bobs).await && is_signed_in(&world, &session).await);
        post(&world, &session, &format!("{path}/sessions/end"), &[]).await; // nothing is left to end, and nothing is recorded
        let (_, events) = state(&world).await;
        assert_eq!(events.iter().filter(|name| *name == "account.sessions_ended").count(), 2);
    }

    async fn a_link_to_a_new_password_is_shown_once(world: World) {
        let (_, session) = owner(&world).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        let path = format!("/people/{}", ann.id);
        let made = post(&world, &session, &format!("{path}/link"), &[]).await;
        let reset = link(&made);
        assert!(made.status == 201 && reset.starts_with("/reset/") && made.page().contains("data-copy=\"link\""));
        assert!(!page(&world, &path, &session).await.contains("/reset/") && is_signed_in(&world, &anns).await);
        let kept: Vec<(Json,)> = (&world.app.store).sql("select data from events").all().await.unwrap();
        assert!(kept.iter().all(|(data,)| !data.text().contains(&reset["/reset/".len()..])), "the record holds no link");
        assert_eq!(location(&world.post(&reset).form(&[("password", "a better secret")]).await), "/sign-in?notice=password-set");
        assert!(!is_signed_in(&world, &anns).await);
    }

    async fn of_owners_who_put_each_other_out_at_once_one_stays(world: World) {
        for act in ["role", "suspend"] {
            let mut owners = Vec::new();
            for index in 0..4 {
                owners.push(made(&world, &format!("{act}{index}"), Role::Owner).await);
            }
            let mut calls = tokio::task::JoinSet::new();
            for (_, session) in &owners {
                for (other, _) in &owners {
                    let (world, session, id) = (world.clone(), session.clone(), other.id);
                    calls.spawn(async move { post(&world, &session, &format!("/people/{id}/{act}"), &[("role", "member")]).await.status });
                }
            }
            let statuses = calls.join_all().await;
            assert!(statuses.iter().all(|status| [303, 404, 409].contains(status)), "{statuses:?}");
            let sql = (&world.app.store).sql("select name from accounts where role = 'owner' and status = 'active' and name like $1");
            let left: Vec<(String,)> = sql.bind(format!("{act}%")).all().await.unwrap();
            assert_eq!(left.len(), 1, "{act}: {left:?} of {statuses:?}");
        }
    }

    async fn design_7_whoever_does_not_own_the_server_sees_none_of_it(world: World) {
        let asker = world.asker().await;
        let (olga, _) = owner(&world).await;
        let (ann, anns) = made(&world, "Ann", Role::Member).await;
        let before = state(&world).await;
        for session in [&asker.session, &anns] {
            for path in ["/people".to_owned(), "/people/new".into(), format!("/people/{}", ann.id), format!("/people/{}", olga.id), format!("/people/{}/suspend", olga.id)] {
                assert_eq!(world.get(&path).cookie(session).await.status, 404, "{path}");
            }
            for path in ["role", "suspend", "activate", "link", "sessions/end", "sessions/65f1234567890abcdef12345/end"] {
                assert_eq!(post(&world, session, &format!("/people/{}/{path}", olga.id), &[("role", "member")]).await.status, 404, "{path}");
                assert_eq!(post(&world, session, &format!("/people/{}/{path}", ann.id), &[("role", "owner")]).await.status, 404, "{path}");
            }
            assert_eq!(post(&world, session, "/people/new", &[("name", "Eve"), ("email", "eve@example.com"), ("role", "owner")]).await.status, 404);
            assert!(!page(&world, "/menu", session).await.contains("/people"));
        }
        assert_eq!(state(&world).await, before);
    }
}
