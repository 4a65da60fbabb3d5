//! How one metric is written.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use crate::{instant::Instant, meters::Spread};

/// The labels of one sample.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// What a metric is called, less the prefix and the unit; and what it means, in words without quotes or backslashes.
pub(super) type About<'a> = (&'a str, &'a str);

/// Writes metrics one after the other.
pub(super) struct Families<'e, 'w> {
    encoder: &'e mut DescriptorEncoder<'w>,
    prefix: &'static str,
}

/// One metric: all its samples are written together.
pub(super) struct Family<'e>(MetricEncoder<'e>);

impl<'e, 'w> Families<'e, 'w> {
    /// Those whose names begin with the program's.
    pub(super) fn own(encoder: &'e mut DescriptorEncoder<'w>) -> Self {
        Self { encoder, prefix: "atlas_logd_" }
    }

    /// Those that every process has under the same names.
    pub(super) fn of_every_process(encoder: &'e mut DescriptorEncoder<'w>) -> Self {
        Self { encoder, prefix: "process_" }
    }

    fn write(
        &mut self,
        (name, help): About<'_>,
        unit: Option<Unit>,
        kind: MetricType,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let name = format!("{}{name}", self.prefix);
        samples(&mut Family(self.encoder.encode_descriptor(&name, help, unit.as_ref(), kind)?))
    }

    /// A number that only grows.
    pub(super) fn counter(
        &mut self,
        about: About<'_>,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.write(about, None, MetricType::Counter, samples)
    }

    /// A number.
    pub(super) fn gauge(
        &mut self,
        about: About<'_>,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.write(about, None, MetricType::Gauge, samples)
    }

    /// A number of seconds; an instant is one, too.
    pub(super) fn seconds(
        &mut self,
        about: About<'_>,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.write(about, Some(Unit::Seconds), MetricType::Gauge, samples)
    }

    /// A number of bytes.
    pub(super) fn bytes(
        &mut self,
        about: About<'_>,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.write(about, Some(Unit::Bytes), MetricType::Gauge, samples)
    }

    /// Time that only grows.
    pub(super) fn cpu(&mut self, about: About<'_>, time: Duration) -> fmt::Result {
        let counter = ConstCounter::new(time.as_secs_f64());
        self.write(about, Some(Unit::Seconds), MetricType::Counter, |family| family.write(&[], &counter))
    }

    /// How long something took.
    pub(super) fn durations(
        &mut self,
        about: About<'_>,
        samples: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.write(about, Some(Unit::Seconds), MetricType::Histogram, samples)
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Count(u64),
    Number(u64),
    /// 1 or 0.
    Truth(bool),
    Time(Duration),
    At(Instant),
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: Value) -> fmt::Result {
        match value {
            Value::Count(count) => self.write(labels, &ConstCounter::new(count)),
            Value::Number(number) => self.write(labels, &ConstGauge::new(number)),
            Value::Truth(truth) => self.write(labels, &ConstGauge::new(u64::from(truth))),
            Value::Time(time) => self.write(labels, &ConstGauge::new(time.as_secs_f64())),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year that a clock shows are exact")]
            Value::At(instant) => self.write(labels, &ConstGauge::new(instant.millis() as f64 / 1000.0)),
        }
    }

    fn write(&mut self, labels: Labels<'_>, value: &impl EncodeMetric) -> fmt::Result {
        value.encode(self.0.encode_family(&labels)?)
    }

    pub(super) fn spread(&mut self, labels: Labels<'_>, spread: &Spread) -> fmt::Result {
        let mut encoder = self.0.encode_family(&labels)?;
        encoder.encode_histogram::<NoLabelSet>(spread.sum.as_secs_f64(), spread.count, &spread.buckets, None)
    }
}
