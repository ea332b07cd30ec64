//! Owns what each setting means, in words: the text of `.env.sample`, which is the one description of the settings.

use serde::Serialize;

const SAMPLE: &str = include_str!("../../../.env.sample");

/// A setting, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingDescription {
    /// The variable.
    pub name: &'static str,
    /// The heading that it stands under.
    pub section: &'static str,
    /// What is in force when it is not set; empty: nothing.
    pub default: &'static str,
    /// What it does, which values it takes. Settings that belong together share it.
    pub text: String,
}

/// Every setting, in the order of `.env.sample`.
pub fn describe_settings() -> Vec<SettingDescription> {
    let (mut settings, mut section, mut text) = (Vec::new(), "", String::new());
    // Whether the lines before this one are settings: then a comment begins the text of others.
    let mut is_behind_settings = false;
    for line in SAMPLE.lines() {
        if let Some((name, default)) = assignment(line) {
            // The sample's own SECRET is no default.
            let default = if line.starts_with('#') { default } else { "" };
            settings.push(SettingDescription {
                name,
                section,
                default,
                text: text.clone(),
            });
            is_behind_settings = true;
        } else if let Some(heading) = line.strip_prefix("# --- ") {
            section = heading.trim_end_matches(['-', ' ']);
            text.clear();
        } else if let Some(words) = line.strip_prefix('#') {
            if is_behind_settings {
                text.clear();
                is_behind_settings = false;
            }
            let separator = if text.is_empty() { "" } else { " " };
            text += separator;
            text += words.trim();
        } else {
            text.clear();
        }
    }
    settings
}

/// `#NAME=default`, or `NAME=value`.
fn assignment(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (name, value) = line.strip_prefix('#').unwrap_or(line).split_once('=')?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then_some((name, value))
}
