//! What a reconciliation found to differ for the most part: a person has to decide about it.

use std::fmt;

use crate::{collect::Tally, window::Window};

/// How many ranges a message names.
const MOST_SHOWN: usize = 5;

/// The ranges of which most differs, in order, each with how much; ranges that touch are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing(Vec<(Window, Tally)>);

impl Differing {
    /// Takes note of the next window.
    pub(super) fn note(&mut self, window: Window, tally: Tally) {
        match self.0.last_mut() {
            Some((last, before)) if last.to == window.from => {
                (last.to, *before) = (window.to, *before + tally);
            }
            _ => self.0.push((window, tally)),
        }
    }

    /// The first range; nothing where there is none.
    #[must_use]
    pub fn first(&self) -> Option<Window> {
        self.0.first().map(|(window, _)| *window)
    }

    /// How many ranges there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (window, Tally { shown, missing })) in self.0.iter().take(MOST_SHOWN).enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{missing} of {shown} records of {window}")?;
        }
        match self.0.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and most of {more} more ranges (`status` has them all)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::Instant;

    #[test]
    fn ranges_that_touch_are_one_and_very_many_are_counted() {
        let window = |from, to| Window::new(Instant::from_seconds(from), Instant::from_seconds(to));
        let tally = Tally { shown: 30, missing: 20 };
        let mut differing = Differing::default();
        differing.note(window(0, 10), tally);
        differing.note(window(10, 20), tally);
        assert_eq!((differing.first(), differing.count()), (Some(window(0, 20)), 1));
        assert_eq!(differing.to_string(), format!("40 of 60 records of {}", window(0, 20)));
        (3..9).for_each(|number| differing.note(window(number * 10, number * 10 + 5), tally));
        let said = differing.to_string();
        assert_eq!(said.matches("20 of 30 records").count(), 4, "{said}");
        assert!(said.ends_with(", and most of 2 more ranges (`status` has them all)"), "{said}");
    }
}
