//! One request and its answer.

use std::io::{Read, Write as _};

use flate2::{Compression, write::GzEncoder};

use super::{
    super::{Ask, Consequence, Encoding, RequestError, decode},
    server::{Reply, Server, Then},
    setting::{access, ask, audit, client, client_at, impatient_client, source},
};
use crate::{
    instant::Instant,
    source::{AuthResult, Filter, Kind, SourceId},
    window::Window,
};

const GZIP: &str = "200 OK\nContent-Type: application/vnd.atlas.2023-02-01+gzip";

fn raw(head: &str, body: &str, then: Then) -> Reply {
    Reply(format!("HTTP/1.1 {}\r\n\r\n{body}", head.replace('\n', "\r\n")).into_bytes(), then)
}

#[tokio::test]
async fn asks_in_the_units_and_versions_of_the_two_endpoints() {
    let server = Server::with_token(Reply::json(r#"{"accessLogs":[]}"#));
    let client = client(&server.base_url);
    let _ = ask(&client, &source(Kind::StreamAudit, "or/ders ü?")).await;
    let filter = Filter { auth_result: AuthResult::Failure, ip_address: Some("2001:db8::9".parse().unwrap()) };
    let filtered = SourceId { filter, ..source(Kind::AccessHistory, "prod-0") };
    let asked = Window::new(Instant::from_millis(-1), Instant::from_millis(1_700_000_100_999));
    for auth_result in [AuthResult::Success, AuthResult::Failure] {
        client.ask(&Ask { source: &filtered, asked, auth_result, compressed: true }).await.unwrap();
    }
    ask(&client, &source(Kind::AccessHistory, "prod-0")).await.unwrap();

    let requests = server.requests();
    let lines: Vec<_> = requests.iter().map(|request| request.line.as_str()).collect();
    let access = "GET /api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/dbAccessHistory/clusters/prod-0";
    assert_eq!(
        lines,
        [
            "POST /api/oauth/token",
            "GET /api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/streams/or%2Fders%20%C3%BC%3F/auditLogs\
             ?startDate=1700000000&endDate=1700000101",
            &format!("{access}?start=0&end=1700000100999&nLogs=20000&authResult=true&ipAddress=2001%3Adb8%3A%3A9"),
            &format!("{access}?start=0&end=1700000100999&nLogs=20000&authResult=false&ipAddress=2001%3Adb8%3A%3A9"),
            &format!("{access}?start=1700000000001&end=1700000100999&nLogs=20000"),
        ]
    );
    let accepts: Vec<_> = requests[1..3].iter().filter_map(|request| request.header("accept")).collect();
    assert_eq!(accepts, ["application/vnd.atlas.2023-10-01+gzip", "application/vnd.atlas.2025-03-12+json"]);
    let encodings: Vec<_> = requests[1..3].iter().filter_map(|request| request.header("accept-encoding")).collect();
    assert_eq!(encodings, ["identity", "gzip"], "an audit log is a gzip itself");
    let agent =
        format!("atlas-logd/{} ({};{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    for request in &requests {
        assert_eq!(request.header("user-agent"), Some(agent.as_str()));
    }
}

#[tokio::test]
async fn a_name_that_would_ask_for_something_else_is_refused() {
    let server = Server::with_token(Reply::json("{}"));
    for name in ["..", "."] {
        let error = ask(&client(&server.base_url), &source(Kind::StreamAudit, name)).await.unwrap_err();
        assert!(matches!(error, RequestError::Name { .. }), "{name}: {error}");
        assert_eq!(error.consequence(), Consequence::GiveUp);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_body_with_a_length_is_whole_or_an_error() {
    let body = "exactly 24 bytes of data";
    for length in 0..=body.len() {
        let head = format!("{GZIP}\nContent-Length: {}", body.len());
        let server = Server::with_token(raw(&head, &body[..length], Then::Close));
        let result = audit(&client(&server.base_url)).await;
        if length == body.len() {
            assert_eq!(result.unwrap(), body.as_bytes());
        } else {
            let error = result.unwrap_err();
            assert!(matches!(error, RequestError::Cut { received, .. } if received == length as u64), "{error}");
            assert_eq!(error.consequence(), Consequence::Retry);
        }
    }
}

#[tokio::test]
async fn a_chunked_body_is_whole_or_an_error() {
    let head = format!("{GZIP}\nTransfer-Encoding: chunked");
    let body = "5\r\nab\ncd\r\n3\r\nefg\r\n0\r\n\r\n";
    for length in 0..=body.len() {
        let server = Server::with_token(raw(&head, &body[..length], Then::Close));
        let result = audit(&client(&server.base_url)).await;
        if length == body.len() {
            assert_eq!(result.unwrap(), b"ab\ncdefg");
        } else {
            assert!(matches!(result, Err(RequestError::Cut { .. })), "cut at {length}: {result:?}");
        }
    }
}

#[tokio::test]
async fn a_body_without_framing_counts_only_where_json_closes_it() {
    let server = Server::with_token(raw(GZIP, "", Then::Close));
    let error = audit(&client(&server.base_url)).await.unwrap_err();
    assert!(matches!(error, RequestError::Unframed), "{error}");

    let server = Server::with_token(raw("200 OK\nContent-Type: application/json", "{}", Then::Close));
    assert_eq!(access(&client(&server.base_url)).await.unwrap(), b"{}");
}

#[tokio::test]
async fn a_body_that_stalls_is_cut_off() {
    let head = format!("{GZIP}\nContent-Length: 100000");
    for sent in [0, 1000, 1024, 3000] {
        let server = Server::with_token(raw(&head, &"x".repeat(sent), Then::Nothing));
        let error = audit(&impatient_client(&server.base_url)).await.unwrap_err();
        assert!(matches!(error, RequestError::Trickles { received, .. } if received == sent as u64), "{error}");
        assert_eq!(error.consequence(), Consequence::Retry);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_not_waited_for() {
    let server = Server::with_token(Reply(b"HTTP/1.1 200 OK\r\nContent-".to_vec(), Then::Nothing));
    let error = audit(&impatient_client(&server.base_url)).await.unwrap_err();
    assert!(matches!(error, RequestError::Silent { .. }), "{error}");
    assert_eq!(error.to_string(), "127.0.0.1 did not begin to answer within 4 s");
}

#[tokio::test]
async fn what_is_no_http_or_no_server_at_all_is_an_error_to_retry() {
    let server = Server::with_token(Reply(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), Then::Close));
    let error = audit(&client(&server.base_url)).await.unwrap_err();
    assert!(matches!(error, RequestError::Broken { .. }), "{error}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = audit(&client(&format!("http://{free}"))).await.unwrap_err();
    assert_eq!(error.consequence(), Consequence::Retry);
    assert!(error.to_string().starts_with("no access token: no connection to 127.0.0.1: "), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_only_its_host_is_told() {
    let reply = Reply::new("302 Found\nLocation: https://login.example.com/?token=secret", "");
    let server = Server::with_token(reply);
    let error = audit(&client(&server.base_url)).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is a redirect (302) to login.example.com");
    assert_eq!(error.consequence(), Consequence::GiveUp);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_200_of_another_type_is_an_error_that_names_it() {
    for (head, expected) in [
        ("200 OK\nContent-Type: text/html; charset=utf-8", "the answer is text/html; charset=utf-8 instead of gzip"),
        ("200 OK\nContent-Type: application/json", "the answer is application/json instead of gzip"),
        (
            "200 OK\nContent-Type: application/gzip\nContent-Encoding: gzip",
            "the answer has the content encoding gzip, which was not asked for",
        ),
        ("204 No Content", "the answer is 204"),
        ("206 Partial Content\nContent-Type: application/gzip", "the answer is 206"),
    ] {
        let server = Server::with_token(Reply::new(head, ""));
        let error = audit(&client(&server.base_url)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.consequence(), Consequence::GiveUp);
    }
    let server = Server::with_token(Reply::new("200 OK", ""));
    assert!(audit(&client(&server.base_url)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_tells_how_its_body_is_encoded() {
    const PAGE: &str = "200 OK\nContent-Type: application/json";
    for (header, expected) in [
        ("", Ok(Encoding::Identity)),
        ("\nContent-Encoding: identity", Ok(Encoding::Identity)),
        ("\nContent-Encoding: gzip", Ok(Encoding::Gzip)),
        ("\nContent-Encoding: deflate", Err("the answer has the content encoding deflate, which was not asked for")),
    ] {
        let server = Server::with_token(Reply::new(&format!("{PAGE}{header}"), "{}"));
        let answer = ask(&client(&server.base_url), &source(Kind::AccessHistory, "prod-0")).await;
        let encoding = answer.map(|answer| answer.encoding).map_err(|error| error.to_string());
        assert_eq!(encoding.as_ref().map_err(String::as_str), expected.as_ref().map_err(|text| *text), "{header}");
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_read_compressed_too() {
    let body = r#"{"error":404,"errorCode":"CLUSTER_NOT_FOUND","detail":"No cluster named prod-0 exists."}"#;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let head = "404 Not Found\nContent-Type: application/json";
    let plain = Reply::new(head, body);
    let packed = Reply::new(&format!("{head}\nContent-Encoding: gzip"), encoder.finish().unwrap());
    for reply in [plain, packed] {
        let server = Server::with_token(reply);
        let error = access(&client(&server.base_url)).await.unwrap_err().to_string();
        assert!(error.contains("CLUSTER_NOT_FOUND: No cluster named prod-0 exists."), "{error}");
    }
}

#[tokio::test]
async fn an_answer_tells_its_time_and_the_window_that_was_applied() {
    let reply = Reply::new(
        "200 OK
         Content-Type: application/vnd.atlas.2023-02-01+gzip
         Content-Disposition: attachment; filename=\"orders_2026-08-10T03:12:58Z_2026-08-10T03:13:08Z_audit.log.gz\"
         Date: Mon, 10 Aug 2026 03:13:09 GMT",
        "",
    );
    let server = Server::with_token(reply);
    let now: Instant = "2026-08-10T03:15:10.500Z".parse().unwrap();
    let client = client_at(&server.base_url, now);
    assert_eq!(client.clock_offset_ms(), None);
    let answer = ask(&client, &source(Kind::StreamAudit, "orders")).await.unwrap();
    assert_eq!(answer.asked_at, now);
    assert_eq!(answer.date.unwrap().to_string(), "2026-08-10T03:13:09Z");
    assert_eq!(answer.echoed.unwrap().to_string(), "[2026-08-10T03:12:58Z, 2026-08-10T03:13:08Z)");
    assert_eq!(client.clock_offset_ms(), Some(-120_500));
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_a_refusal_is_not() {
    for (head, body, expected, consequence) in [
        ("502 Bad Gateway", "<html>", "the server failed with 502", Consequence::Retry),
        ("500 Oops", r#"{"errorCode":"X"}"#, "the server failed with 500 (X)", Consequence::Retry),
        (
            "503 Wait\nRetry-After: 7",
            "",
            "the server failed with 503",
            Consequence::RetryAfter(std::time::Duration::from_secs(7)),
        ),
        ("405 Method Not Allowed", "", "the answer is 405", Consequence::GiveUp),
        (
            "404 Not Found",
            r#"{"detail":"No cluster x.","errorCode":"CLUSTER_NOT_FOUND"}"#,
            "the answer is 404 (CLUSTER_NOT_FOUND: No cluster x.)",
            Consequence::GiveUp,
        ),
    ] {
        let server = Server::with_token(Reply::new(head, body));
        let error = access(&client(&server.base_url)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.consequence(), consequence);
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_not_waited_for_and_not_read_without_end() {
    let head = "400 Bad Request\nContent-Length: 100000000";
    let server = Server::with_token(raw(head, "{", Then::Nothing));
    let error = access(&impatient_client(&server.base_url)).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is 400");
    let server = Server::with_token(raw(head, &" ".repeat(1 << 20), Then::Nothing));
    let error = access(&client(&server.base_url)).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is 400");
}

#[tokio::test]
async fn a_pumped_body_reaches_its_reader_with_its_end_or_its_failure() {
    for (sent, complete) in [(200_000, true), (199_999, false)] {
        let head = format!("{GZIP}\nContent-Length: 200000");
        let server = Server::with_token(raw(&head, &"x".repeat(sent), Then::Close));
        let answer = ask(&client(&server.base_url), &source(Kind::StreamAudit, "orders")).await.unwrap();
        let (sender, mut reader) = decode::channel(1);
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let result = reader.read_to_end(&mut bytes);
            (bytes.len(), result.is_ok())
        });
        let pumped = answer.body.pump(sender).await;
        assert_eq!(reading.await.unwrap(), (sent, complete));
        assert_eq!(pumped.is_ok(), complete, "{pumped:?}");
    }
}
