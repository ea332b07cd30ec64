//! Owns how texts become values: the error, and the macros for the types that are made by parsing or changed by fields.

pub(in crate::domain) mod text;

use serde::{Serialize, Serializer};

/// Why a text is not the thing it should be: one sentence for the person who wrote it, redacted, since it may quote the
/// text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub String);

impl ParseError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(crate::base::redact::redact_string(message.into()))
    }

    /// `what` is none of `words`.
    pub(crate) fn unknown_word(what: &str, words: &[&str]) -> Self {
        Self(format!("{what} must be one of `{}`", words.join("`, `")))
    }
}

/// Names and values in their order; as JSON an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct OrderedMap<K, V>(pub(in crate::domain) Vec<(K, V)>);

impl<K, V> OrderedMap<K, V> {
    pub(in crate::domain) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl<K: Serialize, V: Serialize> Serialize for OrderedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Returns an error with this text unless the condition holds, as `anyhow::ensure!` does.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::domain::ParseError::new(format!($($text)+)));
        }
    };
}
pub(in crate::domain) use ensure;

/// Gives a type the traits that follow from its text: `as_str` has the text, and `parse` reads it.
macro_rules! text_traits {
    ($name:ident: $($of:ident),+) => {
        $($crate::domain::text_traits!(@$of $name);)+
    };
    (@Display $name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
    (@FromStr $name:ident) => {
        impl std::str::FromStr for $name {
            type Err = $crate::domain::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
    (@Eq $name:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $name {}
    };
    (@Serialize $name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
    (@Deserialize $name:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_traits;

/// Gives a parsed text its accessor and the common traits; by a rule and the words of its refusal also its parser.
macro_rules! text_type {
    ($name:ident, $is_good:expr, $refusal:literal) => {
        impl $name {
            #[doc = concat!("Parses a text: ", $refusal, ".")]
            pub fn parse(text: &str) -> Result<Self, $crate::domain::ParseError> {
                let is_good: fn(&str) -> bool = $is_good;
                $crate::domain::ensure!(is_good(text), $refusal);
                Ok(Self(text.to_owned()))
            }
        }

        $crate::domain::text_type!($name);
    };
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::domain::text_traits!($name: Display, FromStr, Serialize, Deserialize);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                <String as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use text_type;

/// Gives an ID of random letters and digits its parser and what every parsed text has.
macro_rules! base62_id {
    ($name:ident, $length:expr, $refusal:literal) => {
        impl $name {
            /// Generates an ID.
            pub fn random() -> Self {
                Self($crate::base::secret::random_base62($length))
            }
        }

        $crate::domain::text_type!(
            $name,
            |text| text.len() == $length && text.bytes().all(|b| b.is_ascii_alphanumeric()),
            $refusal
        );
    };
}
pub(crate) use base62_id;

/// Gives a number of seconds within bounds its constructor and its accessor.
macro_rules! seconds_type {
    ($name:ident, $bounds:expr, $refusal:literal) => {
        impl $name {
            /// Takes a number of seconds.
            pub fn from_seconds(seconds: i64) -> Result<Self, $crate::domain::ParseError> {
                $crate::domain::ensure!($bounds.contains(&seconds), $refusal);
                Ok(Self(seconds))
            }

            /// Seconds.
            pub const fn seconds(self) -> i64 {
                self.0
            }
        }
    };
}
pub(crate) use seconds_type;

/// Gives a parsed list what is read of it.
macro_rules! list_type {
    ($name:ident, $item:ty) => {
        impl $name {
            /// Each of them, in their order.
            pub fn iter(&self) -> impl Iterator<Item = &$item> {
                self.0.iter()
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// How many there are.
            pub fn len(&self) -> usize {
                self.0.len()
            }
        }
    };
}
pub(crate) use list_type;

/// Makes a struct, and the struct of changes of it with the same fields: `None` leaves a field as it is.
macro_rules! with_changes {
    (
        $(#[$about:meta])*
        pub struct $name:ident, $changes:ident {
            $($(#[doc = $doc:literal])+ $(#[serde($($serde:tt)+)])? $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[doc = $doc])+ $(#[serde($($serde)+)])? pub $field: $type,)+
        }

        /// What to change; `None` leaves a thing as it is, and `Some(None)` takes it away.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $changes {
            $($(#[doc = $doc])+ pub $field: Option<$type>,)+
        }

        impl $name {
            /// This with the changes made.
            #[must_use]
            pub fn changed(self, changes: $changes) -> Self {
                Self { $($field: changes.$field.unwrap_or(self.$field),)+ }
            }
        }
    };
}
pub(in crate::domain) use with_changes;

/// Makes an enum whose values are fixed words, the same on every front and in the database.
macro_rules! word_enum {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident, $what:literal {
            $($(#[$doc:meta])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
        $visibility enum $name { $($(#[$doc])+ #[schema(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Parses one of the words. The case counts.
            pub fn parse(text: &str) -> Result<Self, $crate::domain::ParseError> {
                let found = Self::ALL.into_iter().find(|value| value.as_str() == text);
                found.ok_or_else(|| $crate::domain::ParseError::unknown_word($what, &Self::ALL.map(Self::as_str)))
            }
        }

        $crate::domain::text_traits!($name: Display, FromStr, Serialize, Deserialize);
    };
}
pub(crate) use word_enum;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::domain::{AllowedNetworks, DistinguishedName, Metadata, Scope, TokenId};

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = AllowedNetworks::parse(&text);
            let _ = DistinguishedName::parse(&text);
            let _ = Metadata::parse(&text);
            let _ = Scope::parse(&text);
            let _ = TokenId::parse(&text);
        }
    }
}
