//! Loops and their members: what they are and what may be asked of them (contract 5.1, 6 and 11).

use super::{Account, AccountStatus, Email, Id, Invalid, Object, Timestamp, object::longer_than, words::words};

/// A group of people who answer requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// Its identifier.
    pub id: Id<Loop>,
    /// The account that made it, and administers it.
    pub creator_id: Id<Account>,
    /// 1 to 100 code points.
    pub name: String,
    /// At most 500 code points; empty when unset.
    pub description: String,
    /// At most 100 code points: a known name or any text.
    pub icon: String,
    /// What people join with.
    pub invite_code: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or its membership last changed.
    pub updated_at: Timestamp,
}

words! {
    /// A member's part in a loop (contract 11.5).
    pub enum MemberRole {
        /// The creator.
        Admin = "admin",
        /// Everybody else.
        Member = "member",
    }
}

words! {
    /// Whether an invitation was taken up (contract 11.6).
    pub enum MemberStatus {
        /// Joined.
        Active = "active",
        /// Invited by e-mail, not joined yet.
        Pending = "pending",
    }
}

/// A person in a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The loop.
    pub loop_id: Id<Loop>,
    /// The person.
    pub account_id: Id<Account>,
    /// The person's address.
    pub email: Email,
    /// The person's name.
    pub name: String,
    /// Whether the person's account may act.
    pub account_status: AccountStatus,
    /// The person's part.
    pub role: MemberRole,
    /// Whether the person has joined.
    pub status: MemberStatus,
    /// When the person was invited, or joined without being.
    pub invited_at: Timestamp,
    /// When the person joined.
    pub joined_at: Option<Timestamp>,
    /// When the person last did something in this loop.
    pub last_active: Option<Timestamp>,
}

/// How long an invitation by e-mail stands (contract 11.2).
pub const INVITATION_SECONDS: i64 = 7 * 24 * 3600;

/// The icon of a loop that was made without one (contract 5.1).
pub const DEFAULT_ICON: &str = "shield-check";

/// The icons that have a drawing (contract 6.2); any other text is shown as it is.
pub const ICONS: [&str; 30] = [
    "shield-check",
    "shield-alt",
    "shield-exclamation",
    "lock",
    "key",
    "document-text",
    "document-check",
    "file-text",
    "clipboard",
    "edit",
    "eye",
    "search",
    "thumbs-up",
    "thumbs-down",
    "star",
    "badge-check",
    "certificate",
    "award",
    "beaker",
    "cog",
    "chat",
    "comment",
    "bell",
    "megaphone",
    "mail",
    "folder",
    "tag",
    "flag",
    "bookmark",
    "heart",
];

/// What a new loop is to be (contract 6.2).
#[derive(Clone, Debug, PartialEq)]
pub struct NewLoop {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its icon; without one the answer's status differs (6.2).
    pub icon: Option<String>,
}

impl NewLoop {
    /// Reads the body of a creation.
    pub fn parse(sent: &Object) -> Result<Self, Invalid> {
        let name = sent.trimmed("name")?.ok_or_else(|| Invalid::with("Loop name is required", "name is required"))?;
        Ok(Self { name: checked_name(name)?, description: description(sent)?.unwrap_or_default(), icon: icon(sent)? })
    }
}

/// What of a loop is to change (contract 6.5).
#[derive(Clone, Debug, PartialEq)]
pub struct LoopChange {
    /// The new name.
    pub name: Option<String>,
    /// The new description; empty clears it.
    pub description: Option<String>,
    /// The new icon.
    pub icon: Option<String>,
}

impl LoopChange {
    /// Reads the body of an update: at least one known field.
    pub fn parse(sent: &Object) -> Result<Self, Invalid> {
        let change = Self {
            name: sent.text("name")?.map(|name| checked_name(name.trim())).transpose()?,
            description: description(sent)?,
            icon: icon(sent)?,
        };
        if change.name.is_none() && change.description.is_none() && change.icon.is_none() {
            return Err(Invalid::new("At least one field must be provided for update"));
        }
        Ok(change)
    }
}

