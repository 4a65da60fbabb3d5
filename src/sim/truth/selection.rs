//! The events that a question selects from the ground truth, one after the other: memory does not grow with the range.

use std::{ops::RangeInclusive, sync::Arc, vec};

use super::{
    event::Event,
    range::{Bounds, RangeClock},
    source_truth::{Held, SourceTruth},
};
use crate::instant::Instant;

/// In which order events are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// What is invisible then is left out.
    pub(crate) as_of: Instant,
    /// What happened before is left out: it is no longer held.
    pub(crate) held_since: Instant,
    pub(crate) clock: RangeClock,
    pub(crate) bounds: Bounds,
}

impl Question {
    fn selects(&self, held: &Held) -> bool {
        let clocks = held.clocks();
        clocks.visible_at <= self.as_of
            && clocks.time >= self.held_since
            && self.bounds.contain(self.from, self.to, clocks.compared(self.clock))
    }
}

/// The selected events.
#[derive(Debug)]
pub(crate) struct Selection {
    truth: Arc<SourceTruth>,
    question: Question,
    order: Order,
    generated: RangeInclusive<i64>,
    others: vec::IntoIter<i64>,
    bucket: vec::IntoIter<Held>,
}

impl Selection {
    pub(crate) fn new(truth: Arc<SourceTruth>, question: Question, order: Order) -> Self {
        let (generated, others) = truth.buckets(question.from, question.to, question.as_of);
        Self { truth, question, order, generated, others: others.into_iter(), bucket: Vec::new().into_iter() }
    }

    fn next_bucket(&mut self) -> Option<i64> {
        let others = self.others.as_slice();
        let generated = !self.generated.is_empty();
        match self.order {
            Order::OldestFirst => match others.first() {
                Some(other) if !generated || other < self.generated.start() => self.others.next(),
                _ => self.generated.next(),
            },
            Order::NewestFirst => match others.last() {
                Some(other) if !generated || other > self.generated.end() => self.others.next_back(),
                _ => self.generated.next_back(),
            },
        }
    }
}

