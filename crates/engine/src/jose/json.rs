//! JSON objects whose member names stand once (RFC 7515 §4, RFC 7519 §4).
//!
//! Two readers of a token with `"azp"` twice may each believe another one; such a token is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why bytes are no object that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not UTF-8, not JSON, nested too deeply, or something other than an object.
    NotAnObject,
    /// A member name stands twice, at whatever depth.
    Duplicate,
}

/// The object, if there is one and no member of it, at whatever depth, stands twice.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_slice(bytes) {
        Ok(Once(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Fault::NotAnObject),
        // What an ordinary reader takes and the strict one does not has a member twice.
        Err(_) => match serde_json::from_slice(bytes) {
            Ok(Value::Object(_)) => Err(Fault::Duplicate),
            Ok(_) | Err(_) => Err(Fault::NotAnObject),
        },
    }
}

/// A value without duplicate members. The depth is bounded by the reader (128).
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = members.next_entry::<String, Once>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth() {
        for twice in [r#"{"a":1,"a":1}"#, r#"{"a":{"b":[{"c":1,"c":2}]}}"#, r#"{"azp":"x","\u0061zp":"y"}"#] {
            assert_eq!(object(twice.as_bytes()), Err(Fault::Duplicate), "{twice}");
        }
        assert!(object(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_in_utf8_is_refused() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        let utf16: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases: [&[u8]; 9] = [
            b"",
            b"[]",
            b"1",
            b"null",
            b"{\"a\":1} x",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":1e400}",
            deep.as_bytes(),
        ];
        for bytes in cases.into_iter().chain([utf16.as_slice()]) {
            assert_eq!(object(bytes), Err(Fault::NotAnObject), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn every_kind_of_value_is_read_as_it_stands() {
        let text =
            r#"{"a":true,"b":false,"c":null,"d":-1,"e":1.5,"f":18446744073709551615,"g":["h"],"i":{}}"#;
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()).to_string(), text);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes: Vec<u8>) {
            let _ = object(&bytes);
        }

        #[test]
        fn what_was_written_from_an_object_is_read_back(members: std::collections::BTreeMap<String, (i64, String)>) {
            let value = serde_json::to_value(&members).unwrap();
            prop_assert_eq!(Value::Object(object(value.to_string().as_bytes()).unwrap()), value);
        }
    }
}
