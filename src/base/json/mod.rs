//! Reads JSON, and YAML through [`objects_only`], into types. A struct that derives `Deserialize` also accepts an array
//! of its members in order. In a JWT or a body that is malformed (RFC 7519 §7.2), so here a struct is read from an
//! object only, however deep it stands. `clippy.toml` forbids the other ways to read JSON.
//!
//! Untagged enums and flattened members read from a buffer of serde's own, where this rule does not reach: keep
//! structs out of them.

pub(crate) mod exact;
pub(crate) mod members;
pub(crate) mod place;
pub(crate) mod writer;

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde_json::de::Read;

/// Reads one JSON value, with nothing but white space behind it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads JSON")]
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    read(serde_json::Deserializer::from_str(text))
}

/// Reads one JSON value in UTF-8, with nothing but white space behind it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads JSON")]
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    read(serde_json::Deserializer::from_slice(bytes))
}

fn read<'de, R: Read<'de>, T: Deserialize<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
) -> serde_json::Result<T> {
    let value = T::deserialize(objects_only(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// The same deserializer, which reads structs from objects only.
pub(crate) fn objects_only<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> impl Deserializer<'de, Error = D::Error> {
    ObjectsOnly(deserializer)
}

/// Passes everything on, and itself with it, so that the rule holds for whatever is inside.
struct ObjectsOnly<T>(T);

/// The visitor of a struct: it has no `visit_seq`.
struct Object<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ObjectsOnly(members))
    }
}

