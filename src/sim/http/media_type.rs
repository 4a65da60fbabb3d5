//! Versions: the date in the `Accept` header, and which version of the resource answers it.

use jiff::civil::Date;

use super::errors::ApiError;
use crate::sim::settings::Versions;

/// The version that answers: the newest that is not newer than the date asked for.
///
/// # Errors
/// 406 `INVALID_VERSION_DATE` without a date, for a date before the first version, and for another payload than
/// `suffix`; 410 `VERSION_GONE` for a version that was removed.
pub(super) fn negotiate(accept: Option<&str>, suffix: &str, versions: &Versions) -> Result<Date, ApiError> {
    let asked = accept.unwrap_or_default();
    let first = versions.all.first().map(ToString::to_string).unwrap_or_default();
    let invalid = || {
        let detail = format!("The Accept header {asked} asks for no version; versions start at {first} ({suffix}).");
        ApiError::new(406, "INVALID_VERSION_DATE", detail).with([asked.into()])
    };
    let date = asked.split(',').find_map(|media_type| date_of(media_type, suffix)).ok_or_else(invalid)?;
    let version = versions.all.iter().copied().filter(|version| *version <= date).max().ok_or_else(invalid)?;
    if versions.gone.contains(&version) {
        let detail = format!("The version {version} was removed.");
        return Err(ApiError::new(410, "VERSION_GONE", detail).with([version.to_string().into()]));
    }
    Ok(version)
}

/// The date of `application/vnd.atlas.2025-03-12+json`, possibly with parameters after a `;`.
fn date_of(media_type: &str, suffix: &str) -> Option<Date> {
    let name = media_type.split(';').next()?.trim();
    let (date, payload) = name.strip_prefix("application/vnd.atlas.")?.split_once('+')?;
    let digits =
        |range: std::ops::Range<usize>| date.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let separated = date.len() == 10 && date.get(4..5) == Some("-") && date.get(7..8) == Some("-");
    if payload != suffix || !separated {
        return None;
    }
    Date::new(digits(0..4)?.parse().ok()?, digits(5..7)?.parse().ok()?, digits(8..10)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_newest_version_that_is_not_newer_than_asked_answers() {
        let all = vec![date(2023, 2, 1), date(2025, 3, 12), date(2026, 1, 1)];
        let versions = Versions { all, gone: vec![date(2026, 1, 1)], sunset: None };
        let ask = |accept| negotiate(accept, "gzip", &versions).map_err(|error| (error.status, error.code));
        assert_eq!(ask(Some("application/vnd.atlas.2023-02-01+gzip")), Ok(date(2023, 2, 1)));
        assert_eq!(ask(Some("application/vnd.atlas.2025-03-11+gzip; q=1")), Ok(date(2023, 2, 1)));
        assert_eq!(ask(Some("text/html, application/vnd.atlas.2025-12-31+gzip")), Ok(date(2025, 3, 12)));
        assert_eq!(ask(Some("application/vnd.atlas.2026-02-01+gzip")), Err((410, "VERSION_GONE")));
        let wrong = [
            "application/vnd.atlas.2023-01-31+gzip",
            "application/vnd.atlas.2023-02-01+json",
            "application/vnd.atlas.2023-02-30+gzip",
            "application/vnd.atlas.20230201+gzip",
            "application/vnd.atlas.2023-02-01",
            "application/gzip",
            "*/*",
        ];
        for accept in wrong.map(Some).into_iter().chain([None]) {
            assert_eq!(ask(accept), Err((406, "INVALID_VERSION_DATE")), "{accept:?}");
        }
    }
}
