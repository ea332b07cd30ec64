//! Owns the reading of a query into a struct: each field takes the parameter of its name, and a parameter that no field
//! takes is refused. So is an empty value: `dry_run=` must not import.

use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::value::MapDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::http::AppState;
use crate::http::request::params::Params;

/// How many things a page has when the query does not say.
pub(in crate::http) const DEFAULT_LIMIT: u32 = 100;

/// The query of a request: a struct, a tuple of structs, or `()` where there must be no parameter.
pub(in crate::http) struct Query<T>(pub(in crate::http) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        read(Params::from_query(&parts.uri)?).map(Self)
    }
}

fn read<T: DeserializeOwned>(mut params: Params) -> Result<T> {
    let read = T::deserialize(Fields(&mut params)).map_err(|Unreadable(error)| error)?;
    params.refuse_others()?;
    Ok(read)
}

/// Reads a parameter with a parser of its own.
pub(in crate::http) fn parse_with<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map(Some).map_err(D::Error::custom)
}

/// Reads a parameter as its text is parsed everywhere.
pub(in crate::http) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    parse_with(deserializer, str::parse)
}

/// Reads a time: `2026-07-01T00:00:00Z`, or seconds since 1970.
pub(in crate::http) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<UnixTime>, D::Error> {
    parse_with(deserializer, |text| {
        let time = text.parse().map(UnixTime).or_else(|_| text.parse());
        time.map_err(
            |_| "a time must be written as `2026-07-01T00:00:00Z`, or as seconds since 1970",
        )
    })
}

/// Reads how many things a page has at most.
pub(in crate::http) fn limit<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    parse_with(deserializer, |text| match text.parse() {
        Ok(limit @ 1..=1_000) => Ok(limit),
        Ok(_) | Err(_) => Err("`limit` must be a number from 1 to 1000"),
    })
}

/// Why parameters cannot be read.
#[derive(Debug)]
struct Unreadable(Error);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.description)
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::invalid_request(message.to_string()))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(Error::invalid_request(format!("`{name}` is missing")))
    }
}

/// Parameters, of which a struct takes those that its fields are called; each struct of a tuple takes its own.
struct Fields<'a>(&'a mut Params);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Unreadable;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let mut members = Vec::new();
        for name in fields {
            let text = self.0.take_nonempty(name).map_err(Unreadable)?;
            members.extend(text.map(|text| (*name, Text { name, text })));
        }
        visitor.visit_map(MapDeserializer::new(members.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    /// A mistake of the code: nothing says which parameters there may be.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        let cause = anyhow::anyhow!("parameters are read into something that is no struct");
        Err(Unreadable(Error::internal(cause)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple_struct map enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        seed.deserialize(Fields(self.0)).map(Some)
    }
}

/// One parameter, which is a text, or `true` or `false`.
struct Text {
    name: &'static str,
    text: String,
}

impl IntoDeserializer<'_, Unreadable> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text {
    type Error = Unreadable;

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let Self { name, text } = self;
        let parsed = text.parse();
        let wrong = |_| Unreadable::custom(format!("`{name}` must be `true` or `false`"));
        visitor.visit_bool(parsed.map_err(wrong)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_some(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_string(self.text)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Filter {
        name: String,
        #[serde(default)]
        dry_run: bool,
        #[serde(default, deserialize_with = "time")]
        since: Option<UnixTime>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Page {
        #[serde(default, deserialize_with = "limit")]
        limit: Option<u32>,
    }

    fn of<T: DeserializeOwned>(query: &str) -> Result<T, String> {
        let read = Params::from_form(query.as_bytes()).and_then(read);
        read.map_err(|error| error.description.into_owned())
    }

    #[test]
    fn each_field_takes_its_parameter() {
        let (filter, page) = of::<(Filter, Page)>("limit=7&since=9&dry_run=true&name=a+b").unwrap();

        assert_eq!((filter.name.as_str(), filter.dry_run), ("a b", true));
        assert_eq!(filter.since, Some(UnixTime(9)));
        assert_eq!(page, Page { limit: Some(7) });
        assert_eq!(of(""), Ok(Page { limit: None }));
        assert_eq!(of(""), Ok(()));
    }

    #[test]
    fn what_is_missing_unknown_empty_repeated_or_malformed_is_refused() {
        for (query, told) in [
            ("", "`name` is missing"),
            ("name=a&Name=b", "unknown parameter `Name`"),
            ("name=", "the parameter `name` is empty"),
            ("name=a&dry_run=", "the parameter `dry_run` is empty"),
            ("name=a&name=a", "the parameter `name` is repeated"),
            ("name=a&dry_run=yes", "`dry_run` must be `true` or `false`"),
            (
                "name=a&since=now",
                "a time must be written as `2026-07-01T00:00:00Z`, or as seconds since 1970",
            ),
        ] {
            assert_eq!(of::<Filter>(query).unwrap_err(), told, "{query}");
        }
        for limit in ["0", "1001", "-1", "x", ""] {
            assert!(of::<Page>(&format!("limit={limit}")).is_err(), "{limit}");
        }
        assert!(of::<()>("a=1").is_err());
    }
}
