//! Joining a loop by its code, typed or in a link, with an account or by making one (contract 11.3, 11.4).

use super::{
    extract::{Address, Captured, Form, UserAgent},
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::Visitor,
    pages::{PageError, again, message, see_other, shown, signed_in},
};
use crate::{
    app::App,
    domain::{Loop, loops::typed_code},
    service::{Error, members, sessions, sessions::Opened, sign_ups},
    store::sessions::SignedIn as Who,
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use std::net::IpAddr;

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    form: Filled,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    shell: Shell,
    code: String,
    it: Loop,
    form: Filled,
}

impl JoinPage {
    fn signs_in(&self) -> bool {
        self.form.value("mode") == "sign_in"
    }
}

/// The place to type a code.
pub async fn code(visitor: Visitor) -> Response {
    shown(&CodePage { shell: visitor.shell(Section::Loops), form: Filled::default() })
}

/// On to the invitation with that code.
pub async fn find(visitor: Visitor, State(app): State<App>, Address(address): Address, form: Form) -> Response {
    let code = typed_code(form.text("code"));
    match members::invited_to(&app, address, visitor.account_id(), &code).await {
        Ok(it) => see_other(&format!("/join/{}", it.invite_code), None),
        Err(error) => {
            let form = Filled::refused_at("code", form, &error);
            again(&error, &CodePage { shell: visitor.shell(Section::Loops), form })
        }
    }
}

/// The invitation to a loop.
pub async fn invitation(
    visitor: Visitor,
    State(app): State<App>,
    Address(address): Address,
    Captured(code): Captured,
) -> Result<Response, PageError> {
    let code = typed_code(&code);
    let it = members::invited_to(&app, address, visitor.account_id(), &code).await?;
    Ok(shown(&JoinPage { shell: visitor.shell(Section::Loops), code, it, form: Filled::default() }))
}

/// Joins the loop: as whoever is signed in, with an account, or with a new one.
pub async fn join(
    visitor: Visitor,
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    Captured(code): Captured,
    form: Form,
) -> Result<Response, PageError> {
    let code = typed_code(&code);
    let it = members::invited_to(&app, address, visitor.account_id(), &code).await?;
    if let Some(who) = visitor.who.as_ref().filter(|_| form.text("mode").is_empty()) {
        return join_as(&app, who, &code).await;
    }
    if form.text("mode").is_empty() {
        return Ok(see_other(&format!("/sign-in?next=/join/{code}"), None)); // the session has ended meanwhile
    }
    Ok(match join_by(&app, address, &code, &form, agent.as_deref()).await {
        Ok(opened) => {
            let title = format!("You are in {}", it.name);
            let text = "Requests of this loop are put before you from now on. You can be told when one comes, on this phone \
                        or computer or by other ways.";
            let links = [("/inbox", "To the inbox"), ("/account/notifications", "Be told of requests")];
            signed_in(&app, &opened, message(StatusCode::OK, &title, text, &links))
        }
        Err(error) => {
            let form = Filled::refused(form, &error);
            again(&error, &JoinPage { shell: visitor.shell(Section::Loops), code, it, form })
        }
    })
}

async fn join_as(app: &App, who: &Who, code: &str) -> Result<Response, PageError> {
    entered(members::join(app, who.account_id, code).await)?;
    Ok(see_other(&Section::Inbox.href(), Notice::Joined))
}

async fn join_by(app: &App, address: IpAddr, code: &str, form: &Form, agent: Option<&str>) -> Result<Opened, Error> {
    let (email, password) = (form.text("email"), form.exact("password"));
    if form.text("mode") == "sign_in" {
        let opened = sessions::open(app, address, email, password, agent).await?;
        entered(members::join(app, opened.account.id, code).await)?;
        return Ok(opened);
    }
    let form = sign_ups::SignUp { code, email, name: form.text("name"), password };
    sign_ups::sign_up(app, address, form, agent).await.map(|it| it.opened)
}

/// Whoever is in already may come in again.
fn entered(joined: Result<Loop, Error>) -> Result<(), Error> {
    match joined {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
