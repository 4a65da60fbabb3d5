//! The body of an access history: `{"accessLogs":[{…},…]}`, streamed entry by entry.

use std::{
    cell::{Cell, RefCell},
    fmt,
    io::{self, BufReader, Read},
};

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, error::Category, value::RawValue};

use super::{DecodeError, Limits, Shape};

/// serde_json takes single bytes from its reader, so it gets them from memory.
const BUFFER_BYTES: usize = 64 << 10;

/// Calls `each` with the bytes of every entry of the page `body`, as sent and in the order sent, and returns how many
/// there were.
///
/// Unknown fields beside `accessLogs` are passed over. Memory holds one entry at a time, however deep its nesting.
///
/// # Errors
/// See [`DecodeError`]; that the page is not closed shows only after its entries were handed out.
pub fn json_entries<E>(
    body: impl Read,
    limits: &Limits,
    each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, DecodeError<E>> {
    let meter = Meter::new(limits);
    let mut page = Page { meter: &meter, each, entries: 0, seen: false, stop: None };
    let reader = BufReader::with_capacity(BUFFER_BYTES, Metered { body, meter: &meter });
    let mut deserializer = Deserializer::from_reader(reader);
    let read = deserializer.deserialize_map(TopVisitor(&mut page)).and_then(|()| deserializer.end());
    let Page { entries, seen, stop, .. } = page;
    let Err(error) = read else { return Ok(entries) };
    Err(match stop {
        Some(Stop::Sink(error)) => DecodeError::Sink(error),
        Some(Stop::Shape(shape)) => DecodeError::Shape(shape),
        Some(Stop::RecordTooLong) => DecodeError::RecordTooLong { limit: limits.record },
        None => explain(&error, &meter, entries, seen),
    })
}

fn explain<E>(error: &serde_json::Error, meter: &Meter<'_>, entries: u64, seen: bool) -> DecodeError<E> {
    match (meter.exceeded.get(), meter.failure.take(), error.classify()) {
        (Some(Exceeded::Record), ..) => DecodeError::RecordTooLong { limit: meter.limits.record },
        (Some(Exceeded::Answer), ..) => DecodeError::AnswerTooLarge { limit: meter.limits.answer },
        (None, Some(failure), _) => DecodeError::Body(failure),
        (None, None, Category::Eof) => DecodeError::JsonCut { entries },
        // serde_json calls a number that stops after its point or exponent bad syntax, not an early end.
        (None, None, Category::Syntax) if meter.ended.get() => DecodeError::JsonCut { entries },
        // A value of another type; all other shapes stop the reading with a reason of their own.
        (None, None, Category::Data) if seen => DecodeError::Shape(Shape::NotArray),
        (None, None, Category::Data) => DecodeError::Shape(Shape::TopNotObject),
        // The error's own text could quote the body, so only the place is told.
        (None, None, Category::Syntax | Category::Io) => {
            DecodeError::JsonDamaged { entries, line: error.line(), column: error.column() }
        }
    }
}

#[derive(Clone, Copy)]
enum Exceeded {
    Record,
    Answer,
}

/// Bounds what the parser may take in: it holds an entry, a key or a number in memory whole.
struct Meter<'a> {
    limits: &'a Limits,
    total: Cell<u64>,
    /// Bytes since the last entry or field ended.
    since: Cell<u64>,
    /// Whether the parser wanted more when there was no more.
    ended: Cell<bool>,
    exceeded: Cell<Option<Exceeded>>,
    failure: RefCell<Option<io::Error>>,
}

impl<'a> Meter<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            total: Cell::new(0),
            since: Cell::new(0),
            ended: Cell::new(false),
            exceeded: Cell::new(None),
            failure: RefCell::new(None),
        }
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        self.ended.set(bytes == 0);
        self.total.set(self.total.get() + bytes as u64);
        self.since.set(self.since.get() + bytes as u64);
        // The buffer runs ahead of the parser and holds commas and whitespace too; entries are measured exactly later.
        let slack = 2 * BUFFER_BYTES as u64;
        if self.since.get() > self.limits.record as u64 + slack {
            self.exceeded.set(Some(Exceeded::Record));
        }
        if self.total.get() > self.limits.answer {
            self.exceeded.set(Some(Exceeded::Answer));
        }
        if self.exceeded.get().is_some() { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
    }
}

