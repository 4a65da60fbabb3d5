//! `/`: which ranges of which source are archived, provisional or missing, and why, as a picture; and the table of `status`
//! below it. HTML and SVG as they are made here; no script, nothing from elsewhere.
//!
//! Names, and messages of Atlas, are hostile text: what could steer a reader's eye (control characters, changes of the
//! direction of writing) is made visible by [`shown`](crate::shown::shown()), and the template escapes the rest.
//!
//! | file | holds |
//! |---|---|
//! | `asked` | what is asked for: part of a name, and from which source on |
//! | `choice` | which sources are shown: the worst first, so many on a page |
//! | `period` | the last day, month and year, with their ticks |
//! | `strip` | one source over one period, as marks |
//! | `view` | what the template is filled with |
//! | `page.html`, `page.css` | the template and its style |

mod asked;
mod choice;
mod period;
mod strip;
mod view;

use std::sync::{Arc, LazyLock};

use askama::Template as _;
use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub(super) use asked::Asked;

use crate::{
    http::{
        Subject,
        page::{choice::Choice, period::Period, view::Page},
    },
    state::{Head, StateError, Store},
    status::{self, Depth, Reader, Rhythms},
};

/// The style of the page.
const STYLE: &str = include_str!("page.css");

/// The page's own style and forms, and nothing else.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = Base64::encode_string(&Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// What a browser is to allow the page.
pub(super) fn content_security_policy() -> &'static str {
    &CONTENT_SECURITY_POLICY
}

/// Why there is no page.
#[derive(Debug, Error)]
pub(super) enum PageError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The template.
    #[error(transparent)]
    Template(#[from] askama::Error),
}

/// The page. It is read from one view of the state.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn html(subject: &Subject, asked: &Asked) -> Result<String, PageError> {
    let (config, now) = (Arc::clone(&subject.config.borrow()), subject.clock.now());
    let (sources, rhythms) = (config.sources().collect::<Vec<_>>(), Rhythms::of(&config));
    let store = Store::open_read_only(&config.state_dir)?;
    let periods = Period::all(now);
    let page = store.read(|connection| {
        let reader = Reader::new(connection, &config, &rhythms, now)?;
        let choice = Choice::make(&reader, &sources, asked, periods[2].window.from)?;
        let mut page = Page::new(asked, &choice, &periods, now, Head::load(connection)?);
        page.add_failing(&status::failing(connection, &config, now)?);
        for entry in choice.entries() {
            if page.is_full() {
                break;
            }
            page.add(&reader.row(entry, Depth::Present)?, &periods, config.archive.keep);
        }
        Ok::<_, StateError>(page)
    })?;
    Ok(page.finish().render()?)
}
