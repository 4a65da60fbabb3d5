//! The body of an audit log.

use proptest::{collection::vec, prelude::*};

use crate::{
    checks::gzip_lines::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

#[test]
fn the_corpus() {
    replay("gzip_lines", check);
}

/// Text of many short lines and some long ones, with all choices before it.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => vec(prop_oneof![Just(b'\r'), Just(b'"'), any::<u8>()], 0..12),
        1 => (0..300_usize).prop_map(|length| vec![b'x'; length]),
    ];
    let choices = (any::<u8>(), any::<u8>(), prop_oneof![Just(0), any::<u8>()], prop_oneof![Just(0), any::<u8>()]);
    (choices, any::<u16>(), vec(line, 0..20)).prop_map(|((form, pattern, record, answer), cut, lines)| {
        // The form that is compressed before it is decompressed.
        let form = form % 85 * 3 + 2;
        [&[form, pattern, record, answer][..], &cut.to_le_bytes(), &lines.join(&b'\n')].concat()
    })
}

proptest! {
    #[test]
    fn any_bytes(input in any_or_changed(corpus("gzip_lines"))) {
        check(&input);
    }

    #[test]
    fn any_text(input in text()) {
        check(&input);
    }
}
