//! What a page says after something was done: a word in the address, never text from it, so that nobody can put words into our mouth.

use crate::domain::words::words;

words! {
    /// What was done.
    pub enum Notice {
        /// Signed out.
        SignedOut = "signed-out",
        /// A password was set by a link.
        PasswordSet = "password-set",
        /// One's own password was changed.
        PasswordChanged = "password-changed",
        /// One's own name was changed.
        NameChanged = "name-changed",
        /// A session was ended.
        SessionEnded = "session-ended",
        /// All sessions but this one were ended.
        SessionsEnded = "sessions-ended",
        /// A loop was joined.
        Joined = "joined",
        /// A loop was made.
        LoopCreated = "loop-created",
        /// A loop was changed.
        LoopChanged = "loop-changed",
        /// A loop was deleted.
        LoopDeleted = "loop-deleted",
        /// A loop has a new code.
        CodeChanged = "code-changed",
        /// Somebody was invited to a loop.
        Invited = "invited",
        /// Somebody was invited, and gets it by mail.
        InvitationMailed = "invitation-mailed",
        /// Somebody was removed from a loop.
        MemberRemoved = "member-removed",
        /// A request was made.
        RequestCreated = "request-created",
        /// A request was taken back.
        RequestCancelled = "request-cancelled",
        /// A key was suspended.
        KeySuspended = "key-suspended",
        /// A key works again.
        KeyActivated = "key-activated",
        /// A key was revoked.
        KeyRevoked = "key-revoked",
        /// Somebody's role was changed.
        RoleChanged = "role-changed",
        /// An invitation was taken back.
        InvitationWithdrawn = "invitation-withdrawn",
        /// Somebody was suspended.
        PersonSuspended = "person-suspended",
        /// Somebody may act again.
        PersonActivated = "person-activated",
        /// Somebody's session was ended.
        TheirSessionEnded = "their-session-ended",
        /// All of somebody's sessions were ended.
        TheirSessionsEnded = "their-sessions-ended",
        /// A webhook was changed.
        WebhookChanged = "webhook-changed",
        /// A webhook was paused.
        WebhookPaused = "webhook-paused",
        /// A webhook is sent to again.
        WebhookResumed = "webhook-resumed",
        /// A webhook was deleted.
        WebhookDeleted = "webhook-deleted",
        /// A test was sent to a webhook.
        WebhookTested = "webhook-tested",
        /// A delivery is sent again.
        DeliveryQueued = "delivery-queued",
        /// Deliveries that had failed are sent again.
        DeliveriesQueued = "deliveries-queued",
        /// There was no delivery that had failed.
        NothingFailed = "nothing-failed",
        /// A request was claimed.
        Claimed = "claimed",
        /// A claim was given back.
        Released = "released",
        /// An answer was sent; another request is shown.
        AnsweredNext = "answered-next",
        /// An answer was sent, and nothing else waits.
        Answered = "answered",
        /// What was typed before signing in again is kept.
        Kept = "kept",
        /// A loop was left.
        Left = "left",
        /// How one is notified was changed.
        NotificationsChanged = "notifications-changed",
        /// A device was added.
        DeviceAdded = "device-added",
        /// A device was removed.
        DeviceRemoved = "device-removed",
        /// A test was sent to oneself.
        TestSent = "test-sent",
        /// There is no way to send a test by.
        NoWay = "no-way",
        /// A loop's notifications were switched on.
        LoopNotified = "loop-notified",
        /// A loop's notifications were switched off.
        LoopMuted = "loop-muted",
    }
}

impl Notice {
    /// What is said.
    pub const fn text(self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out.",
            Self::PasswordSet => "Your new password is set. Sign in with it.",
            Self::PasswordChanged => "Your password is changed. Your other sessions have ended.",
            Self::NameChanged => "Your name is changed.",
            Self::SessionEnded => "That session has ended.",
            Self::SessionsEnded => "All your other sessions have ended.",
            Self::Joined => "You are in. Requests of this loop are put before you from now on.",
            Self::LoopCreated => "The loop is there. Invite people to it.",
            Self::LoopChanged => "The loop is changed.",
            Self::LoopDeleted => "The loop and all that was in it is deleted.",
            Self::CodeChanged => "The loop has a new code. The old one and its link work no longer.",
            Self::Invited => "Invited. Send them the link below: with it they join.",
            Self::InvitationMailed => "Invited. The link is on its way to them by mail.",
            Self::MemberRemoved => "Removed. Whatever they had claimed is back in the queue.",
            Self::RequestCreated => "It is put before the people of the loop.",
            Self::RequestCancelled => "The request is taken back. Whoever waits for it is told.",
            Self::KeySuspended => "This key is refused until you activate it again.",
            Self::KeyActivated => "This key works again.",
            Self::KeyRevoked => "That key is revoked. Whoever still uses it is refused.",
            Self::RoleChanged => "The role is changed, from now on.",
            Self::InvitationWithdrawn => "The invitation is taken back. Its link leads nowhere any more.",
            Self::PersonSuspended => {
                "Suspended, and signed out everywhere. Whatever they had claimed is back in the queue."
            }
            Self::PersonActivated => "They can sign in again.",
            Self::TheirSessionEnded => "That session of theirs has ended.",
            Self::TheirSessionsEnded => "They are signed out everywhere.",
            Self::WebhookChanged => "The webhook is changed.",
            Self::WebhookPaused => {
                "It is sent nothing until you resume it. What happens meanwhile it will not hear of."
            }
            Self::WebhookResumed => "It hears of what happens from now on.",
            Self::WebhookDeleted => "That webhook is deleted.",
            Self::WebhookTested => "The test was sent. What came of it is below.",
            Self::DeliveryQueued => "It is being sent again. Look again in a moment for what came of it.",
            Self::DeliveriesQueued => "What had failed is being sent again.",
            Self::NothingFailed => "Nothing had failed in that time.",
            Self::Claimed => "It is yours: nobody else works on it meanwhile.",
            Self::Released => "It is back in the queue.",
            Self::AnsweredNext => "Your answer is sent. Here is the next request.",
            Self::Answered => "Your answer is sent. Nothing else waits for you.",
            Self::Kept => "You are signed in again, and what you had filled in is still here. It is not sent yet.",
            Self::Left => "You have left the loop.",
            Self::NotificationsChanged => "Your notification settings are changed.",
            Self::DeviceAdded => "You are notified on this device from now on.",
            Self::DeviceRemoved => "That device is told nothing any more.",
            Self::TestSent => "A test is on its way to you.",
            Self::NoWay => "There is no way to notify you yet.",
            Self::LoopNotified => "You are notified of this loop\u{2019}s requests again.",
            Self::LoopMuted => "You are not notified of this loop\u{2019}s requests any more. They are in your inbox.",
        }
    }
}
