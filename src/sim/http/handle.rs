//! One request from arrival to answer. The order of the checks is that of `http`'s first lines.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use hyper::{HeaderMap, Request as HttpRequest, Response, body::Incoming};

use super::{
    access_history,
    answer::Answer,
    audit_logs,
    caller::{authenticate, check_address, scheme},
    compressed::{compressed, takes_gzip},
    connection::Line,
    damage::damage,
    discovery,
    errors::{ApiError, rate_limited},
    media_type::negotiate,
    oauth,
    route::Route,
};
use crate::{
    instant::Instant,
    sim::{DateHeader, Fault, Request, Settings, World, settings::Endpoint},
    source::Kind,
};

/// No body of a request is larger.
const BODY_LIMIT: usize = 64 * 1024;

/// The recorded headers of every answer of the API itself, less those that differ.
const HEADERS: [(&str, &str); 7] = [
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubdomains;"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-Java-Version", "17.0.19+10-LTS"),
    ("X-Mongodb-Service-Version", "gitHash=5a1a7ed0000000000000000000000000000000e5; versionString=master"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
];

/// A request's head, and what is needed besides.
struct Asked<'a> {
    world: &'a Arc<World>,
    settings: &'a Settings,
    head: &'a Request,
    headers: &'a HeaderMap,
    peer: SocketAddr,
    narrowed: (Duration, Duration),
}

/// Handles one request. Where a fault says so, it never returns or ends the connection.
pub(super) async fn handle(
    world: Arc<World>,
    request: HttpRequest<Incoming>,
    peer: SocketAddr,
    line: Line,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let route = Route::parse(parts.uri.path());
    let head = world.request_log().arrive(entry(&world, &parts, route.as_ref())).await;
    let faults = world.faults().strike(&head);
    if faults.contains(&Fault::Reset) {
        line.reset_now();
        return std::future::pending().await;
    }
    if faults.contains(&Fault::Hang) {
        return std::future::pending().await;
    }
    let settings = world.settings();
    let mut answer = match faults.iter().find_map(|fault| instead(fault, &head)) {
        Some(answer) => answer,
        None => {
            let narrowed = faults.iter().find_map(|fault| match fault {
                Fault::NarrowRange(start, end) => Some((*start, *end)),
                _ => None,
            });
            let narrowed = narrowed.unwrap_or_default();
            let asked =
                Asked { world: &world, settings: &settings, head: &head, headers: &parts.headers, peer, narrowed };
            respond(asked, route, body).await
        }
    };
    answer.set("Server", Some("mdbws".to_owned()));
    answer.set("X-Envoy-Upstream-Service-Time", Some("4".to_owned()));
    answer.set("Date", date(&settings, &faults, world.now()));
    for fault in &faults {
        answer = damage(answer, fault, &line);
    }
    world.request_log().answered(head.number, answer.status);
    Ok(answer.into_response())
}

fn entry(world: &World, parts: &hyper::http::request::Parts, route: Option<&Route>) -> Request {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    Request {
        number: 0,
        at: world.now(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        auth: scheme(header("authorization")).0,
        user_agent: header("user-agent").map(str::to_owned),
        accept: header("accept").map(str::to_owned),
        source: route.and_then(Route::source),
        status: None,
    }
}

/// The answer of a fault that answers instead of everybody else.
fn instead(fault: &Fault, head: &Request) -> Option<Answer> {
    match fault {
        Fault::Answer { status, headers, body } => {
            let answer = Answer::whole(*status, body.clone());
            Some(headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value)))
        }
        Fault::RateLimited { retry_after } => {
            Some(rate_limited(&head.path, retry_after.unwrap_or(60), (1200, 500, 60), retry_after.is_some()))
        }
        _ => None,
    }
}

