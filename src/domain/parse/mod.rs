//! Owns how texts become values: the error, and the macros for the types that are made by parsing.

pub(in crate::domain) mod text;

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

/// What both macros below give a type that has `as_str` and `parse`: it prints and serializes as its text, and is read
/// only through its parser.
macro_rules! text_traits {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_traits;

/// Gives a parsed text its accessor and the common traits.
macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::domain::text_traits!($name);

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
            /// Parses an ID.
            pub fn parse(text: &str) -> Result<Self, $crate::domain::ParseError> {
                if text.len() == $length && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::domain::ParseError::new($refusal))
                }
            }

            /// Generates an ID.
            pub fn random() -> Self {
                Self($crate::base::secret::random_base62($length))
            }
        }

        $crate::domain::text_type!($name);
    };
}
pub(crate) use base62_id;

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
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::domain::ParseError::unknown_word($what, &Self::ALL.map(Self::as_str))),
                }
            }
        }

        $crate::domain::text_traits!($name);
    };
}
pub(crate) use word_enum;
