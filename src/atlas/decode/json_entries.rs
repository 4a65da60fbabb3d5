//! The body of an access history: `{"accessLogs":[{…},…]}`, streamed entry by entry.

use std::io::Read;

use serde::de::DeserializeOwned;

use super::{
    DecodeError, Limits, Shape,
    json_values::{Fault, Values},
};

/// Calls `each` with the bytes of every entry of the page `body`, as sent and in the order sent, and returns how many
/// there were.
///
/// While it is looked where an entry ends, a `T` can be made of it in the same pass; nothing is handed out where that did not
/// succeed, which says nothing about the entry.
///
/// Unknown fields beside `accessLogs` are passed over. Memory holds one entry at a time, however deep its nesting.
///
/// # Errors
/// See [`DecodeError`]; that the page is not closed shows only after its entries were handed out.
pub fn json_entries<T: DeserializeOwned, E>(
    body: impl Read,
    limits: &Limits,
    each: impl FnMut(&[u8], Option<T>) -> Result<(), E>,
) -> Result<u64, DecodeError<E>> {
    let mut page = Page { values: Values::new(body, limits), limits, each, entries: 0 };
    match page.read::<T, E>() {
        Ok(()) => Ok(page.entries),
        Err(stop) => Err(page.explain(stop)),
    }
}

/// Why reading stopped.
enum Stop<E> {
    Fault(Fault),
    Shape(Shape),
    RecordTooLong,
    Sink(E),
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Page<'a, R, F> {
    values: Values<'a, R>,
    limits: &'a Limits,
    each: F,
    entries: u64,
}

impl<R: Read, F> Page<'_, R, F> {
    fn read<T: DeserializeOwned, E>(&mut self) -> Result<(), Stop<E>>
    where
        F: FnMut(&[u8], Option<T>) -> Result<(), E>,
    {
        if self.peek()? != b'{' {
            self.values.value()?;
            return Err(Stop::Shape(Shape::TopNotObject));
        }
        self.values.take();
        let mut seen = false;
        let mut first = true;
        while self.goes_on(b'}', first)? {
            first = false;
            if self.peek()? != b'"' {
                return Err(self.values.damaged().into());
            }
            let is_entries = is_name(self.values.value()?, "accessLogs");
            if self.peek()? != b':' {
                return Err(self.values.damaged().into());
            }
            self.values.take();
            if !is_entries {
                self.values.value()?;
            } else if seen {
                return Err(Stop::Shape(Shape::Twice));
            } else {
                seen = true;
                self.read_entries::<T, E>()?;
            }
            self.values.settle();
        }
        if !seen {
            return Err(Stop::Shape(Shape::Missing));
        }
        match self.values.peek()? {
            None => Ok(()),
            Some(_) => Err(self.values.damaged().into()),
        }
    }

    fn read_entries<T: DeserializeOwned, E>(&mut self) -> Result<(), Stop<E>>
    where
        F: FnMut(&[u8], Option<T>) -> Result<(), E>,
    {
        if self.peek()? != b'[' {
            self.values.value()?;
            return Err(Stop::Shape(Shape::NotArray));
        }
        self.values.take();
        let mut first = true;
        while self.goes_on(b']', first)? {
            first = false;
            let (entry, understood) = self.values.value_as()?;
            if entry.len() > self.limits.record {
                return Err(Stop::RecordTooLong);
            }
            if entry.first() != Some(&b'{') {
                return Err(Stop::Shape(Shape::EntryNotObject { index: self.entries }));
            }
            self.entries += 1;
            (self.each)(entry, understood).map_err(Stop::Sink)?;
            self.values.settle();
        }
        Ok(())
    }

    /// Whether one more follows in an object or array that ends with `end`; the end or the comma before it is taken.
    fn goes_on(&mut self, end: u8, first: bool) -> Result<bool, Fault> {
        match self.peek()? {
            byte if byte == end => {
                self.values.take();
                return Ok(false);
            }
            b',' if !first => self.values.take(),
            _ if first => {}
            _ => return Err(self.values.damaged()),
        }
        Ok(true)
    }

    /// The next byte that is no whitespace. There has to be one.
    fn peek(&mut self) -> Result<u8, Fault> {
        self.values.peek()?.ok_or(Fault::Cut)
    }

    fn explain<E>(&self, stop: Stop<E>) -> DecodeError<E> {
        let (limits, entries) = (self.limits, self.entries);
        match stop {
            Stop::Sink(error) => DecodeError::Sink(error),
            Stop::Shape(shape) => DecodeError::Shape(shape),
            Stop::RecordTooLong | Stop::Fault(Fault::ValueTooLong) => {
                DecodeError::RecordTooLong { limit: limits.record }
            }
            Stop::Fault(Fault::TooLarge) => DecodeError::AnswerTooLarge { limit: limits.answer },
            Stop::Fault(Fault::Body(error)) => DecodeError::Body(error),
            Stop::Fault(Fault::Cut) => DecodeError::JsonCut { entries },
            // The parser's own text could quote the body, so only the place is told.
            Stop::Fault(Fault::Damaged { line, column }) => DecodeError::JsonDamaged { entries, line, column },
        }
    }
}

