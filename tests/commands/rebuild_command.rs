//! `rebuild` by the program, as somebody meets it.

use std::{fs, path::PathBuf};

use crate::{
    harness::{HOUR, Outcome, SECOND, Stage, orders, prod},
    rebuild::lose_state,
};

#[test]
fn who_lost_the_state_is_told_the_command_and_what_was_assumed() {
    let stage = Stage::new();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "one"));
    stage.command(["collect"]).assert_done();
    let archived = [orders(), prod()].map(|source| stage.bytes(&source));
    lose_state(&stage);
    for _ in 0..2 {
        stage.command(["collect"]).assert_code(1).assert_says("make it again from the archive: atlas-logd rebuild;");
    }
    let Outcome { stdout, .. } = stage.command(["rebuild"]).assert_done();
    let open = &stage.segments(&orders())[0];
    for said in [
        "payments/access-history/prod-0: ".to_owned(),
        " is covered, less 0 gaps; 1 record, 1 segment\n".to_owned(),
        format!(
            "payments/stream-audit/orders: assumed: the open segment {} is taken as it lies there (bytes: {}, records: 1): \
             if somebody changed it, nobody will know, and its digest says so\n",
            open.name,
            open.bytes.len()
        ),
        "no digest tells of any time yet: collection starts again at ".to_owned(),
        "assumed: when Atlas did not know a cluster or instance, and how the last polls went, is not known\n"
            .to_owned(),
        format!("run atlas-logd verify '{}'\n", stage.archive().display()),
    ] {
        assert!(stdout.contains(&said), "it does not say {said:?} but:\n{stdout}");
    }
    stage.command(["collect"]).assert_done();
    assert_eq!([orders(), prod()].map(|source| stage.bytes(&source)), archived);
    [orders(), prod()].iter().for_each(|source| stage.assert_exact(source));
}

#[test]
fn what_was_taken_as_it_lay_there_is_told_for_ever() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "alice"));
    stage.command(["collect"]).assert_done();
    lose_state(&stage);
    let open = stage.segments(&orders()).remove(0);
    let path = stage.folder_of(&orders()).join(&open.name);
    stage.damaged(|| {
        fs::write(&path, String::from_utf8(open.bytes.clone()).unwrap().replace("alice", "carol")).unwrap()
    });
    stage.command(["rebuild"]).assert_done();
    stage.add_record(&orders(), SECOND, "two");
    stage.command(["collect"]).assert_done();
    let archive = stage.archive();
    let verify = ["verify", archive.to_str().unwrap()];
    let told = format!(
        ": the first {} bytes of {} were taken as they lay there; a change to them before is not noticed",
        open.bytes.len(),
        open.name
    );
    let said = stage.command(verify).assert_done().stdout;
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("rebuilt: ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("rebuilt: payments/stream-audit/orders: ") && lines[0].ends_with(&told), "{said}");
    let said = stage.command([&verify[..], &["--json"]].concat()).assert_done().stdout;
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let rebuilt = &report["sources"][1]["rebuilt"][0];
    assert_eq!((&rebuilt["adopted"], &rebuilt["adopted_bytes"]), (&open.name.into(), &open.bytes.len().into()));
    // The digests tell of it also after the next rebuild.
    lose_state(&stage);
    stage.command(["rebuild"]).assert_done();
    assert!(stage.command(verify).assert_done().stdout.contains(&told));
}

#[test]
fn an_older_state_that_was_put_back_is_replaced_and_kept() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    stage.add_record(&orders(), HOUR, "one");
    stage.command(["collect"]).assert_done();
    let older = fs::read(stage.state().join("state.db")).unwrap();
    for number in 0..3 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.command(["collect"]).assert_done();
    }
    let archived = stage.bytes(&orders());
    lose_state(&stage);
    fs::write(stage.state().join("state.db"), &older).unwrap();
    stage.command(["collect"]).assert_code(1).assert_says("atlas-logd rebuild --replace");
    stage.command(["rebuild"]).assert_code(1).assert_says("run the same with --replace");
    let Outcome { stdout, .. } = stage.command(["rebuild", "--replace"]).assert_done();
    let moved = stdout.lines().find_map(|line| line.strip_prefix("moved aside: ")).unwrap();
    assert!(moved.contains("state.db.replaced-"), "{moved}");
    assert!(PathBuf::from(moved).is_file());
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.bytes(&orders()), archived);
    stage.assert_exact(&orders());
    stage.add_record(&orders(), SECOND, "goes on");
    stage.command(["collect"]).assert_done();
    stage.assert_exact(&orders());
}
