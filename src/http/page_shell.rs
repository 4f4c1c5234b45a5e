//! What is around every page: who is signed in, where one is, where one can go, and what was just done.

use super::page_notices::Notice;
use crate::{
    domain::{
        Role, Timestamp,
        words::{Word, words},
    },
    store::sessions::SignedIn,
};

words! {
    /// The parts of the site, each named as its address and its icon.
    pub enum Section {
        /// What waits for an answer.
        Inbox = "inbox",
        /// What one has answered.
        History = "history",
        /// One's loops.
        Loops = "loops",
        /// How one's loops do.
        Overview = "overview",
        /// Everything that was asked.
        Requests = "requests",
        /// Who is told of what happens.
        Webhooks = "webhooks",
        /// What programs ask with.
        Keys = "keys",
        /// Everybody on the server.
        People = "people",
        /// What anybody did.
        Audit = "audit",
        /// Oneself.
        Account = "account",
        /// All parts, for small screens.
        Menu = "menu",
    }
}

/// For everybody who is signed in.
const WORK: [Section; 3] = [Section::Inbox, Section::History, Section::Loops];
/// For those whose programs ask.
const ASKING: [Section; 4] = [Section::Overview, Section::Requests, Section::Webhooks, Section::Keys];
/// For those who own the server.
const OWNING: [Section; 2] = [Section::People, Section::Audit];

impl Section {
    /// What it is called.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::History => "History",
            Self::Loops => "Loops",
            Self::Overview => "Overview",
            Self::Requests => "Requests",
            Self::Webhooks => "Webhooks",
            Self::Keys => "Keys",
            Self::People => "People",
            Self::Audit => "Audit log",
            Self::Account => "Account",
            Self::Menu => "More",
        }
    }

    /// Where it is.
    pub fn href(self) -> String {
        format!("/{}", self.as_str())
    }
}

/// What `base.html` shows around a page. The default is that of a page for nobody in particular.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// Who is signed in.
    pub who: Option<SignedIn>,
    /// Where one is.
    pub section: Option<Section>,
    /// What was just done.
    pub notice: Option<Notice>,
    /// The time on the server, which ages and countdowns on the page are reckoned by.
    pub now: Option<Timestamp>,
}

impl Shell {
    /// Where reviewers go.
    pub fn work(&self) -> &'static [Section] {
        &WORK
    }

    /// Where those go whose programs ask.
    pub fn administration(&self) -> Vec<Section> {
        let Some(who) = &self.who else { return vec![] };
        if who.asks { ASKING.to_vec() } else { vec![] }
    }

    /// Where those go who own the server.
    pub fn ownership(&self) -> &'static [Section] {
        if self.who.as_ref().is_some_and(|who| who.role == Role::Owner) { &OWNING } else { &[] }
    }

    /// Whether it is one of the pages behind signing in, which have the site's parts beside them.
    pub fn is_inside(&self) -> bool {
        self.who.is_some() && self.section.is_some()
    }

    /// The first letter of one's name.
    pub fn initial(&self) -> String {
        let letter = self.who.as_ref().and_then(|who| who.name.chars().next());
        letter.map_or(String::new(), |letter| letter.to_uppercase().collect())
    }

    /// Whether one is at one's account.
    pub fn is_account(&self) -> bool {
        self.current(&Section::Account)
    }

    /// Whether one is there.
    pub fn current(&self, section: &Section) -> bool {
        self.section == Some(*section)
    }

    /// Whether one is where a phone has no place for, but its menu.
    pub fn under_menu(&self) -> bool {
        self.section.is_some_and(|section| !WORK.contains(&section))
    }
}
