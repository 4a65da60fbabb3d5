//! The query of a request: every parameter known, none twice, each of its type.

use percent_encoding::percent_decode_str;

use super::errors::ApiError;
use crate::instant::Instant;

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// The parameters of a form or query: `a=b&c=d`, percent-encoded, `+` for a space.
pub(super) fn parameters(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

impl Query {
    /// Reads a query in which only `known` parameters may occur.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, ApiError> {
        let parameters = parameters(text);
        for (place, (name, _)) in parameters.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(ApiError::parameter(name, format!("Invalid query parameter {name} specified.")));
            }
            if parameters[..place].iter().any(|(other, _)| other == name) {
                return Err(ApiError::parameter(name, format!("The query parameter {name} occurs more than once.")));
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, if it is given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Some(number)),
            _ => Err(ApiError::parameter(name, format!("The query parameter {name} must be a number, not {text}."))),
        }
    }

    /// A number between `least` and `most`, or `default`.
    pub(super) fn limited(&self, name: &str, least: i64, most: i64, default: i64) -> Result<i64, ApiError> {
        match self.number(name)? {
            None => Ok(default),
            Some(number) if (least..=most).contains(&number) => Ok(number),
            Some(number) => {
                let detail = format!("The query parameter {name} must be between {least} and {most}, not {number}.");
                Err(ApiError::parameter(name, detail))
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let flag = text.parse().map_err(|_| {
            ApiError::parameter(name, format!("The query parameter {name} must be true or false, not {text}."))
        })?;
        Ok(Some(flag))
    }

    /// Milliseconds since the epoch.
    pub(super) fn millis(&self, name: &str) -> Result<Option<Instant>, ApiError> {
        Ok(self.number(name)?.map(Instant::from_millis))
    }

    /// Seconds since the epoch.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<Instant>, ApiError> {
        Ok(self.number(name)?.map(Instant::from_seconds))
    }
}

/// 400 for a range that ends before it starts.
pub(super) fn ordered(from: Instant, to: Instant) -> Result<(), ApiError> {
    if from <= to {
        return Ok(());
    }
    Err(ApiError::new(400, "INVALID_DATE_RANGE", format!("The range starts at {from} and ends before, at {to}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parameters_once_each_and_of_their_type() {
        let parse = |text| Query::parse(text, &["start", "nLogs", "pretty"]);
        for wrong in ["end=1", "start=1&start=1", "Start=1"] {
            assert_eq!(parse(wrong).unwrap_err().status, 400, "{wrong}");
        }
        for wrong in ["start=", "start=-1", "start=1e3", "start=%2B1", "start=99999999999999999999", "start"] {
            assert_eq!(parse(wrong).unwrap().millis("start").unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(parse("start=1000").unwrap().millis("start").unwrap(), Some(Instant::from_seconds(1)));
        let logs = |text| parse(text).unwrap().limited("nLogs", 0, 20_000, 20_000).map_err(|error| error.status);
        assert_eq!([logs("nLogs=0"), logs(""), logs("nLogs=20001")], [Ok(0), Ok(20_000), Err(400)]);
        assert!(parse("pretty=yes").unwrap().flag("pretty").is_err());
        assert_eq!(parse("pretty=true").unwrap().flag("pretty").unwrap(), Some(true));
    }
}
