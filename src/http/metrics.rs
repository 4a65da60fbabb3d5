//! The state as OpenMetrics: what `status` shows, for machines. It is read when it is asked for; nothing is counted beside the
//! state, so that no figure begins anew with a restart.

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::{
    instant::Instant,
    source::Source,
    state::{Health, SourceState, StateError, Store, health, missing},
};

/// One source.
#[derive(Debug)]
struct Figures {
    source: String,
    /// Nothing of one that is damaged, or that was never seen.
    state: Option<SourceState>,
    health: Option<Health>,
    gaps: u64,
}

/// All sources of the configuration at one moment.
#[derive(Debug)]
struct Moment {
    now: Instant,
    sources: Vec<Figures>,
}

/// The figures of `sources`, as text.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn text(store: &Store, sources: &[Source], now: Instant) -> Result<String, StateError> {
    let figures = sources.iter().map(|source| figures(store, source));
    let moment = Moment { now, sources: figures.collect::<Result<_, _>>()? };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(moment));
    let mut text = String::new();
    // Writing into memory does not fail.
    let _ = encode(&mut text, &registry);
    Ok(text)
}

fn figures(store: &Store, source: &Source) -> Result<Figures, StateError> {
    let mut figures = Figures { source: source.to_string(), state: None, health: None, gaps: 0 };
    store.read(|connection| {
        let state = match SourceState::load(connection, &source.id) {
            Err(StateError::DamagedSource { .. }) => return Ok(()),
            state => state?,
        };
        if let Some(state) = &state {
            figures.gaps = missing(connection, state)?.len() as u64;
            figures.health = health(connection, state.key)?;
        }
        figures.state = state;
        Ok::<_, StateError>(())
    })?;
    Ok(figures)
}

impl Moment {
    /// One metric of all sources that have it.
    fn write<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, unit): (&str, &str, Option<Unit>),
        kind: MetricType,
        value: impl Fn(&Figures) -> Option<M>,
    ) -> fmt::Result {
        let name = format!("atlas_logd_{name}");
        let mut family = encoder.encode_descriptor(&name, help, unit.as_ref(), kind)?;
        for figures in &self.sources {
            if let Some(value) = value(figures) {
                let labels = [("source", figures.source.as_str())];
                value.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: impl Fn(&Figures) -> Option<u64>,
    ) -> fmt::Result {
        let counter = |figures: &Figures| value(figures).map(ConstCounter::new);
        self.write(encoder, (name, help, None), MetricType::Counter, counter)
    }

    fn seconds(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: impl Fn(&Figures) -> Option<f64>,
    ) -> fmt::Result {
        let gauge = |figures: &Figures| value(figures).map(ConstGauge::new);
        self.write(encoder, (name, help, Some(Unit::Seconds)), MetricType::Gauge, gauge)
    }
}

impl Collector for Moment {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let mut family =
            encoder.encode_descriptor("atlas_logd_build_info", "Which program this is", None, MetricType::Gauge)?;
        ConstGauge::new(1_i64).encode(family.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?)?;

        let end = |figures: &Figures| figures.state.as_ref()?.end;
        self.seconds(
            encoder,
            ("watermark_timestamp", "The end watermark: up to here the archive is complete, less the gaps"),
            |figures| end(figures).map(unix_seconds),
        )?;
        self.seconds(encoder, ("watermark_lag", "How far the end watermark is behind the clock"), |figures| {
            end(figures).map(|end| self.now.since(end).as_secs_f64())
        })?;
        self.counter(encoder, ("records", "Records archived"), |figures| Some(figures.state.as_ref()?.records))?;
        self.counter(encoder, ("bytes", "Bytes of the records archived"), |figures| {
            Some(figures.state.as_ref()?.bytes)
        })?;
        self.counter(encoder, ("late_records", "Records archived that came later than the settle time"), |figures| {
            Some(figures.state.as_ref()?.late_records)
        })?;
        self.seconds(
            encoder,
            ("lateness", "The greatest time proven after which a late record was not yet shown by Atlas"),
            |figures| figures.state.as_ref().map(|state| state.lateness.as_secs_f64()),
        )?;
        let gaps = |figures: &Figures| figures.state.as_ref().map(|_| ConstGauge::new(figures.gaps));
        let about = ("gaps", "Ranges within the archived time that are missing, each with its reason", None);
        self.write(encoder, about, MetricType::Gauge, gaps)?;
        self.counter(encoder, ("polls", "Polls, failed ones too"), |figures| Some(figures.health.as_ref()?.polls))?;
        self.counter(encoder, ("requests", "Requests to Atlas for data"), |figures| {
            Some(figures.health.as_ref()?.requests)
        })?;
        self.seconds(
            encoder,
            ("failing", "For how long polls of the source have been failing; 0 if the last one did not"),
            |figures| {
                let failing_since = figures.health.as_ref()?.failing_since;
                Some(failing_since.map_or(Duration::ZERO, |since| self.now.since(since)).as_secs_f64())
            },
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any year that a clock shows are exact")]
fn unix_seconds(instant: Instant) -> f64 {
    instant.millis() as f64 / 1000.0
}