struct Metered<'a, R> {
    body: R,
    meter: &'a Meter<'a>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.body.read(into) {
            Ok(count) => self.meter.count(count).map(|()| count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.meter.failure.replace(Some(error));
                Err(kind.into())
            }
        }
    }
}

enum Stop<E> {
    Sink(E),
    Shape(Shape),
    RecordTooLong,
}

struct Page<'a, F, E> {
    meter: &'a Meter<'a>,
    each: F,
    entries: u64,
    /// Whether `accessLogs` has begun.
    seen: bool,
    /// Why reading stopped, when it was not the parser's own decision.
    stop: Option<Stop<E>>,
}

impl<F, E> Page<'_, F, E>
where
    F: FnMut(&[u8]) -> Result<(), E>,
{
    fn stop<D: serde::de::Error>(&mut self, stop: Stop<E>) -> D {
        self.stop = Some(stop);
        D::custom("stopped")
    }

    fn entry<D: serde::de::Error>(&mut self, entry: &RawValue) -> Result<(), D> {
        self.meter.since.set(0);
        let bytes = entry.get().as_bytes();
        if bytes.len() > self.meter.limits.record {
            return Err(self.stop(Stop::RecordTooLong));
        }
        if bytes.first() != Some(&b'{') {
            return Err(self.stop(Stop::Shape(Shape::EntryNotObject { index: self.entries })));
        }
        self.entries += 1;
        (self.each)(bytes).map_err(|error| self.stop(Stop::Sink(error)))
    }
}

struct TopVisitor<'p, 'a, F, E>(&'p mut Page<'a, F, E>);

impl<'de, F, E> Visitor<'de> for TopVisitor<'_, '_, F, E>
where
    F: FnMut(&[u8]) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let page = self.0;
        while let Some(key) = map.next_key::<String>()? {
            if key != "accessLogs" {
                map.next_value::<IgnoredAny>()?;
            } else if page.seen {
                return Err(page.stop(Stop::Shape(Shape::Twice)));
            } else {
                page.seen = true;
                map.next_value_seed(Entries(page))?;
            }
            page.meter.since.set(0);
        }
        if page.seen { Ok(()) } else { Err(page.stop(Stop::Shape(Shape::Missing))) }
    }
}

struct Entries<'p, 'a, F, E>(&'p mut Page<'a, F, E>);

