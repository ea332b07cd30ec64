//! Owns the schema of a client in documents, and what follows from it: the names of the fields, the schemas of the admin
//! API's bodies and answers, and that a body has exactly the types of its schema.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use utoipa::PartialSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};

use crate::app::clients::spec::ClientSpec;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId};

/// The members that only some kinds of documents have. All others are the fields.
const NOT_FIELDS: [&str; 7] = [
    "client_id",
    "client_secret",
    "client_secret_expires_at",
    "status",
    "managed_by",
    "created_at",
    "updated_at",
];

/// The members with their schemas, as JSON.
static MEMBERS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let schema = serde_json::to_value(members(&NOT_FIELDS)).unwrap_or_default();
    match schema.get("properties") {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    }
});

/// The fields, each with its schema, in their order.
pub(super) fn fields() -> impl Iterator<Item = (&'static str, MemberSchema)> {
    let members = MEMBERS.iter();
    let fields = members.filter(|(name, _)| !NOT_FIELDS.contains(&name.as_str()));
    fields.map(|(name, schema)| (name.as_str(), MemberSchema(schema)))
}

/// The names of the fields and the types of their values, in their order.
pub(crate) fn field_types() -> impl Iterator<Item = (&'static str, &'static str)> {
    fields().map(|(name, schema)| (name, schema.value_type()))
}

/// The schema of one member.
#[derive(Clone, Copy)]
pub(super) struct MemberSchema(&'static Value);

impl MemberSchema {
    fn types(self) -> impl Iterator<Item = &'static str> {
        let types = self.0.get("type");
        let (one, many) = match types {
            Some(Value::Array(list)) => (None, list.as_slice()),
            one => (one, &[][..]),
        };
        one.into_iter().chain(many).filter_map(Value::as_str)
    }

    pub(super) fn value_type(self) -> &'static str {
        self.types().find(|it| *it != "null").unwrap_or_default()
    }

    /// Whether its values are lists of objects.
    pub(super) fn has_objects(self) -> bool {
        self.0.pointer("/items/type").and_then(Value::as_str) == Some("object")
    }

    pub(super) fn is_nullable(self) -> bool {
        self.types().any(|it| it == "null")
    }

    fn admits(self, value: &Value) -> bool {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(items) if self.has_objects() && items.iter().all(Value::is_object) => {
                "array"
            }
            Value::Array(items) if !items.iter().all(Value::is_string) => "",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        self.types().any(|it| it == found)
    }
}

/// The schema of a document with the fields and `own` members.
pub(crate) fn members(own: &[&str]) -> Object {
    let RefOr::T(Schema::Object(mut object)) = ClientSpec::schema() else {
        return Object::new();
    };
    let is_other = |name: &str| NOT_FIELDS.contains(&name) && !own.contains(&name);
    object.properties.retain(|name, _| !is_other(name));
    object.description = None;
    object
}

/// The schema of a client that is registered. What stands in every one is required; the rest is never null.
pub(crate) fn client() -> Object {
    let own = [
        "client_id",
        "status",
        "managed_by",
        "created_at",
        "updated_at",
    ];
    let mut object = members(&own);
    object.additional_properties = None;
    let always: BTreeSet<String> = ClientId::parse("a")
        .ok()
        .and_then(|id| serde_json::to_value(Client::new(id, UnixTime(0))).ok())
        .and_then(|client| Some(client.as_object()?.keys().cloned().collect()))
        .unwrap_or_default();
    for (name, property) in &mut object.properties {
        if always.contains(name) {
            object.required.push(name.clone());
        } else if let RefOr::T(Schema::Object(property)) = property
            && let SchemaType::Array(types) = &property.schema_type
            && let Some(of_value) = types.iter().find(|it| **it != Type::Null)
        {
            property.schema_type = SchemaType::Type(of_value.clone());
        }
    }
    object
}

/// Reads an object whose members are the fields and `own`, each of exactly the type of its schema.
pub(crate) fn read_strictly<'de, D: Deserializer<'de>>(
    deserializer: D,
    own: &'static [&'static str],
) -> Result<ClientSpec, D::Error> {
    struct Strict(&'static [&'static str]);

    impl<'de> Visitor<'de> for Strict {
        type Value = ClientSpec;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClientSpec, A::Error> {
            let mut members = Map::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                let is_known = self.0.contains(&name.as_str()) || !NOT_FIELDS.contains(&&*name);
                let Some(schema) = MEMBERS.get(&name).filter(|_| is_known) else {
                    return Err(A::Error::custom(format_args!("unknown field `{name}`")));
                };
                let schema = MemberSchema(schema);
                if !schema.admits(&value) {
                    let types: Vec<&str> = schema.types().collect();
                    let types = types.join(" or ");
                    let why = format_args!("`{name}`: expected {types}");
                    return Err(A::Error::custom(why));
                }
                if members.contains_key(&name) {
                    return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                }
                members.insert(name, value);
            }
            ClientSpec::deserialize(Value::Object(members)).map_err(A::Error::custom)
        }
    }

    deserializer.deserialize_map(Strict(own))
}