/// Whether a JSON string says `name`.
fn is_name(string: &[u8], name: &str) -> bool {
    serde_json::from_slice::<std::borrow::Cow<'_, str>>(string).is_ok_and(|string| string == name)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        io::{self, Read},
    };

    use serde::{Deserialize, de::IgnoredAny};

    use super::*;

    const LIMITS: Limits = Limits { record: Limits::RECORD, answer: 1 << 30 };
    const SMALL: &str = r#"{"links":[{"a":[null]}], "accessLogs" : [ {"a":"\u00e9 é","b":{"c":[1,2.50e3]}} ,
        {"a" : "}],["}], "total\"Count": 2}"#;

    fn entries_within(body: &[u8], limits: &Limits) -> Result<Vec<String>, DecodeError<Infallible>> {
        let mut entries = Vec::new();
        let count = json_entries(body, limits, |entry, _: Option<IgnoredAny>| {
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
    fn an_entry_is_understood_where_it_is_as_expected_and_handed_out_where_not() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Number {
            a: u8,
        }
        let page = br#"{"accessLogs":[{"a":1,"b":"x"},{"a":"x"},{"b":1},{"a":1,"a":2},{"a":3,"b":"\ud800"},{"a":4}]}"#;
        let mut numbers = Vec::new();
        let count = json_entries(&page[..], &LIMITS, |_, number: Option<Number>| {
            numbers.push(number.map(|number| number.a));
            Ok::<_, Infallible>(())
        });
        assert_eq!(count.unwrap(), 6);
        assert_eq!(numbers, [Some(1), None, None, None, Some(3), Some(4)]);
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
            let result = json_entries(body, &limits, |_, _: Option<IgnoredAny>| Ok::<_, Infallible>(()));
            assert!(matches!(result, Err(DecodeError::RecordTooLong { .. })), "{start}{again}…: {result:?}");
        }
        let many = format!("{{\"accessLogs\":[{{}}{}", ",{}".repeat(400_000));
        let result = entries_within(many.as_bytes(), &limits);
        assert!(matches!(result, Err(DecodeError::AnswerTooLarge { limit: 1_000_000 })));
    }

    #[test]
    fn an_error_of_the_sink_or_the_body_comes_through() {
        let result = json_entries(SMALL.as_bytes(), &LIMITS, |_, _: Option<IgnoredAny>| Err(7));
        assert!(matches!(result, Err(DecodeError::Sink(7))));
        let broken = SMALL.as_bytes()[..60].chain(Broken);
        let result = json_entries(broken, &LIMITS, |_, _: Option<IgnoredAny>| Ok::<_, Infallible>(()));
        assert!(matches!(result, Err(DecodeError::Body(error)) if error.to_string() == "broken wire"));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken wire"))
        }
    }
}