/// `Mon, 10 Aug 2026 03:13:09 GMT`, or nothing.
fn date(settings: &Settings, faults: &[Fault], now: Instant) -> Option<String> {
    let DateHeader::Offset(offset) = settings.date else { return None };
    let more = faults.iter().map(|fault| if let Fault::DateOffset(more) = fault { *more } else { 0 });
    let shown = Instant::from_millis(more.fold(now.millis().saturating_add(offset), i64::saturating_add));
    Some(shown.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

async fn respond(asked: Asked<'_>, route: Option<Route>, body: Incoming) -> Answer {
    let Asked { world, settings, head, headers, peer, .. } = asked;
    let Some(route) = route else {
        let detail = format!("Cannot find resource {}.", head.path);
        return ApiError::new(404, "RESOURCE_NOT_FOUND", detail).with([head.path.as_str().into()]).into_answer();
    };
    if head.method != route.method() {
        return Answer::whole(405, "").with("Allow", route.method());
    }
    let Some((endpoint, suffix, method)) = route.resource() else {
        let Ok(body) = to_bytes(Body::new(body), BODY_LIMIT).await else {
            return ApiError::new(400, "INVALID_BODY", "The body could not be read.").into_answer();
        };
        let world = Arc::as_ref(world);
        return if route == Route::Token {
            oauth::token(world, headers, &body)
        } else {
            oauth::revoke(world, headers, &body)
        };
    };
    let header = |name| headers.get(name).and_then(|value: &hyper::header::HeaderValue| value.to_str().ok());
    let uri = if head.query.is_empty() { head.path.clone() } else { format!("{}?{}", head.path, head.query) };
    let caller = match authenticate(world, header("authorization"), &head.method, &uri) {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    let mut answer = match check_address(world, peer.ip()) {
        Err(error) => error.into_answer(),
        Ok(()) => limited(&asked, &route, endpoint, &caller, suffix).await,
    };
    for (name, value) in HEADERS {
        answer.set(name, Some(value.to_owned()));
    }
    if let Some(sunset) = settings.versions.get(&endpoint).and_then(|versions| versions.sunset.clone()) {
        answer.set("Deprecation", Some(sunset.clone()));
        answer.set("Sunset", Some(sunset));
    }
    let answer = answer.with("X-Java-Method", method);
    if settings.compresses && header("accept-encoding").is_some_and(takes_gzip) { compressed(answer) } else { answer }
}

/// Takes a token, then answers; the headers say how many are left either way.
async fn limited(
    asked: &Asked<'_>,
    route: &Route,
    endpoint: Endpoint,
    caller: &super::caller::Caller,
    suffix: &str,
) -> Answer {
    let Asked { world, settings, head, .. } = asked;
    let size = settings.bucket;
    let taken = world.buckets().take(route.group().unwrap_or_default(), endpoint, size, world.now());
    let mut answer = if taken.granted {
        let answered = resource(asked, route, endpoint, caller, suffix).await;
        answered.unwrap_or_else(ApiError::into_answer)
    } else {
        let bucket = (size.capacity, size.refill, size.every.as_secs());
        rate_limited(&head.path, taken.retry_after, bucket, settings.retry_after)
    };
    if settings.rate_limit_headers {
        answer.set("Ratelimit-Limit", Some(size.capacity.to_string()));
        answer.set("Ratelimit-Remaining", Some(taken.remaining.to_string()));
    }
    answer
}

async fn resource(
    asked: &Asked<'_>,
    route: &Route,
    endpoint: Endpoint,
    caller: &super::caller::Caller,
    suffix: &str,
) -> Result<Answer, ApiError> {
    let Asked { world, settings, head, headers, narrowed, .. } = *asked;
    let none = || ApiError::new(406, "INVALID_VERSION_DATE", "The resource has no version.");
    let versions = settings.versions.get(&endpoint).ok_or_else(none)?;
    let version = negotiate(head.accept.as_deref(), suffix, versions)?;
    let kind = match endpoint {
        Endpoint::AuditLogs => Some(Kind::StreamAudit),
        Endpoint::AccessHistory => Some(Kind::AccessHistory),
        Endpoint::Groups | Endpoint::Clusters | Endpoint::Streams => None,
    };
    if let Some(group) = route.group() {
        caller.check_project(world, group, kind)?;
    }
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let (base, query) = (format!("http://{host}"), head.query.as_str());
    let answer = match (route, &head.source) {
        (Route::AuditLogs { .. }, Some(source)) => audit_logs::answer(world, caller, source, query, narrowed).await?,
        (Route::AccessHistory { .. }, Some(source)) => access_history::answer(world, source, query).await?,
        (Route::Clusters { group }, _) => discovery::clusters(world, group, &base, query)?,
        (Route::Streams { group }, _) => discovery::streams(world, group, &base, query)?,
        _ => discovery::groups(world, caller, &base, query)?,
    };
    let charset = if suffix == "json" { ";charset=utf-8" } else { "" };
    Ok(answer.with("Content-Type", format!("application/vnd.atlas.{version}+{suffix}{charset}")))
}
