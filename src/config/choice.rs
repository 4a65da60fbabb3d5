//! A value out of a few.

use super::quote::quote;
use crate::nearest::nearest;

/// The value whose name in `choices` is `text`.
pub(super) fn parse<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names = || choices.iter().map(|(name, _)| *name);
    let hint = nearest(text, names()).map(|name| format!("did you mean {name:?}? ")).unwrap_or_default();
    let allowed: Vec<String> = names().map(|name| format!("{name:?}")).collect();
    Err(format!("{} is not allowed; {hint}allowed: {}", quote(text), allowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_its_value_and_another_text_the_names() {
        let choices = [("hour", 1), ("day", 2)];
        assert_eq!(parse("day", &choices), Ok(2));
        let expected = "\"Day\" is not allowed; did you mean \"day\"? allowed: \"hour\", \"day\"";
        assert_eq!(parse("Day", &choices), Err(expected.to_owned()));
        let expected = "\"month\" is not allowed; allowed: \"hour\", \"day\"";
        assert_eq!(parse("month", &choices), Err(expected.to_owned()));
    }
}
