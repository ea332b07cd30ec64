//! Owns the writing of a JSON object member by member, for where it is done for every request: `serde_json` looks at each
//! character of each name for what has to be escaped. Knows nothing of ours.

use serde::Serialize;

/// A JSON object that is being written. Names stand in our code and need no escaping.
pub(crate) struct JsonObject(Vec<u8>);

impl JsonObject {
    /// Begins one that will hardly need more room than this.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes);
        json.push(b'{');
        Self(json)
    }

    /// Writes a member.
    pub(crate) fn member(
        &mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> serde_json::Result<()> {
        serde_json::to_writer(self.begin(name), value)
    }

    /// Writes a name, and lets a value be written behind it.
    pub(crate) fn begin(&mut self, name: &str) -> &mut Vec<u8> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        &mut self.0
    }

    /// The object.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}
