//! Owns who may use the portal: admins, their roles and what each role may do, their sessions and their passkeys. Knows
//! nothing of how a password, a code or a passkey is checked.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::{Name, ParseError, base62_id, ensure, text_type, word_enum};

/// The name an admin logs in with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdminName(String);

impl AdminName {
    /// Parses 1 to 64 characters of `a-z 0-9 . _ - + @`; capital letters are read as small ones, since nobody
    /// remembers which he used.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"._-+@".contains(&b);
        ensure!(
            (1..=64).contains(&text.len()) && text.bytes().all(good),
            "an admin's name is 1 to 64 letters, digits and characters of `._-+@`"
        );
        Ok(Self(text.to_ascii_lowercase()))
    }
}

text_type!(AdminName);

word_enum! {
    /// The role of an admin. Each role includes the earlier ones.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum AdminRole, "a role" {
        /// Look at everything but secrets.
        Viewer = "viewer",
        /// Change clients and their secrets, but for clients with a reserved scope and for identifiers, and revoke tokens.
        Operator = "operator",
        /// Change every client, keys and admins too; import and export.
        Owner = "owner",
    }
}

impl AdminRole {
    /// Whether an admin with this role may do what `needed` may.
    pub fn permits(self, needed: Self) -> bool {
        self >= needed
    }
}

word_enum! {
    /// Whether an admin may log in.
    pub enum AdminStatus, "a status" {
        /// Yes.
        Enabled = "enabled",
        /// No, and has no session.
        Disabled = "disabled",
    }
}

/// A person at the portal, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Admin {
    /// The name for the login.
    pub name: AdminName,
    /// The role of the admin.
    pub role: AdminRole,
    /// Whether the admin may log in.
    pub status: AdminStatus,
    /// Whether the admin must change the password at the next login, because somebody else knows it.
    pub must_change_password: bool,
    /// Whether a code of an authenticator app is a second factor.
    pub has_totp: bool,
    /// The number of passkeys; each of them can replace a code.
    pub passkeys: u32,
    /// When it was created.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
    /// When the admin last logged in.
    pub last_log_in_at: Option<UnixTime>,
}

impl Admin {
    /// Whether the password alone is not enough.
    pub fn has_second_factor(&self) -> bool {
        self.has_totp || self.passkeys > 0
    }
}

/// The public name of a session: good for listing and ending it, not for using it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

base62_id!(SessionId, 16, "a session id must be 16 letters and digits");

/// A live session, without its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdminSession {
    /// Its public name.
    pub session_id: SessionId,
    /// The admin.
    pub name: AdminName,
    /// Whether the admin has used a second factor in it.
    pub second_factor: bool,
    /// When it began.
    pub created_at: UnixTime,
    /// When it was last used, to the minute.
    pub seen_at: UnixTime,
    /// When it ends in any case.
    pub expires_at: UnixTime,
    /// The address of its login.
    pub source: String,
    /// The user agent of the browser.
    pub user_agent: String,
}

/// The name of a passkey in URLs and events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PasskeyId(String);

base62_id!(
    PasskeyId,
    16,
    "a passkey's id must be 16 letters and digits"
);

/// A passkey, without what its signatures are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its name in URLs and events.
    pub passkey_id: PasskeyId,
    /// What its owner calls it.
    pub label: Name,
    /// When it was added.
    pub created_at: UnixTime,
    /// When somebody last logged in with it.
    pub last_used_at: Option<UnixTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        for (place, role) in AdminRole::ALL.into_iter().enumerate() {
            for (other, needed) in AdminRole::ALL.into_iter().enumerate() {
                assert_eq!(role.permits(needed), place >= other);
            }
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Owner".parse::<AdminRole>().is_err());
    }

    #[test]
    fn a_name_is_an_address_or_a_word_in_small_letters() {
        let name = |text: &str| AdminName::parse(text).map(|name| name.to_string());

        assert_eq!(
            name("Ann.Lee+ops@Corp.example").unwrap(),
            "ann.lee+ops@corp.example"
        );
        for bad in ["", "a b", "ä", "a/b", "a\"", &"x".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
