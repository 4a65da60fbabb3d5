//! Each source: permission, name, tier.

use std::{convert::Infallible, time::Duration};

use serde::de::IgnoredAny;
use tokio::{task::JoinError, time::Instant};

use super::{
    finding::{Area, Finding},
    listed::ListedNames,
};
use crate::{
    atlas::{
        Answer, Ask, Client, Code, Consequence, Listed, NOT_ATLAS, RequestError,
        decode::{self, DecodeError, Limits},
    },
    clock::Clock,
    collect::STILL_LISTED,
    nearest::nearest,
    source::{Kind, Source},
    state::FoundSource,
    window::Window,
};

/// How much of the recent past is asked of each source: enough to see that it may be asked.
const RECENT: Duration = Duration::from_secs(60);

/// So many chunks of an answer wait for the decoder.
const CHUNKS_AHEAD: usize = 4;

/// Why a source cannot be collected.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Request(#[from] RequestError),
    #[error("the answer cannot be used: {0}")]
    Decode(#[from] DecodeError<Infallible>),
    #[error("the decoder stopped unexpectedly: {0}")]
    Decoder(#[from] JoinError),
}

impl Fault {
    /// Whether the answer does not look like one of Atlas.
    fn is_of_another(&self) -> bool {
        use DecodeError::{GzipCut, GzipDamaged, JsonCut, JsonDamaged, Shape};
        matches!(
            self,
            Self::Decode(GzipCut { .. } | GzipDamaged { .. } | JsonCut { .. } | JsonDamaged { .. } | Shape(_))
        )
    }
}

/// What one source is asked with.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) clock: &'a dyn Clock,
    /// How long one request is tried.
    pub(super) patience: Duration,
    /// How large an answer and a record may be.
    pub(super) limits: Limits,
    pub(super) listed: &'a ListedNames,
    /// The projects that the credential sees, where that is known.
    pub(super) projects: Option<&'a [Listed]>,
    /// What a list said of it, if it was found and is not named.
    pub(super) found: Option<&'a FoundSource>,
}

