//! What is said of what is missing in the range that was asked for.

use atlas_logd::{
    evidence::{NotedGap, Range},
    plan::GapReason,
};

use crate::archive::{Archive, event, midnight, noon};

#[test]
fn gaps_and_what_no_digest_covers_are_told_as_far_as_they_were_asked_for() {
    let mut archive = Archive::new();
    archive.sealed(2, &[event(noon(2), "x")]);
    archive.sealed_with(3, &[], |digest| {
        let (reason, noticed) = (GapReason::Skipped, noon(3));
        let detail = "the cluster was gone".to_owned();
        digest.gaps = vec![NotedGap { from: noon(2), to: noon(3), reason, detail, noticed }];
        digest.backfilled = vec![Range { from: midnight(1), to: noon(1) }];
    });
    archive
        .export(midnight(3), midnight(5))
        .assert(0, &[])
        .assert_says(
            "gap [2026-03-03T00:00:00Z, 2026-03-03T12:00:00Z): declared by an operator (the cluster was gone)\n",
        )
        .assert_says(
            "not covered: no digest says yet that [2026-03-04T00:00:00Z, 2026-03-05T00:00:00Z) was collected\n",
        );
    let between = "no digest says yet that [2026-03-01T12:00:00Z, 2026-03-02T00:00:00Z) was collected";
    archive.export(midnight(1), noon(2)).assert(0, &[]).assert_says(between).assert_does_not_say("gap");
    archive.export(noon(3), midnight(4)).assert(0, &[]).assert_does_not_say("gap").assert_does_not_say("covered");
}

#[test]
fn digests_that_do_not_add_up_are_told_instead_of_a_coverage_that_is_none() {
    let mut archive = Archive::new();
    let lines = [event(noon(2), "x")];
    archive.sealed(2, &lines);
    let jump = archive.sealed_with(4, &[], |digest| digest.covered = Some(Range { from: noon(3), to: noon(4) }));
    archive
        .export(midnight(2), midnight(3))
        .assert(1, &lines)
        .assert_says(&format!("{} does not follow from the digests before it", jump.digest()))
        .assert_does_not_say("not covered");
}
