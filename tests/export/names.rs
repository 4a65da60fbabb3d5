//! What a source is called.

use std::fs;

use crate::{
    archive::{Archive, event, midnight, noon},
    program::help,
};

const NAME: &str = "payments/access-history/prod-0";

/// Makes the folder of a source with a segment that is not sealed yet, and gives its record.
fn add(archive: &Archive, folder: &str) -> [String; 1] {
    let line = event(noon(3), folder);
    fs::create_dir_all(archive.root().join(folder)).unwrap();
    fs::write(archive.root().join(folder).join("00000001-20260303T000000Z.ndjson"), &line).unwrap();
    [line]
}

#[test]
fn a_source_with_a_filter_goes_by_its_name_too() {
    let archive = Archive::new();
    let folder = format!("{NAME}~auth_result=failure");
    let lines = add(&archive, &folder);
    let export = |name: &str| archive.export_of(name, midnight(3), midnight(4));
    for name in [NAME, &folder] {
        export(name).assert(0, &lines).assert_says(&format!(" in {folder}\n")).assert_does_not_say("another source");
    }
    export("payments/access-history/prod-1")
        .assert(2, &[])
        .assert_says("there is no source \"payments/access-history/prod-1\" in the archive; ")
        .assert_says(&format!("there are: \"{folder}\", "));
}

#[test]
fn where_several_sources_have_a_name_the_folder_tells_which() {
    let archive = Archive::new();
    let [failure, success] = ["failure", "success"].map(|result| format!("{NAME}~auth_result={result}"));
    let (failures, successes) = (add(&archive, &failure), add(&archive, &success));
    let export = |name: &str| archive.export_of(name, midnight(3), midnight(4));
    export(NAME).assert(2, &[]).assert_says(&format!(
        "several sources of the archive have the name {NAME:?}; give the folder of one: {failure:?}, {success:?}"
    ));
    let another = |folder: &str| format!("another source of that name, not exported: {folder}\n");
    export(&failure).assert(0, &failures).assert_says(&another(&success));
    export(&success).assert(0, &successes).assert_says(&another(&failure));
    // The name of a folder is never taken for another one's.
    let all = add(&archive, NAME);
    export(NAME).assert(0, &all).assert_says(&another(&failure)).assert_says(&another(&success));
}

#[test]
fn the_help_says_what_to_give() {
    let help = help();
    assert!(
        help.contains("for example payments/access-history/prod-0 Where several have had that name, its folder"),
        "{help}"
    );
    assert!(help.contains("payments/access-history/prod-0~auth_result=failure"), "{help}");
}
