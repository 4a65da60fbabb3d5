//! JSON as the remote writes it where it is not compact, and entries rendered anew.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The `pretty` form: `"name" : value`, as in the recorded answer to a request without credentials.
pub(super) fn pretty(value: &Value, depth: usize) -> String {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let indent = "  ".repeat(depth + 1);
            let lines: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{indent}{} : {}", Value::from(name.as_str()), pretty(value, depth + 1)))
                .collect();
            format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
        }
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> = items.iter().map(|item| pretty(item, depth)).collect();
            format!("[ {} ]", items.join(", "))
        }
        Value::Object(_) => "{ }".to_owned(),
        Value::Array(_) => "[ ]".to_owned(),
        other => other.to_string(),
    }
}

/// An entry in other bytes: fields in reverse order, everything outside ASCII and each `/` escaped; the same values.
/// What is no JSON object stays as it is.
pub(super) fn anew(entry: &[u8]) -> Vec<u8> {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(entry) else { return entry.to_vec() };
    let fields: Vec<String> =
        fields.iter().rev().map(|(name, value)| format!("{}: {value}", Value::from(name.as_str()))).collect();
    let text = format!("{{ {} }}", fields.join(", "));
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            // Outside of strings there is no slash in JSON.
            '/' => escaped.push_str("\\/"),
            char if char.is_ascii() => escaped.push(char),
            char => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    // Writing into a string cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_has_the_recorded_spacing() {
        let value: Value = serde_json::from_str(r#"{"accessLogs":[{"a":true},{"b":[]}],"c":{}}"#).unwrap();
        let expected = "{\n  \"accessLogs\" : [ {\n    \"a\" : true\n  }, {\n    \"b\" : [ ]\n  } ],\n  \"c\" : { }\n}";
        assert_eq!(pretty(&value, 0), expected);
    }

    #[test]
    fn an_entry_rendered_anew_has_other_bytes_and_the_same_values() {
        let entry = r#"{"hostname":"h","logLine":"{\"t\":\"ü/🦀\"}"}"#.as_bytes();
        let other = anew(entry);
        assert_ne!(other, entry);
        assert!(other.is_ascii());
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        assert_eq!(read(&other), read(entry));
        assert_eq!(anew(b"no JSON"), b"no JSON");
    }
}
