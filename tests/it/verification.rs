//! The documented ways to verify a delivery, and the published libraries, verify real ones (quality A11, contract 12.5).

use crate::{
    asking::respond,
    harness::{on_both, question_with},
    hooking::{deliver, hook, rename, subscriber},
    outside::{node, python, told},
    receiver::{Received, Receiver, reaching_loopback},
    snippets::blocks,
};
use hitl_server::domain::Timestamp;
use serde_json::{Map, Value, json};

/// Runs a snippet's functions over what came: for each, whether each function says that it is genuine.
const PYTHON: &str = "
import json, sys
class Headers(dict):
    def get(self, name, default=None): return dict.get(self, name.lower(), default)
    def __getitem__(self, name): return dict.__getitem__(self, name.lower())
def library(body, headers, secret):
    from standardwebhooks import Webhook, WebhookVerificationError
    try: Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError: return False
    return True
said = []
for case in json.load(sys.stdin):
    arguments = (case['body'].encode(), Headers(case['headers']), case['secret'])
    said.append([verify_hitl(*arguments), verify_standard(*arguments), library(*arguments)])
print(json.dumps(said))
";
const JAVASCRIPT: &str = "
import { readFileSync } from 'node:fs';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
function library(body, headers, secret) {
  try { new Webhook(secret).verify(body, headers); } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
  return true;
}
const said = JSON.parse(readFileSync(0, 'utf8')).map(({ body, headers, secret }) =>
  [verifyHitl(body, headers, secret), verifyStandard(body, headers, secret), library(body, headers, secret)]);
console.log(JSON.stringify(said));
";

/// The code of `docs/webhooks.md` in a language: the first block of it.
fn snippet(language: &str) -> String {
    let mut blocks = blocks("docs/webhooks.md").into_iter();
    blocks.find(|block| block.language == language).expect("the page verifies").text
}

fn said_by_python(cases: &Value) -> Value {
    let mut command = python();
    command.args(["-c", &format!("{}{PYTHON}", snippet("python"))]);
    serde_json::from_str(&told(command, &cases.to_string())).unwrap()
}

fn said_by_javascript(cases: &Value) -> Value {
    let mut command = node();
    command.args(["--input-type=module", "-e", &format!("{}{JAVASCRIPT}", snippet("js"))]);
    serde_json::from_str(&told(command, &cases.to_string())).unwrap()
}

/// What came, with a secret to verify it by, after a change.
fn case(it: &Received, secret: &str, change: impl FnOnce(&mut Value)) -> Value {
    let headers: Map<_, _> =
        it.headers.keys().map(|name| (name.to_string(), json!(it.header(name.as_str())))).collect();
    let mut case = json!({"body": it.body, "headers": headers, "secret": secret});
    change(&mut case);
    case
}

/// The published libraries refuse what is older than five minutes: this test stands at the present.
#[expect(clippy::disallowed_methods, reason = "other languages have no stopped clock")]
fn present() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs().try_into().unwrap())
}

on_both! {
    async fn a11_the_documented_snippets_and_published_libraries_verify_real_deliveries(world: World) {
        world.clock.set(present());
        let (asker, receiver) = (subscriber(&world).await, Receiver::start().await);
        let sending = reaching_loopback(&world);
        let made = crate::hooking::register(&world, &asker.key, &json!({"url": receiver.url("/hook"), "events": ["loop.updated"]})).await;
        let (id, secret) = (made.text("data.id"), made.text("data.secret"));
        rename(&world, &asker, "Grüße 🎉 <&> \u{2028}").await;
        deliver(&sending).await;
        let hooked = receiver.only();

        let account = world.get("/v1/api/webhooks/signing-secret").key(&asker.key).await.text("data.secret");
        let request = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/callback")}))).await;
        respond(&world, &asker.session, &request, &json!("approve")).await.accepted(200, "Response submitted");
        deliver(&sending).await;
        let called_back = receiver.only();

        let rotated = world.post(&crate::hooking::at(&id, "/rotate-secret")).key(&asker.key).await.text("data.secret");
        rename(&world, &asker, "After the rotation").await;
        deliver(&sending).await;
        let after = receiver.only();

        let own = "bXkgb3duIHNlY3JldA==";
        hook(&world, &asker, &json!({"url": receiver.url("/own"), "events": ["loop.updated"], "secret": own})).await;
        rename(&world, &asker, "Own").await;
        deliver(&sending).await;
        let with_own = receiver.take().into_iter().find(|it| it.path == "/own").unwrap();

        let stale = |case: &mut Value| case["headers"]["webhook-timestamp"] = json!((present().seconds() - 3600).to_string());
        let tampered = |case: &mut Value| case["body"] = json!(case["body"].as_str().unwrap().replace("approve", "approved"));
        let cases = json!([
            case(&hooked, &secret, |_| {}),
            case(&called_back, &account, |_| {}),
            case(&after, &rotated, |_| {}),
            case(&after, &secret, |_| {}),
            case(&with_own, own, |_| {}),
            case(&hooked, &rotated, |_| {}),
            case(&called_back, &account, tampered),
            case(&hooked, &secret, stale),
        ]);
        let (all, none) = (json!([true, true, true]), json!([false, false, false]));
        let by_the_old_one = json!([false, true, true]);
        let stale = json!([true, false, false]);
        let expected = json!([all, all, all, by_the_old_one, all, none, none, stale]);
        assert_eq!(said_by_python(&cases), expected, "Python");
        assert_eq!(said_by_javascript(&cases), expected, "JavaScript");
    }
}