macro_rules! forward_deserialize {
    ($($name:ident($($argument:ident: $type:ty),*) as $visitor:ident)*) => {
        $(fn $name<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            self.0.$name($($argument,)* $visitor(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectsOnly<D> {
    type Error = D::Error;

    forward_deserialize! {
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) as Object
        deserialize_any() as ObjectsOnly
        deserialize_bool() as ObjectsOnly
        deserialize_i8() as ObjectsOnly
        deserialize_i16() as ObjectsOnly
        deserialize_i32() as ObjectsOnly
        deserialize_i64() as ObjectsOnly
        deserialize_i128() as ObjectsOnly
        deserialize_u8() as ObjectsOnly
        deserialize_u16() as ObjectsOnly
        deserialize_u32() as ObjectsOnly
        deserialize_u64() as ObjectsOnly
        deserialize_u128() as ObjectsOnly
        deserialize_f32() as ObjectsOnly
        deserialize_f64() as ObjectsOnly
        deserialize_char() as ObjectsOnly
        deserialize_str() as ObjectsOnly
        deserialize_string() as ObjectsOnly
        deserialize_bytes() as ObjectsOnly
        deserialize_byte_buf() as ObjectsOnly
        deserialize_option() as ObjectsOnly
        deserialize_unit() as ObjectsOnly
        deserialize_unit_struct(name: &'static str) as ObjectsOnly
        deserialize_newtype_struct(name: &'static str) as ObjectsOnly
        deserialize_seq() as ObjectsOnly
        deserialize_tuple(length: usize) as ObjectsOnly
        deserialize_tuple_struct(name: &'static str, length: usize) as ObjectsOnly
        deserialize_map() as ObjectsOnly
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) as ObjectsOnly
        deserialize_identifier() as ObjectsOnly
        deserialize_ignored_any() as ObjectsOnly
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! forward_visit {
    ($($name:ident($($value:ident: $type:ty)?))*) => {
        $(fn $name<E: Error>(self, $($value: $type)?) -> Result<V::Value, E> {
            self.0.$name($($value)?)
        })*
    };
}

macro_rules! forward_visit_of_inner {
    ($($name:ident: $access:ident)*) => {
        $(fn $name<A: $access<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
            self.0.$name(ObjectsOnly(inner))
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectsOnly<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    forward_visit! {
        visit_none()
        visit_unit()
        visit_bool(value: bool)
        visit_i8(value: i8)
        visit_i16(value: i16)
        visit_i32(value: i32)
        visit_i64(value: i64)
        visit_i128(value: i128)
        visit_u8(value: u8)
        visit_u16(value: u16)
        visit_u32(value: u32)
        visit_u64(value: u64)
        visit_u128(value: u128)
        visit_f32(value: f32)
        visit_f64(value: f64)
        visit_char(value: char)
        visit_str(value: &str)
        visit_borrowed_str(value: &'de str)
        visit_string(value: String)
        visit_bytes(value: &[u8])
        visit_borrowed_bytes(value: &'de [u8])
        visit_byte_buf(value: Vec<u8>)
    }

    forward_visit_of_inner! {
        visit_some: Deserializer
        visit_newtype_struct: Deserializer
        visit_seq: SeqAccess
        visit_map: MapAccess
        visit_enum: EnumAccess
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ObjectsOnly<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(ObjectsOnly(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(ObjectsOnly(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(ObjectsOnly(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(ObjectsOnly(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;
    type Variant = ObjectsOnly<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(ObjectsOnly(seed))?;
        Ok((value, ObjectsOnly(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(ObjectsOnly(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, ObjectsOnly(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Inner {
        number: i64,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    enum Variant {
        Named { inner: Inner },
        Newtype(Inner),
    }

    #[derive(Debug, serde::Deserialize)]
    struct Outer<'a> {
        #[serde(default)]
        one: Option<Inner>,
        #[serde(default)]
        many: Vec<Inner>,
        #[serde(default)]
        by_name: HashMap<String, Inner>,
        #[serde(default)]
        variant: Option<Variant>,
        #[serde(borrow, default)]
        raw: Option<&'a RawValue>,
        #[serde(borrow, default)]
        text: &'a str,
        #[serde(default)]
        any: Value,
        #[serde(default)]
        pair: (i64, String),
    }

    #[test]
    fn objects_are_read_however_deep() {
        let text = r#"{"one":{"number":1},"many":[{"number":2}],"by_name":{"a":{"number":3}},"variant":{"Named":
            {"inner":{"number":4}}},"raw":[ 5 ],"text":"six","any":[[7],{"a":null}],"pair":[8,"b"]}"#;
        let read: Outer<'_> = from_str(text).unwrap();

        assert_eq!(read.one, Some(Inner { number: 1 }));
        assert_eq!(read.many, [Inner { number: 2 }]);
        assert_eq!(read.by_name["a"], Inner { number: 3 });
        let inner = Inner { number: 4 };
        assert_eq!(read.variant, Some(Variant::Named { inner }));
        assert_eq!(read.raw.unwrap().get(), "[ 5 ]");
        assert_eq!(read.text, "six");
        assert_eq!(read.any, serde_json::json!([[7], {"a": null}]));
        assert_eq!(read.pair, (8, "b".to_owned()));
    }

    #[test]
    fn an_array_in_the_place_of_an_object_is_refused_however_deep() {
        for text in [
            "[]",
            r#"[{"number":1}]"#,
            r#"{"one":[1]}"#,
            r#"{"many":[[1]]}"#,
            r#"{"by_name":{"a":[1]}}"#,
            r#"{"variant":{"Named":[{"number":1}]}}"#,
            r#"{"variant":{"Named":{"inner":[1]}}}"#,
            r#"{"variant":{"Newtype":[1]}}"#,
        ] {
            let error = from_slice::<Outer<'_>>(text.as_bytes()).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("expected an object"), "{text}: {told}");
        }
    }

    #[test]
    fn repeated_members_a_byte_order_mark_and_what_stands_behind_are_refused() {
        for text in [
            r#"{"number":1,"number":1}"#,
            "\u{feff}{\"number\":1}",
            r#"{"number":1} x"#,
            r#"{"number":1}{"number":1}"#,
        ] {
            assert!(from_str::<Inner>(text).is_err(), "{text}");
        }
        assert_eq!(
            from_str(" {\"number\":1}\n ").ok(),
            Some(Inner { number: 1 })
        );
    }

    proptest! {
        #[test]
        fn what_is_no_struct_is_read_as_serde_json_reads_it(text in any::<String>(), numbers in any::<Vec<f64>>()) {
            for text in [text, serde_json::json!({ "a": numbers }).to_string()] {
                prop_assert_eq!(from_str::<Value>(&text).ok(), text.parse().ok());
            }
        }

        #[test]
        fn no_array_is_a_struct(members in proptest::collection::vec(any::<Option<i64>>(), 0..4)) {
            let text = serde_json::json!(members).to_string();
            prop_assert!(from_str::<Inner>(&text).is_err());
            prop_assert!(from_str::<Outer<'_>>(&text).is_err());
        }
    }
}
