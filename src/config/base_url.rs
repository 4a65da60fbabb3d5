//! The address of Atlas.

use std::net::IpAddr;

use reqwest::Url;

/// Reads scheme and host, for example `https://cloud.mongodb.com`; gives it back without a trailing slash.
///
/// Credentials go to this host, so plain http is allowed only where they do not leave the machine. No message repeats
/// the text: people put user and password into URLs.
pub(super) fn parse(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "for example \"https://cloud.mongodb.com\"";
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    // The parser forgives what a careful reader would not: blanks, backslashes, a missing slash.
    let is_plain = text.chars().all(|character| character.is_ascii_graphic() && character != '\\');
    let is_known = matches!(scheme.as_deref(), Some("https" | "http"));
    if !is_plain || !is_known {
        return Err(format!("not a URL with https; allowed: scheme and host, {EXAMPLE}"));
    }
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}; allowed: scheme and host, {EXAMPLE}"))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(format!("a user or password does not belong in the URL; allowed: scheme and host, {EXAMPLE}"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("nothing may follow the host; allowed: scheme and host, {EXAMPLE}"));
    }
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(format!(
            "plain http would show credentials to the network; allowed: https, {EXAMPLE}, or http to \
                            localhost, 127.0.0.0/8 and [::1]"
        ));
    }
    Ok(url.origin().ascii_serialization())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_this_machine() {
        for (text, expected) in [
            ("https://cloud.mongodb.com", "https://cloud.mongodb.com"),
            ("https://cloud.mongodbgov.com/", "https://cloud.mongodbgov.com"),
            ("HTTPS://Cloud.MongoDB.com:443", "https://cloud.mongodb.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://localhost:1", "http://localhost:1"),
            ("https://10.0.0.1:8443", "https://10.0.0.1:8443"),
        ] {
            assert_eq!(parse(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn plain_http_leaves_the_machine_nowhere() {
        let expected = "plain http would show credentials to the network; allowed: https, for example \
                        \"https://cloud.mongodb.com\", or http to localhost, 127.0.0.0/8 and [::1]";
        for text in ["http://cloud.mongodb.com", "http://localhost.example.org", "http://128.0.0.1", "http://[::2]"] {
            assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn more_than_scheme_and_host_is_refused() {
        let follow = "nothing may follow the host; allowed: scheme and host, for example \"https://cloud.mongodb.com\"";
        for text in ["https://a.b/api", "https://a.b/?x=1", "https://a.b/#x", "https://a.b?x"] {
            assert_eq!(parse(text), Err(follow.to_owned()), "{text}");
        }
        let user = "a user or password does not belong in the URL; allowed: scheme and host, for example \
                    \"https://cloud.mongodb.com\"";
        for text in ["https://u:hunter2@a.b", "https://u@a.b", "https://@a.b"] {
            assert_eq!(parse(text), Err(user.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let shape = "not a URL with https; allowed: scheme and host, for example \"https://cloud.mongodb.com\"";
        for text in ["", "cloud.mongodb.com", "ftp://a.b", "https:a.b", "https:\\\\a.b", " https://a.b", "https://a\nb"]
        {
            assert_eq!(parse(text), Err(shape.to_owned()), "{text}");
        }
        let port =
            "not a URL: invalid port number; allowed: scheme and host, for example \"https://cloud.mongodb.com\"";
        assert_eq!(parse("https://a.b:99999"), Err(port.to_owned()));
    }
}
