//! The challenge of a server to whom an API key has to prove itself.
//!
//! The lines of the input are the values of headers `WWW-Authenticate`.

use atlas_logd::atlas::Challenge;
use md5::{Digest, Md5};
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

const PUBLIC_KEY: &str = "abcdefgh";
const PRIVATE_KEY: &str = "01234567-89ab-cdef-0123-456789abcdef";
const URI: &str = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/streams/a%22b/auditLogs?startDate=1&endDate=2";

/// A reason that a server had a part in, with the sentence around it and each of 200 characters escaped.
const LONGEST_MESSAGE: usize = 200 * 10 + 100;

/// Whatever a server asks, the answer is one header whose fields are those that it has to have, each once and each with
/// the value that it has to have. The private key is only in the hash of the response, and an error is short.
pub fn check(input: &[u8]) {
    if contains(input, PRIVATE_KEY.as_bytes()) {
        // Then it would be the server that shows it.
        return;
    }
    let values = input.split(|&byte| byte == b'\n').take(8);
    let headers: HeaderMap = values
        .filter_map(|value| HeaderValue::from_bytes(value).ok())
        .map(|value| (WWW_AUTHENTICATE, value))
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        });
    match Challenge::find(&headers) {
        Ok(Some(challenge)) => check_answers(challenge, input),
        Ok(None) => {}
        Err(error) => check_message(&error.to_string()),
    }
}

fn check_answers(mut challenge: Challenge, input: &[u8]) {
    assert!(!challenge.is_answered(), "an answer was counted before there was one");
    assert!(format!("{challenge:?}").len() < 100, "its debug output shows what the server sent");
    for count in 1..=3 {
        let answer = match challenge.answer(PUBLIC_KEY, PRIVATE_KEY, URI) {
            Ok(answer) => answer,
            Err(error) => return check_message(&error.to_string()),
        };
        assert!(challenge.is_answered(), "an answer was not counted");
        assert!(answer.is_sensitive(), "the answer would be shown in debug output");
        assert!(answer.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t'), "not one line");
        assert!(!contains(answer.as_bytes(), PRIVATE_KEY.as_bytes()), "the private key is in the answer");
        check_fields(answer.to_str().expect("it is plain text"), count, input);
    }
}

fn check_fields(answer: &str, count: u32, input: &[u8]) {
    let fields = answer.strip_prefix("Digest ").expect("it answers a Digest challenge");
    let fields = parsed(fields).unwrap_or_else(|| panic!("its fields cannot be told apart: {answer}"));
    let field = |name: &str| {
        let mut found = fields.iter().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "the field {name} is there twice: {answer}");
        value
    };
    for (name, _) in &fields {
        let known = ["username", "userhash", "realm", "uri", "nonce", "algorithm", "nc", "cnonce", "qop", "response"];
        assert!(known.contains(&name.as_str()) || name == "opaque", "an unknown field {name}: {answer}");
    }
    assert_eq!(field("uri"), Some(URI));
    assert_eq!(field("userhash").is_none(), field("username") == Some(PUBLIC_KEY), "{answer}");
    assert!(field("nc").is_none_or(|nc| nc == format!("{count:08x}")), "the nonce is not counted up: {answer}");
    let (realm, nonce) = (field("realm").expect("it has a realm"), field("nonce").expect("it has a nonce"));
    let response = field("response").expect("it has a response");
    assert!(response.len() >= 32 && response.bytes().all(|byte| byte.is_ascii_hexdigit()), "{answer}");
    let first = md5(&[PUBLIC_KEY, realm, PRIVATE_KEY]);
    let second = md5(&["GET", URI]);
    // The same sums as in RFC 2617, and RFC 2069 where the server does not know that one.
    match (field("algorithm"), field("qop")) {
        // The old way knows no algorithm but this one; the answer to a server that mixes both does not tell it.
        (None, None) if contains(&input.to_ascii_lowercase(), b"algorithm") => {}
        (None, None) => assert_eq!(response, md5(&[&first, nonce, &second]), "{answer}"),
        (Some(algorithm @ ("MD5" | "MD5-sess")), Some("auth")) => {
            let (nc, cnonce) = (field("nc").unwrap_or_default(), field("cnonce").unwrap_or_default());
            assert!(cnonce.len() >= 16, "a short number of our own: {answer}");
            let first = if algorithm == "MD5" { first } else { md5(&[&first, nonce, cnonce]) };
            assert_eq!(response, md5(&[&first, nonce, nc, cnonce, "auth", &second]), "{answer}");
        }
        (Some("SHA-256" | "SHA-256-sess" | "SHA-512-256" | "SHA-512-256-sess"), Some("auth")) => {}
        other => panic!("an unknown algorithm or qop {other:?}: {answer}"),
    }
}

/// `key=value` or `key="value"`, again and again, with commas between: the fields as a server reads them.
fn parsed(mut fields: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    loop {
        let (name, rest) = fields.split_once('=')?;
        let mut value = String::new();
        let rest = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut characters = quoted.chars();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => value.push(characters.next()?),
                        character => value.push(character),
                    }
                }
                characters.as_str()
            }
            None => {
                let end = rest.find(", ").unwrap_or(rest.len());
                value.push_str(&rest[..end]);
                &rest[end..]
            }
        };
        found.push((name.to_owned(), value));
        if rest.is_empty() {
            return Some(found);
        }
        fields = rest.strip_prefix(", ")?;
    }
}

fn md5(parts: &[&str]) -> String {
    Md5::digest(parts.join(":")).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_message(message: &str) {
    assert!(message.chars().count() < LONGEST_MESSAGE, "a message without end: {message}");
    assert!(!message.contains(char::is_control), "a terminal would obey: {message:?}");
    assert!(!message.contains(PRIVATE_KEY), "the private key is in a message");
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