impl<'de, F, E> DeserializeSeed<'de> for Entries<'_, '_, F, E>
where
    F: FnMut(&[u8]) -> Result<(), E>,
{
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F, E> Visitor<'de> for Entries<'_, '_, F, E>
where
    F: FnMut(&[u8]) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Box<RawValue>>()? {
            self.0.entry(&entry)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const LIMITS: Limits = Limits { record: Limits::RECORD, answer: 1 << 30 };
    const SMALL: &str = r#"{"links":[{"a":[null]}], "accessLogs" : [ {"a":"\u00e9 é","b":{"c":[1,2.50e3]}} ,
        {"a" : "}],["}], "total\"Count": 2}"#;

    fn entries_within(body: &[u8], limits: &Limits) -> Result<Vec<String>, DecodeError<Infallible>> {
        let mut entries = Vec::new();
        let count = json_entries(body, limits, |entry| {
            entries.push(String::from_utf8(entry.to_vec()).unwrap());
            Ok(())
        })?;
        assert_eq!(count, entries.len() as u64);
        Ok(entries)
    }

    fn entries(body: &[u8]) -> Result<Vec<String>, DecodeError<Infallible>> {
        entries_within(body, &LIMITS)
    }

    fn shape(body: &str) -> Option<Shape> {
        match entries(body.as_bytes()) {
            Err(DecodeError::Shape(shape)) => Some(shape),
            _ => None,
        }
    }

    #[test]
    fn an_entry_keeps_its_bytes() {
        let found = entries(SMALL.as_bytes()).unwrap();
        assert_eq!(found, [r#"{"a":"\u00e9 é","b":{"c":[1,2.50e3]}}"#, r#"{"a" : "}],["}"#]);
        assert!(entries(br#"{"accessLogs":[]}"#).unwrap().is_empty());
    }

    #[test]
    fn every_cut_is_an_error() {
        for length in 0..SMALL.len() {
            let result = entries(&SMALL.as_bytes()[..length]);
            assert!(matches!(result, Err(DecodeError::JsonCut { .. })), "cut at {length}: {result:?}");
        }
    }

    #[test]
    fn something_after_the_end_is_an_error_but_whitespace_is_nothing() {
        assert!(entries(b"{\"accessLogs\":[]} \r\n\t").is_ok());
        for garbage in ["x", "{}", "]", "\0", "{\"accessLogs\":[]}"] {
            let result = entries(format!("{{\"accessLogs\":[]}}{garbage}").as_bytes());
            assert!(matches!(result, Err(DecodeError::JsonDamaged { .. })), "{garbage:?}: {result:?}");
        }
    }

    #[test]
    fn another_shape_is_named() {
        assert_eq!(shape("[]"), Some(Shape::TopNotObject));
        assert_eq!(shape("\"accessLogs\""), Some(Shape::TopNotObject));
        assert_eq!(shape("{}"), Some(Shape::Missing));
        assert_eq!(shape(r#"{"accesslogs":[]}"#), Some(Shape::Missing));
        assert_eq!(shape(r#"{"accessLogs":null}"#), Some(Shape::NotArray));
        assert_eq!(shape(r#"{"accessLogs":{}}"#), Some(Shape::NotArray));
        assert_eq!(shape(r#"{"accessLogs":[],"accessLogs":[]}"#), Some(Shape::Twice));
        assert_eq!(shape(r#"{"accessLogs":[{},[]]}"#), Some(Shape::EntryNotObject { index: 1 }));
        assert_eq!(shape(r#"{"accessLogs":["{}"]}"#), Some(Shape::EntryNotObject { index: 0 }));
    }

    #[test]
    fn what_is_no_json_is_an_error_that_does_not_quote_it() {
        for body in [
            &b"<html>secret</html>"[..],
            b"{\"accessLogs\":[{\"secret\":}]}",
            b"{\"accessLogs\":[{\"secret\":\"\xff\"}]}",
        ] {
            let error = entries(body).unwrap_err();
            assert!(matches!(error, DecodeError::JsonDamaged { .. }), "{error:?}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1_000_000);
        assert!(entries(deep.as_bytes()).is_err());
        assert!(matches!(entries(format!("{{\"x\":{deep}").as_bytes()), Err(DecodeError::JsonCut { entries: 0 })));
        let closed = format!("{{\"a\":{deep}{}}}", "]".repeat(1_000_000));
        assert_eq!(entries(format!("{{\"accessLogs\":[{closed}]}}").as_bytes()).unwrap(), [closed]);
    }

    #[test]
    fn an_entry_may_be_as_long_as_the_limit_and_no_longer() {
        let limits = Limits { record: 300_000, answer: 1 << 30 };
        let page = |length: usize| {
            let entry = format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
            format!("{{\"accessLogs\":[{entry},{entry}]}}")
        };
        assert_eq!(entries_within(page(300_000).as_bytes(), &limits).unwrap().len(), 2);
        for length in [300_001, 3_000_000] {
            let result = entries_within(page(length).as_bytes(), &limits);
            assert!(matches!(result, Err(DecodeError::RecordTooLong { limit: 300_000 })), "{length}");
        }
    }

    #[test]
    fn nothing_is_endless() {
        let limits = Limits { record: 100_000, answer: 1_000_000 };
        for (start, again) in [
            ("{\"", "x"),
            ("{\"x\":", "["),
            ("{\"x\":", "1"),
            ("", " "),
            ("{\"accessLogs\":[", " "),
            ("{\"accessLogs\":[{\"", "x"),
        ] {
            let body = start.as_bytes().chain(io::repeat(again.as_bytes()[0]));
            let result = json_entries(body, &limits, |_| Ok::<_, Infallible>(()));
            assert!(matches!(result, Err(DecodeError::RecordTooLong { .. })), "{start}{again}…: {result:?}");
        }
        let many = format!("{{\"accessLogs\":[{{}}{}", ",{}".repeat(400_000));
        let result = entries_within(many.as_bytes(), &limits);
        assert!(matches!(result, Err(DecodeError::AnswerTooLarge { limit: 1_000_000 })));
    }

    #[test]
    fn an_error_of_the_sink_or_the_body_comes_through() {
        let result = json_entries(SMALL.as_bytes(), &LIMITS, |_| Err(7));
        assert!(matches!(result, Err(DecodeError::Sink(7))));
        let broken = SMALL.as_bytes()[..60].chain(Broken);
        let result = json_entries(broken, &LIMITS, |_| Ok::<_, Infallible>(()));
        assert!(matches!(result, Err(DecodeError::Body(error)) if error.to_string() == "broken wire"));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken wire"))
        }
    }
}