fn checked_name(name: &str) -> Result<String, Invalid> {
    if name.is_empty() || longer_than(name, 100) {
        return Err(Invalid::failed("name must be between 1 and 100 characters"));
    }
    Ok(name.to_owned())
}

fn description(sent: &Object) -> Result<Option<String>, Invalid> {
    limited(sent, "description", 500)
}

/// An empty icon is the default one: a loop always shows something.
fn icon(sent: &Object) -> Result<Option<String>, Invalid> {
    let icon = limited(sent, "icon", 100)?;
    Ok(icon.map(|icon| if icon.is_empty() { DEFAULT_ICON.to_owned() } else { icon }))
}

fn limited(sent: &Object, name: &str, most: usize) -> Result<Option<String>, Invalid> {
    let text = sent.text(name)?.map(str::trim);
    match text {
        Some(text) if longer_than(text, most) => {
            Err(Invalid::failed(format!("{name} must be at most {most} characters")))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// Characters of an invite code: none that are mistaken for another (contract 11.1).
const CODE_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A fresh invite code of 9 characters: 45 bits of chance.
pub fn invite_code(random: [u8; 9]) -> String {
    random.iter().map(|byte| char::from(CODE_ALPHABET[usize::from(byte % 32)])).collect()
}

/// An invite code as a person typed it: any case, with spaces or dashes. What is in no code, and could not be looked up, goes too.
pub fn typed_code(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '-')
        .take(32)
        .collect::<String>()
        .to_uppercase()
}

/// An invitation by e-mail (contract 6.9).
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// Who is invited.
    pub email: Email,
    /// What to call them until they say.
    pub name: String,
}

impl Invitation {
    /// Reads the body of an invitation.
    pub fn parse(sent: &Object) -> Result<Self, Invalid> {
        let email = Email::parse(sent.trimmed("email")?.ok_or_else(|| Invalid::required("email"))?)?;
        let name = match sent.trimmed("name")? {
            Some(name) => super::accounts::check_name(name)?,
            None => email.user().chars().take(100).collect(),
        };
        if sent.text("role")?.is_some_and(|role| role != "member") {
            return Err(Invalid::one_of("role", &["member"]));
        }
        Ok(Self { email, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sent(value: &Value) -> Object {
        Object::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_new_loop_needs_a_name() {
        let refused = |value| NewLoop::parse(&sent(&value)).unwrap_err();
        assert_eq!(refused(json!({})), Invalid::with("Loop name is required", "name is required"));
        assert_eq!(refused(json!({"name": " "})), Invalid::with("Loop name is required", "name is required"));
        assert_eq!(
            refused(json!({"name": "x".repeat(101)})),
            Invalid::failed("name must be between 1 and 100 characters")
        );
        assert_eq!(
            refused(json!({"name": "x", "description": "x".repeat(501)})),
            Invalid::failed("description must be at most 500 characters")
        );
        assert_eq!(
            refused(json!({"name": "x", "icon": "x".repeat(101)})),
            Invalid::failed("icon must be at most 100 characters")
        );
        assert_eq!(refused(json!({"name": 7})), Invalid::field("name", "must be a string"));
    }

    #[test]
    fn an_update_changes_at_least_one_known_field() {
        let parse = |value| LoopChange::parse(&sent(&value));
        assert_eq!(
            parse(json!({"colour": "red"})),
            Err(Invalid::new("At least one field must be provided for update"))
        );
        assert_eq!(parse(json!({"name": ""})), Err(Invalid::failed("name must be between 1 and 100 characters")));
        assert_eq!(parse(json!({"description": ""})).unwrap().description.as_deref(), Some(""));
    }

    #[test]
    fn invite_codes_are_forgiving_to_type() {
        let code = invite_code([0, 31, 32, 255, 5, 6, 7, 8, 9]);
        assert_eq!(code, "A9A9FGHJK");
        assert_eq!(typed_code(" a9a-9fg hjk\n"), code);
    }
}
