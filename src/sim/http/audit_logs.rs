//! `GET …/streams/{tenantName}/auditLogs`: a gzip of lines, oldest first.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use memchr::memmem;

use super::{
    answer::Answer,
    caller::Caller,
    errors::ApiError,
    producer::{Sink, produce},
    query::{Query, ordered},
};
use crate::{
    instant::Instant,
    sim::{
        EmptyAudit, Event, Settings, World,
        truth::{Order, Question, Selection, downloaded},
    },
    source::SourceId,
};

/// The range of a request that names none.
const WITHOUT_RANGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long it takes until a download stands in the log itself.
const DOWNLOAD_SHOWN_AFTER: Duration = Duration::from_secs(2);

/// The recorded 23 bytes of an empty gzip.
const GZIP_OF_NOTHING: [u8; 23] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];

/// Answers; `narrowed` is how much a fault leaves out at the start and the end of the range.
pub(super) async fn answer(
    world: &Arc<World>,
    caller: &Caller,
    source: &SourceId,
    query: &str,
    narrowed: (Duration, Duration),
) -> Result<Answer, ApiError> {
    let query = Query::parse(query, &["startDate", "endDate", "envelope", "spName"])?;
    query.flag("envelope")?;
    let (now, settings) = (world.now(), world.settings());
    let to = query.seconds("endDate")?.unwrap_or(Instant::from_seconds(now.seconds_floor()));
    let from = query.seconds("startDate")?.unwrap_or(to - WITHOUT_RANGE);
    ordered(from, to)?;
    check_instance(world, source)?;
    let (from, to) = narrow(from, to, settings.audit_range_cut);
    let (from, to) = narrow(from, to, narrowed);
    let question = Question {
        from,
        to,
        as_of: now,
        held_since: Instant::MIN,
        clock: settings.range_clock,
        bounds: settings.bounds,
    };
    let events = world.select(source, question, Order::OldestFirst);
    if settings.downloads_are_audited {
        let line = downloaded(now, &world.draw(10), &caller.name);
        world.add(source, Event::new(now, line).late(DOWNLOAD_SHOWN_AFTER));
    }
    let framing = settings.framing;
    let processor = query.get("spName").filter(|name| !name.is_empty()).map(str::to_owned);
    let body = produce(move |sink| write(sink, events, processor.as_deref(), &settings));
    let name: String =
        source.name.chars().map(|char| if char.is_ascii_graphic() && char != '"' { char } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{name}_{from}_{to}_audit.log.gz\"");
    Ok(Answer::pieces(body, framing).await.with("Content-Disposition", disposition))
}

fn check_instance(world: &World, source: &SourceId) -> Result<(), ApiError> {
    let projects = world.projects();
    let mut instances =
        projects.iter().filter(|project| project.id == source.project_id).flat_map(|project| &project.stream_instances);
    if instances.any(|instance| instance.name == source.name) {
        return Ok(());
    }
    let detail = format!("No stream instance named {} exists in group {}.", source.name, source.project_id);
    let parameters = [source.name.as_str().into(), source.project_id.as_str().into()];
    Err(ApiError::new(404, "STREAM_TENANT_NOT_FOUND_FOR_NAME", detail).with(parameters))
}

/// A range with less at both ends, in whole seconds, never reversed.
fn narrow(from: Instant, to: Instant, (start, end): (Duration, Duration)) -> (Instant, Instant) {
    let to = Instant::from_seconds((to - end).seconds_floor()).max(from);
    let from = Instant::from_seconds((from + start).seconds_ceil()).min(to);
    (from, to)
}

fn write(sink: &mut Sink, events: Selection, processor: Option<&str>, settings: &Settings) -> io::Result<()> {
    let needle = processor.map(|name| format!("\"spName\":{}", serde_json::Value::from(name)));
    let wanted =
        |event: &Event| needle.as_ref().is_none_or(|needle| memmem::find(&event.bytes, needle.as_bytes()).is_some());
    let mut events = events.filter(wanted).peekable();
    if events.peek().is_none() {
        return match settings.empty_audit {
            EmptyAudit::Gzip => sink.write_all(&GZIP_OF_NOTHING),
            EmptyAudit::NoBytes => Ok(()),
            EmptyAudit::TwoMembers => sink.write_all(&[GZIP_OF_NOTHING, GZIP_OF_NOTHING].concat()),
        };
    }
    let in_member = settings.lines_per_member.unwrap_or(usize::MAX).max(1);
    while events.peek().is_some() {
        let mut member = GzEncoder::new(&mut *sink, Compression::fast());
        for _ in 0..in_member {
            let Some(event) = events.next() else { break };
            member.write_all(&event.bytes)?;
            if settings.final_newline || events.peek().is_some() {
                member.write_all(b"\n")?;
            }
        }
        member.finish()?;
    }
    Ok(())
}
