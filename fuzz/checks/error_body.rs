//! The body of an error.

use atlas_logd::atlas::ErrorBody;
use serde_json::Value;

/// Whatever is in an error's body, what is shown of it is short, printable, and what Atlas says of an error; all else is
/// taken for none.
pub fn check(body: &[u8]) {
    let read = ErrorBody::parse(body);
    let shown = [read.to_string(), format!("{read:?}")];
    let texts = shown.iter().chain(&read.name).chain(&read.detail).chain(&read.parameters);
    for text in texts {
        assert!(text.chars().all(is_harmless), "a terminal would obey: {text:?}");
    }
    // A character that cannot be shown is written with up to ten others.
    assert!(read.name.iter().chain(&read.parameters).all(|text| text.chars().count() <= 10 * 80 + 1), "a long field");
    assert!(read.detail.iter().all(|text| text.chars().count() <= 10 * 300 + 1), "a long detail");
    assert!(read.parameters.len() <= 8, "many parameters");

    let Ok(Value::Object(sent)) = serde_json::from_slice(body) else {
        assert_eq!(read, ErrorBody::default(), "something was read of what is no object");
        return;
    };
    let text = |field: &str| sent.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    assert_eq!(read.code.is_some(), text("errorCode").is_some());
    assert!(begins(read.name.as_deref(), text("errorCode")), "another code");
    assert!(begins(read.detail.as_deref(), text("detail").or(text("reason"))), "another detail");
    let parameters = sent.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    assert!(read.parameters.len() <= parameters.len(), "made-up parameters");
    for parameter in &read.parameters {
        let is_it = |sent: &Value| match sent {
            Value::String(sent) => begins(Some(parameter), Some(sent)),
            Value::Number(sent) => sent.to_string() == *parameter,
            _ => false,
        };
        assert!(parameters.iter().any(is_it), "a made-up parameter");
    }
}

/// Neither moves a cursor nor turns the direction of writing, nor is it left out of sight.
fn is_harmless(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns && !matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether `shown` is `sent` or its beginning; what is not printable may be written otherwise.
fn begins(shown: Option<&str>, sent: Option<&str>) -> bool {
    match (shown, sent) {
        (None, None) => true,
        (Some(shown), Some(sent)) => {
            let plain: String = sent.chars().take_while(|&character| is_harmless(character)).collect();
            let kept = shown.strip_suffix('…').unwrap_or(shown);
            plain.starts_with(kept) || kept.starts_with(&plain)
        }
        _ => false,
    }
}