impl Asking<'_> {
    /// Asks for the last minute of a source.
    pub(super) async fn look(&self, source: &Source) -> Finding {
        let subject = source.to_string();
        let error = match self.ask(source).await {
            Ok(()) => {
                let paused = self.found.is_some_and(|found| found.paused);
                return Finding::ok(Area::Source, subject, if paused { "ok, paused" } else { "ok" });
            }
            Err(Fault::Request(error)) => error,
            Err(fault) => {
                let advice = fault.is_of_another().then(|| NOT_ATLAS.to_owned());
                return Finding::failed(Area::Source, subject, fault.to_string()).advise(advice);
            }
        };
        let is_refused = matches!(error, RequestError::Refused { status: 400 | 404 | 409, .. });
        match self.found {
            Some(found) if error.says_gone() && !found.listed => {
                let message = format!("gone: no list shows it any more, and {error}");
                return Finding::warning(Area::Source, subject, message)
                    .advise("it is left at the next poll; nothing has to be done".to_owned());
            }
            Some(found) if found.paused && is_refused => {
                return Finding::warning(Area::Source, subject, format!("paused, and not answered for: {error}"));
            }
            _ => {}
        }
        if let Some(message) = self.tier(source, &error).await {
            let advice = "Atlas has no access history of it: remove it from the configuration".to_owned();
            return Finding::failed(Area::Source, subject, format!("{message}: {error}")).advise(advice);
        }
        let advice: Vec<String> = match self.found.filter(|found| found.listed && error.says_gone()) {
            // Nobody wrote its name.
            Some(_) => vec![STILL_LISTED.to_owned()],
            None => error.advice(source).into_iter().chain(self.suggest(source, &error).await).collect(),
        };
        let advice = (!advice.is_empty()).then(|| advice.join("; "));
        Finding::failed(Area::Source, subject, error.to_string()).advise(advice)
    }

    async fn ask(&self, source: &Source) -> Result<(), Fault> {
        let now = self.clock.now();
        let asked = Window::new(now - RECENT, now);
        let auth_result = source.id.filter.auth_result;
        let mut ask = Ask { source: &source.id, asked, auth_result, compressed: true };
        let give_up = Instant::now() + self.patience;
        loop {
            let error = match self.client.ask(&ask).await {
                Ok(answer) => match self.read(answer, source.id.kind).await {
                    Err(Fault::Decode(fault))
                        if ask.compressed && source.id.kind == Kind::AccessHistory && fault.may_be_of_compression() =>
                    {
                        ask.compressed = false;
                        continue;
                    }
                    read => return read,
                },
                Err(error) => error,
            };
            // Too much was asked at once. That says nothing about this source.
            let Consequence::RetryAfter(wait) = error.consequence() else { return Err(error.into()) };
            let held = self.client.hold(&source.id.project_id, source.id.kind).unwrap_or_default();
            let next = Instant::now() + wait.max(held);
            if next >= give_up {
                return Err(error.into());
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Reads an answer as a poll does, and keeps nothing of it.
    async fn read(&self, answer: Answer, kind: Kind) -> Result<(), Fault> {
        let Answer { encoding, body, .. } = answer;
        let ((sender, reader), limits) = (decode::channel(CHUNKS_AHEAD), self.limits);
        let decoding = tokio::task::spawn_blocking(move || match kind {
            Kind::StreamAudit => decode::gzip_lines(reader, &limits, |_| Ok(())),
            Kind::AccessHistory => {
                encoding.json_entries(reader, &limits, |_, _: Option<IgnoredAny>| Ok(())).map(|_| ())
            }
        });
        let pumped = body.pump(sender).await;
        let decoded = decoding.await?;
        // The decoder only knows that the body stopped; why, knows who fed it.
        pumped?;
        Ok(decoded?)
    }

    /// That it is a shared-tier cluster, where its list says so.
    async fn tier(&self, source: &Source, error: &RequestError) -> Option<&'static str> {
        let may_be = matches!(error, RequestError::Refused { status: 400 | 404, .. });
        if source.id.kind != Kind::AccessHistory || !may_be {
            return None;
        }
        let (project_id, name) = (&source.id.project_id, &source.id.name);
        let is_shared = |listed: &[Listed]| {
            listed.iter().find(|listed| listed.name == *name).filter(|listed| listed.shared_tier).map(|_| ())
        };
        let shared = self.listed.look(self.client, project_id, Kind::AccessHistory, is_shared).await;
        shared.map(|()| "a shared-tier cluster (M0, M2 or M5) by its list")
    }

    /// The name or project that was probably meant, where Atlas does not know the one that is configured.
    async fn suggest(&self, source: &Source, error: &RequestError) -> Option<String> {
        let RequestError::Refused { status, error: body, .. } = error else { return None };
        if *status == 404 && body.code != Some(Code::GroupNotFound) {
            let near = |listed: &[Listed]| {
                let names = listed.iter().map(|listed| listed.name.as_str());
                // A list can show what there is no log of.
                nearest(&source.id.name, names.filter(|name| *name != source.id.name)).map(str::to_owned)
            };
            let near = self.listed.look(self.client, &source.id.project_id, source.id.kind, near).await?;
            return Some(format!("did you mean {near:?}?"));
        }
        let seen = self.projects?;
        if seen.iter().any(|project| project.id.as_ref() == Some(&source.id.project_id)) {
            return None;
        }
        let namesake = seen.iter().find(|project| project.name == source.project_name);
        let near = || {
            let ids = seen.iter().filter_map(|project| project.id.as_deref());
            let id = nearest(&source.id.project_id, ids)?;
            seen.iter().find(|project| project.id.as_deref() == Some(id))
        };
        let meant = namesake.or_else(near)?;
        Some(format!("did you mean the project {:?} with the id {:?}?", meant.name, meant.id.as_deref()?))
    }
}
