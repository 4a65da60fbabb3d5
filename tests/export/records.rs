//! Which records are exported.

use atlas_logd::archive::StoredForm;

use crate::archive::{Archive, ORDERS, event, midnight, noon};

#[test]
fn a_day_is_exported_by_the_time_of_its_records_whenever_they_were_collected() {
    let mut archive = Archive::new();
    let day = [event(midnight(3), "first"), event(noon(3), "noon"), event(midnight(4), "the next day")];
    let late = [event(noon(4), "of its day"), event(noon(3), "late"), event(noon(5), "ahead")];
    let other = archive.sealed(2, &[event(noon(2), "before")]);
    let (on_the_day, day_after) = (archive.sealed(3, &day), archive.sealed(4, &late));
    let expected = [day[0].clone(), day[1].clone(), late[1].clone()];
    let bytes: usize = expected.iter().map(String::len).sum();
    archive
        .export(midnight(3), midnight(4))
        .assert(0, &expected)
        .assert_says(&format!(
            "3 records, {bytes} bytes, of [2026-03-03T00:00:00Z, 2026-03-04T00:00:00Z) in {ORDERS}\n\
             proven by (SHA-256 of the digest):\n{}\n{}\n",
            archive.proof(&on_the_day),
            archive.proof(&day_after)
        ))
        .assert_does_not_say(&other.digest())
        .assert_does_not_say("not sealed")
        .assert_does_not_say("gap");
    archive.export(noon(3), midnight(4)).assert(0, &expected[1..]);
    archive.export(midnight(8), midnight(9)).assert(0, &[]).assert_says("0 records, 0 bytes, of");
}

#[test]
fn all_forms_of_segments_give_the_same() {
    let lines: Vec<String> = (0..2000).map(|number| event(noon(1 + number % 5), &number.to_string())).collect();
    let expected: Vec<String> =
        (0..2000).filter(|number| number % 5 == 2).map(|number| lines[number].clone()).collect();
    for form in StoredForm::ALL {
        let mut archive = Archive::new();
        let name = archive.sealed(5, &lines);
        archive.compress(&name, form);
        let outcome = archive.export(midnight(3), midnight(4)).assert(0, &expected);
        outcome.assert_says(&archive.proof(&name));
    }
}

#[test]
fn segments_that_hold_nothing_of_the_range_are_not_read() {
    let mut archive = Archive::new();
    let lines: Vec<String> = (1..=4).map(|day| event(noon(day), "x")).collect();
    let names: Vec<_> = (1..=4).map(|day| archive.sealed(day, &lines[day as usize - 1..day as usize])).collect();
    for other in [&names[0], &names[1], &names[3]] {
        archive.change(other.as_str(), |bytes| bytes[2] = b'T');
    }
    archive.export(midnight(3), midnight(4)).assert(0, &lines[2..3]);
    archive.export(midnight(3), midnight(5)).assert(1, &[lines[2].clone(), lines[3].replace("time", "Time")]);
}

#[test]
fn of_an_open_segment_whole_lines_are_exported_and_said_to_be_unproven() {
    let mut archive = Archive::new();
    let sealed = [event(noon(1), "sealed")];
    archive.sealed(1, &sealed);
    let (whole, cut) = (event(noon(1), "open"), event(noon(1), "being written"));
    let name = archive.open(2, &format!("{whole}{}", &cut[..cut.len() - 1]));
    archive
        .export(midnight(1), midnight(2))
        .assert(0, &[sealed[0].clone(), whole])
        .assert_says(&format!("not sealed yet, so that nothing proves it: {ORDERS}/{name}, 1 record\n"));
}

#[test]
fn records_without_a_clock_belong_to_the_day_of_their_neighbours() {
    let mut archive = Archive::new();
    let plain = |text: &str| format!("plain text {text}\n");
    let lines = [plain("a"), event(noon(1), "x"), plain("b"), event(noon(3), "y"), plain("c")];
    archive.sealed(3, &lines);
    archive.export(midnight(1), midnight(2)).assert(0, &lines[..3]);
    archive.export(midnight(2), midnight(3)).assert(0, &lines[2..3]);
    archive.export(midnight(3), midnight(4)).assert(0, &lines[2..]);
    // Where none has a clock, they belong to the time when their segment was open.
    let timeless = [plain("d"), plain("e")];
    archive.sealed(6, &timeless);
    archive.export(midnight(6), midnight(7)).assert(0, &timeless);
    archive.export(midnight(5), midnight(6)).assert(0, &[]);
}
