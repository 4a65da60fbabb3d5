//! HTTP Digest (RFC 7616 with MD5 and `qop=auth`), as the API asks it of API keys.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};

use super::nonces::Use;
use crate::sim::World;

/// The recorded realm.
const REALM: &str = "MMS Public API";

/// What a client sent in its `Authorization: Digest …` header.
#[derive(Debug)]
pub(in crate::sim) struct DigestAnswer(BTreeMap<String, String>);

/// What the verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum DigestVerdict {
    /// This public key it is.
    Proven(String),
    /// Everything is right but the age of the nonce.
    Stale,
    /// Anything else.
    Wrong,
}

/// The value of `WWW-Authenticate`, as recorded.
pub(in crate::sim) fn challenge(nonce: &str, stale: bool) -> String {
    format!(r#"Digest realm="{REALM}", domain="", nonce="{nonce}", algorithm=MD5, qop="auth", stale={stale}"#)
}

impl DigestAnswer {
    /// Reads the header's value after `Digest `: `name=token` or `name="quoted"`, comma-separated, no name twice.
    pub(in crate::sim) fn parse(text: &str) -> Option<Self> {
        let mut fields = BTreeMap::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (name, value) = rest.split_once('=')?;
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => {
                    let end = value.find(',').unwrap_or(value.len());
                    (value[..end].trim().to_owned(), &value[end..])
                }
            };
            if fields.insert(name.trim().to_ascii_lowercase(), value).is_some() {
                return None;
            }
            rest = after.trim_start();
            if !rest.is_empty() {
                rest = rest.strip_prefix(',')?.trim_start();
            }
        }
        Some(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Reads up to the closing quote; returns what was in it and what follows.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return Some((value, &quoted[place + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Verifies an answer to one of our challenges for a request with this method and this path and query as sent.
pub(in crate::sim) fn verify(world: &World, answer: &DigestAnswer, method: &str, uri: &str) -> DigestVerdict {
    let Some(claim) = Claim::check(answer, uri) else { return DigestVerdict::Wrong };
    let keys = world.api_keys().clone();
    let Some(key) = keys.iter().find(|key| key.public_key == claim.username) else { return DigestVerdict::Wrong };
    let secret = md5_hex(&format!("{}:{REALM}:{}", key.public_key, key.private_key));
    let request = md5_hex(&format!("{method}:{uri}"));
    let Claim { nonce, count_text, cnonce, .. } = claim;
    if md5_hex(&format!("{secret}:{nonce}:{count_text}:{cnonce}:auth:{request}")) != claim.response {
        return DigestVerdict::Wrong;
    }
    let life = world.settings().nonce_life;
    // Only after the response was proven: nobody else can use up a count or learn about a nonce.
    match world.nonces().take(nonce, claim.count, life, world.now()) {
        Use::Fresh => DigestVerdict::Proven(key.public_key.clone()),
        Use::Stale => DigestVerdict::Stale,
        Use::Replayed => DigestVerdict::Wrong,
    }
}

/// The fields that have to be there, in the form that they have to have.
struct Claim<'a> {
    username: &'a str,
    nonce: &'a str,
    count_text: &'a str,
    count: u32,
    cnonce: &'a str,
    response: &'a str,
}

impl<'a> Claim<'a> {
    fn check(answer: &'a DigestAnswer, uri: &str) -> Option<Self> {
        let count_text = answer.get("nc")?;
        let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let proper = answer.get("realm")? == REALM
            && answer.get("uri")? == uri
            && answer.get("qop")? == "auth"
            && answer.get("algorithm").is_none_or(|algorithm| algorithm == "MD5")
            && count_text.len() == 8
            && hexadecimal(count_text);
        let cnonce = answer.get("cnonce").filter(|cnonce| !cnonce.is_empty())?;
        proper.then_some(Self {
            username: answer.get("username")?,
            nonce: answer.get("nonce")?,
            count_text,
            count: u32::from_str_radix(count_text, 16).ok()?,
            cnonce,
            response: answer.get("response")?,
        })
    }
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{clock::ManualClock, instant::Instant, sim::ApiKey};

    const URI: &str = "/api/atlas/v2/groups?pageNum=1";

    struct Client {
        world: World,
        clock: Arc<ManualClock>,
        nonce: String,
    }

    impl Client {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new(Instant::from_seconds(1_000_000)));
            let world = World::new(1, clock.clone());
            world.add_api_key(ApiKey::new("public", "pri:vate"));
            let nonce = world.draw(32);
            world.nonces().issue(nonce.clone(), world.now());
            Self { world, clock, nonce }
        }

        /// An answer computed step by step, independently of the verification.
        fn answer(&self, uri: &str, count: u32, private_key: &str) -> String {
            let secret = md5_hex(&format!("public:MMS Public API:{private_key}"));
            let request = md5_hex(&format!("GET:{uri}"));
            let response = md5_hex(&format!("{secret}:{}:{count:08x}:abc:auth:{request}", self.nonce));
            format!(
                r#"username="public", realm="MMS Public API", nonce="{}", uri="{uri}", algorithm=MD5, response="{response}", qop=auth, nc={count:08x}, cnonce="abc""#,
                self.nonce
            )
        }

        fn verify(&self, answer: &str) -> DigestVerdict {
            verify(&self.world, &DigestAnswer::parse(answer).unwrap(), "GET", URI)
        }
    }

    #[test]
    fn md5_is_that_of_the_rfc() {
        // RFC 2617, section 3.5.
        let secret = md5_hex("Mufasa:testrealm@host.com:Circle Of Life");
        let request = md5_hex("GET:/dir/index.html");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = md5_hex(&format!("{secret}:{nonce}:00000001:0a4f113b:auth:{request}"));
        assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn a_right_answer_proves_the_key_once() {
        let client = Client::new();
        let proven = DigestVerdict::Proven("public".into());
        assert_eq!(client.verify(&client.answer(URI, 1, "pri:vate")), proven);
        assert_eq!(client.verify(&client.answer(URI, 1, "pri:vate")), DigestVerdict::Wrong);
        assert_eq!(client.verify(&client.answer(URI, 3, "pri:vate")), proven);
        assert_eq!(client.verify(&client.answer(URI, 2, "pri:vate")), proven);
        assert_eq!(client.verify(&client.answer(URI, 0, "pri:vate")), DigestVerdict::Wrong);
    }

    #[test]
    fn an_old_nonce_is_stale_only_for_who_knows_the_private_key() {
        let client = Client::new();
        client.clock.set(Instant::from_seconds(1_000_000) + Duration::from_secs(60));
        assert_eq!(client.verify(&client.answer(URI, 1, "pri:vate")), DigestVerdict::Stale);
        assert_eq!(client.verify(&client.answer(URI, 1, "guessed")), DigestVerdict::Wrong);
    }

    #[test]
    fn anything_else_that_differs_is_wrong() {
        let client = Client::new();
        let right = client.answer(URI, 1, "pri:vate");
        let wrong = [
            client.answer("/api/atlas/v2/groups", 1, "pri:vate"),
            client.answer(URI, 1, "guessed"),
            right.replace("MMS Public API", "other"),
            right.replace("qop=auth", "qop=auth-int"),
            right.replace("algorithm=MD5", "algorithm=SHA-256"),
            right.replace("nc=00000001", "nc=1"),
            right.replace("username=\"public\"", "username=\"else\""),
            right.replace("cnonce=\"abc\"", "cnonce=\"\""),
            // The hash covers the request as it came, so that only the field itself can tell that the client meant another.
            right.replace(URI, "/api/atlas/v2/groups"),
        ];
        for answer in wrong {
            assert_eq!(client.verify(&answer), DigestVerdict::Wrong, "{answer}");
        }
        assert!(DigestAnswer::parse(&format!("{right}, nc=00000001")).is_none(), "a field twice");
        assert!(DigestAnswer::parse("username=\"open").is_none());
    }
}
