//! What a caller sent comes back byte for byte (contract 5.2, 7.1.3, 9.1, 9.9.4).

use crate::{
    asking::{path, respond},
    harness::{World, on_both},
};

/// Odd in every way that JSON allows: key order, `1.0` beside `1`, large numbers, letters of all kinds, markup.
const ODD: &str = concat!(
    r#"{"z":1,"a":1.0,"m":[0.1,-2.50e-3,9007199254740993,18446744073709551615,1e100],"":null,"#,
    r#""é":"日本 🎉 \"\\\n\t","<b>":"</script>'--","deep":{"b":{},"a":[[],{}]},"yes":true}"#
);

/// The same after one reading and writing: numbers that a double holds are written as it writes them.
fn odd() -> String {
    ODD.replace("-2.50e-3", "-0.0025").replace("1e100", "1e+100")
}

async fn asserts_echo(world: &World, key: &str, id: &str, loop_id: &str, members: &[String]) {
    let list = format!("/v1/api/loops/{loop_id}/requests");
    for path in [path(id), "/v1/api/requests".to_owned(), list] {
        let answer = world.get(&path).key(key).await;
        let text = String::from_utf8(answer.bytes).unwrap();
        for member in members {
            assert!(text.contains(member), "{member}\nis not in\n{text}");
        }
    }
}

on_both! {
    async fn contract_5_2_json_is_echoed_as_sent(world: World) {
        let asker = world.asker().await;
        let config = format!(
            r#"{{"zeta":{ODD},"prompt":"","options":[{{"label":"Ja","x":1.0,"value":"ja"}},"Nein"],"min":1.0}}"#
        );
        let default = format!(r#"{{"selected_label":"Ja","selected_value":"ja","more":{ODD}}}"#);
        let body = format!(
            r#"{{"type":"markdown","timeout_seconds":3600,"request_text":"日本 <b>🎉</b>","response_type":"single_select",
            "response_config":{config},"default_response":{default},"context":{ODD},
            "tags":[{ODD},"a"],"metadata":{ODD}}}"#
        );
        let loop_path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        let made = world.post(&loop_path).key(&asker.key).raw(body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let (id, odd) = (made.text("data.id"), odd());
        let members = [
            format!(r#""response_config":{}"#, config.replace(ODD, &odd)),
            format!(r#""default_response":{}"#, default.replace(ODD, &odd)),
            format!(r#""context":{odd}"#),
            format!(r#""tags":[{odd},"a"]"#),
            format!(r#""metadata":{odd}"#),
            r#""request_text":"日本 <b>🎉</b>""#.to_owned(),
        ];
        asserts_echo(&world, &asker.key, &id, &asker.loop_id, &members).await;
        respond(&world, &asker.session, &id, &serde_json::json!("ja")).await.accepted(200, "Response submitted");
        asserts_echo(&world, &asker.key, &id, &asker.loop_id, &members).await;
    }

    async fn contract_9_9_4_a_default_is_echoed_in_the_dialect_it_came_in(world: World) {
        let asker = world.asker().await;
        for (kind, config, default) in [
            ("text", "{}", r#""""#),
            ("single_select", r#"{"options":["Yes","No"]}"#, r#""YES""#),
            ("multi_select", r#"{"options":["Yes","No"]}"#, r#"["no","no"]"#),
            ("multi_select", r#"{"options":["Yes","No"]}"#, r#""""#),
            ("rating", r#"{"max":5.0}"#, r#""3""#),
            ("rating", r#"{"max":5}"#, "3.0"),
            ("number", "{}", r#"{"number":1.50,"formatted_value":"x"}"#),
            ("boolean", "{}", "0"),
            ("boolean", "{}", r#"{"boolean":false}"#),
        ] {
            let body = format!(
                r#"{{"type":"markdown","timeout_seconds":3600,"request_text":"Fine?","response_type":"{kind}",
                "response_config":{config},"default_response":{default}}}"#
            );
            let made = world.post(&format!("/v1/api/loops/{}/requests", asker.loop_id)).key(&asker.key).raw(body).await;
            assert_eq!(made.status, 201, "{}", made.body);
            let id = made.text("data.id");
            let echoed = format!(r#""default_response":{}"#, default.replace("1.50", "1.5"));
            let shown = String::from_utf8(world.get(&path(&id)).key(&asker.key).await.bytes).unwrap();
            assert_eq!(shown.matches(&echoed).count(), 2, "{echoed} in the request and beside it: {shown}");
            assert!(shown.contains(&format!(r#""response_config":{config}"#)), "{shown}");
        }
    }
}