impl Iterator for Selection {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(held) = self.bucket.find(|held| self.question.selects(held)) {
                return Some(self.truth.event(held));
            }
            let mut bucket = self.next_bucket().map(|bucket| self.truth.bucket(bucket))?;
            if self.order == Order::NewestFirst {
                bucket.reverse();
            }
            self.bucket = bucket.into_iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        sim::truth::Profile,
        source::{Filter, Kind, SourceId},
    };

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn truth(profile: Option<Profile>) -> Arc<SourceTruth> {
        let project_id = "0123456789abcdef01234567".into();
        let source = SourceId { project_id, kind: Kind::StreamAudit, name: "orders".into(), filter: Filter::default() };
        Arc::new(SourceTruth::new(1, source, profile))
    }

    fn question(from: &str, to: &str) -> Question {
        Question {
            from: at(from),
            to: at(to),
            as_of: Instant::MAX,
            held_since: Instant::MIN,
            clock: RangeClock::LogLine,
            bounds: Bounds::HALF_OPEN,
        }
    }

    fn notes(truth: &Arc<SourceTruth>, question: Question, order: Order) -> Vec<String> {
        let events = Selection::new(Arc::clone(truth), question, order);
        events.map(|event| String::from_utf8(event.bytes.to_vec()).unwrap()).collect()
    }

    #[test]
    fn given_and_generated_events_come_in_one_order_and_newest_first_is_its_exact_reverse() {
        let since = at("2026-11-20T00:00:30Z");
        let truth = truth(Some(Profile::audit(since, 5.0)));
        for time in ["2026-11-10T00:00:00Z", "2026-11-20T00:03:10.5Z", "2026-11-20T00:03:10.5Z", "2026-11-21T00:00:00Z"]
        {
            truth.add(Event::new(at(time), format!("given at {time}")));
        }
        let mut question = question("2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z");
        question.as_of = at("2026-11-20T00:30:00Z");
        let before = Selection::new(Arc::clone(&truth), question, Order::OldestFirst).collect::<Vec<_>>();
        assert_eq!(before.len(), 3 + before.iter().filter(|event| !event.bytes.starts_with(b"given")).count());
        assert!(before.is_sorted_by_key(|event| event.clocks.time));
        question.as_of = Instant::MAX;
        question.to = at("2026-11-20T00:30:00Z");
        let mut newest = notes(&truth, question, Order::NewestFirst);
        newest.reverse();
        assert_eq!(newest, notes(&truth, question, Order::OldestFirst));
    }

    #[test]
    fn no_event_is_missed_at_the_edge_of_a_bucket_whichever_clock_is_compared() {
        let truth = truth(Some(Profile::access(at("2026-11-20T00:00:00Z"), 30.0)));
        truth.add(Event::audit(at("2026-11-20T00:10:00Z"), "far").compare_at(at("2026-11-20T00:45:00Z")));
        let mut asked = question("2026-11-20T00:00:00Z", "2026-11-20T02:00:00Z");
        asked.as_of = at("2026-11-20T01:00:00Z");
        for clock in RangeClock::ALL {
            asked.clock = clock;
            let all: Vec<Event> = Selection::new(Arc::clone(&truth), asked, Order::OldestFirst).collect();
            for minute in 0..59 {
                let from = asked.from + Duration::from_millis(minute * 60_000 + minute * 17);
                let part = Question { from, to: from + Duration::from_secs(61), ..asked };
                let selected: Vec<Event> = Selection::new(Arc::clone(&truth), part, Order::OldestFirst).collect();
                let wanted = |event: &&Event| part.bounds.contain(part.from, part.to, event.clocks.compared(clock));
                assert!(selected.iter().eq(all.iter().filter(wanted)), "{clock:?}, minute {minute}");
            }
        }
    }

    #[test]
    fn the_range_is_compared_with_the_clock_and_the_bounds_that_are_set() {
        let truth = truth(None);
        let time = at("2026-11-20T10:00:00.250Z");
        truth.add(Event::new(time, "a").visible_at(at("2026-11-20T10:04:00Z")));
        truth.add(Event::new(time, "b").compare_at(at("2025-01-01T00:00:00Z")));
        let mut asked = question("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.250Z");
        let mut answers = |clock, bounds| {
            (asked.clock, asked.bounds) = (clock, bounds);
            notes(&truth, asked, Order::OldestFirst)
        };
        assert_eq!(answers(RangeClock::LogLine, Bounds::CLOSED), ["a"]);
        assert!(answers(RangeClock::LogLine, Bounds::HALF_OPEN).is_empty());
        assert_eq!(answers(RangeClock::Timestamp, Bounds::HALF_OPEN), ["a"]);
        assert!(answers(RangeClock::Timestamp, Bounds::OPEN).is_empty());
        assert!(answers(RangeClock::Ingested, Bounds::CLOSED).is_empty());
        let ingested =
            Question { clock: RangeClock::Ingested, ..question("2026-11-20T10:04:00Z", "2026-11-20T10:05:00Z") };
        assert_eq!(notes(&truth, ingested, Order::OldestFirst), ["a"]);
        assert_eq!(notes(&truth, question("2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"), Order::OldestFirst), ["b"]);
    }

    #[test]
    fn an_event_is_not_there_before_it_is_visible_nor_after_it_is_gone() {
        let truth = truth(None);
        truth.add(Event::new(at("2026-11-20T10:00:00Z"), "late").late(Duration::from_secs(240)));
        let day = question("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
        let seen = |as_of: &str, held_since: &str| {
            let question = Question { as_of: at(as_of), held_since: at(held_since), ..day };
            notes(&truth, question, Order::OldestFirst).len()
        };
        assert_eq!(seen("2026-11-20T10:03:59.999Z", "2026-11-19T00:00:00Z"), 0);
        assert_eq!(seen("2026-11-20T10:04:00Z", "2026-11-20T10:00:00Z"), 1);
        assert_eq!(seen("2026-11-20T10:04:00Z", "2026-11-20T10:00:00.001Z"), 0);
    }
}
