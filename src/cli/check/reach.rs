//! The way to Atlas: its name, a connection, TLS. Each is told apart, because somebody else mends it.

use std::{net::SocketAddr, time::Duration};

use reqwest::Url;
use tokio::{net::TcpStream, time::timeout};

use super::finding::{Area, Finding};
use crate::{
    atlas::{Client, RequestError},
    config::Atlas,
};

/// Looking up a name takes no longer, or nobody answers.
const LOOKUP: Duration = Duration::from_secs(10);

/// Variables that can name a proxy for https.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Whether Atlas can be reached at all, without any credential; `client` is any.
pub(super) async fn look(atlas: &Atlas, client: Option<&Client>) -> Finding {
    let failed = |message: String, advice: &str| {
        Finding::failed(Area::Reachability, atlas.base_url.clone(), message).advise(advice.to_owned())
    };
    let Some((host, port)) = host_and_port(&atlas.base_url) else {
        return failed("no URL with a host".to_owned(), "set atlas.base_url");
    };
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let proxy = PROXY_VARIABLES.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let way = match proxy.filter(|_| !is_loopback) {
        // Then it is the proxy that looks up the name and connects.
        Some(variable) => format!("through the proxy in ${variable}, unless $NO_PROXY excepts it"),
        None => {
            let addresses = match timeout(LOOKUP, tokio::net::lookup_host((host.as_str(), port))).await {
                Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
                Ok(Err(error)) => {
                    let message = format!("the name {host} cannot be looked up: {error}");
                    return failed(message, "check atlas.base_url and the name service (DNS) of this machine");
                }
                Err(_) => {
                    let message = format!("the name {host} was not looked up within {} s", LOOKUP.as_secs());
                    return failed(message, "check the name service (DNS) of this machine");
                }
            };
            match connect(&addresses, atlas.connect_timeout).await {
                Ok(address) => format!("connected to {address}"),
                Err(why) => {
                    let advice = format!("let this machine connect to {host}, port {port}, or set HTTPS_PROXY");
                    return failed(why, &advice);
                }
            }
        }
    };
    match answers(client).await {
        Ok(()) => Finding::ok(Area::Reachability, atlas.base_url.clone(), format!("ok, {way}")),
        Err(error) => {
            let advice = error.advice_of_all().unwrap_or_else(|| {
                "check atlas.base_url, and what stands between this machine and Atlas (a proxy, a firewall)".to_owned()
            });
            failed(format!("{way}, but no exchange is possible: {error}"), &advice)
        }
    }
}

/// Whether TLS and HTTP work: anything that is said about a credential says so too.
async fn answers(client: Option<&Client>) -> Result<(), RequestError> {
    let Some(client) = client else { return Ok(()) };
    match client.prime().await {
        Err(RequestError::Token(error)) if error.concerns_connection() => Err(*error),
        Err(error) if error.concerns_connection() => Err(error),
        _ => Ok(()),
    }
}

/// Connects to the first address that takes it.
async fn connect(addresses: &[SocketAddr], within: Duration) -> Result<SocketAddr, String> {
    let mut why = "its name has no address".to_owned();
    for address in addresses {
        why = match timeout(within, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(*address),
            Ok(Err(error)) => format!("no connection to {address}: {error}"),
            Err(_) => format!("no connection to {address} within {} s", within.as_secs_f64()),
        };
    }
    Err(why)
}

fn host_and_port(base_url: &str) -> Option<(String, u16)> {
    let url = Url::parse(base_url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port_or_known_default()?))
}
