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

    pub(crate) fn member(
        &mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> serde_json::Result<()> {
        serde_json::to_writer(self.begin(name), value)
    }

    /// Writes a member that is a text. Nearly never is there anything to be escaped; to see that takes less than to look
    /// at each character for it.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> serde_json::Result<()> {
        if needs_escaping(value) {
            return self.member(name, value);
        }
        self.plain(name, value);
        Ok(())
    }

    /// Writes a text in which there is nothing to be escaped, as every caller knows of every such text.
    pub(crate) fn plain(&mut self, name: &str, value: &str) {
        let json = self.begin(name);
        json.push(b'"');
        json.extend_from_slice(value.as_bytes());
        json.push(b'"');
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

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// Looks to the end whatever it finds, so that the compiler can look at many characters at once (RFC 8259 §7).
fn needs_escaping(text: &str) -> bool {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    text.bytes()
        .fold(0, |escaped, byte| escaped | u8::from(!plain(byte)))
        != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_writes_it(value in any::<String>()) {
            let (mut ours, mut serdes) = (JsonObject::with_capacity(0), JsonObject::with_capacity(0));
            ours.text("name", &value).unwrap();
            serdes.member("name", &value).unwrap();
            prop_assert_eq!(ours.end(), serdes.end());
        }
    }

    #[test]
    fn every_character_of_one_byte_is_written_as_serde_writes_it() {
        for byte in 0..0x80_u8 {
            let value = format!("before{}after", char::from(byte));
            let mut json = JsonObject::with_capacity(0);
            json.text("a", &value).unwrap();
            let read = String::from_utf8(json.end()).unwrap();
            let read: serde_json::Value = read.parse().unwrap();
            assert_eq!(read["a"], value);
        }
    }
}
