//! Owns the texts about what was just done. A redirect names one by a word (`?done=`): a link from elsewhere must not put
//! a text of its own into a page.

/// The text of a word, on the page at `path`.
pub(super) fn text_of(path: &str, word: &str) -> Option<&'static str> {
    let section = path.strip_prefix("/admin/")?.split('/').next()?;
    Some(match (section, word) {
        ("clients", "created") => "Client created.",
        ("clients" | "issuers", "saved") => "Changes saved.",
        ("clients", "enabled") => "Client enabled: it can get tokens again.",
        ("clients", "disabled") => "Client disabled and its tokens revoked.",
        ("clients", "revoked") => "All tokens of the client revoked.",
        ("clients", "released") => "Client detached from its manifest.",
        ("clients", "ended") => "Expiry of the secret set.",
        ("clients", "removed") => "Secret deleted.",
        ("clients", "rotated") => "Rotation finished: the old secrets are deleted.",
        ("clients", "deleted") => "Client deleted and its tokens revoked.",
        ("clients", "identity-added") => "Identity added.",
        ("clients", "identity-removed") => "Identity removed.",
        ("issuers", "created") => "Trusted issuer added.",
        ("issuers", "disabled") => "Issuer disabled: no client logs in through it.",
        ("issuers", "enabled") => "Issuer enabled: clients log in through it again.",
        ("issuers", "deleted") => "Trusted issuer deleted.",
        ("", "clock-confirmed") => {
            "Clock confirmed: the server removes, rotates and expires by time again."
        }
        ("keys", "rotated") => "Keys rotated: the next key signs now.",
        ("keys", "prepared") => "Key published.",
        ("keys", "retired") => "Key retired.",
        ("keys", "deleted") => "Key deleted. Every token it signed is now invalid.",
        ("admins", "role") => "Role changed. The admin must log in again.",
        ("admins", "status") => "Status changed. The admin's sessions have ended.",
        ("admins", "deleted") => "Admin deleted.",
        ("account", "password") => "Your password is changed. All your other sessions have ended.",
        ("account", "second-factor") => {
            "Your second factor is added. All your other sessions have ended."
        }
        ("account", "passkey") => "Your passkey is added. All your other sessions have ended.",
        ("account", "passkey-removed") => {
            "Your passkey is removed. All your other sessions have ended."
        }
        ("tokens", "revoked") => "Token revoked.",
        ("sessions", "ended") => "Session ended.",
        ("sessions", "others") => "All your other sessions have ended.",
        _ => return None,
    })
}
