//! `rebuild` after something was interrupted: itself, the seal of a segment; or where the newest segment is gone too.

use std::fs;

use atlas_logd::{
    evidence::{SegmentDigest, Signer},
    rebuild::Order,
};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

use crate::{
    harness::{MINUTE, SECOND, Stage, orders},
    rebuild::{lose_state, stage, try_rebuild},
};

/// One record in each of four segments, and the state that belongs to them, with a log.
fn archive() -> Stage {
    let stage = stage();
    stage.configure(|config| {
        config.only_audit();
        config.set_text("archive", "rotate_size", "1B");
    });
    for number in 1..=4 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.poll_once();
        stage.pass(MINUTE);
    }
    stage
}

#[track_caller]
fn assert_each_once(stage: &Stage) {
    let lines = stage.text_lines(&orders());
    for number in 1..=4 {
        let note = format!("number {number}");
        assert_eq!(lines.iter().filter(|line| line.contains(&note)).count(), 1, "{note} in {lines:#?}");
    }
}

/// What a rebuild leaves that is killed, step by step. Nothing is collected until it was run again.
#[test]
fn a_rebuild_that_was_killed_is_run_again() {
    let leave = |stage: &Stage, moved: &[&str], left: &[&str]| {
        fs::create_dir_all(stage.state().join("rebuild.new")).unwrap();
        fs::write(stage.state().join("rebuild.new/state.db"), "the beginning of one").unwrap();
        for name in moved {
            let path = stage.state().join(name);
            if path.exists() {
                fs::rename(&path, stage.state().join(format!("{name}.aside"))).unwrap();
            }
        }
        left.iter().for_each(|name| fs::write(stage.state().join(name), "left").unwrap());
    };
    let refused: [(&[&str], &[&str], Order, &str); 2] = [
        (&["state.db"], &["state.db-wal"], Order::Replace, "atlas-logd rebuild --replace"),
        (&["state.db", "state.db-wal", "state.db-shm"], &[], Order::Keep, "atlas-logd rebuild;"),
    ];
    for (moved, left, order, said) in refused {
        let stage = archive();
        leave(&stage, moved, left);
        stage.command(["collect"]).assert_code(1).assert_says(said);
        try_rebuild(&stage, order).unwrap();
        assert!(!stage.state().join("rebuild.new").exists());
        stage.poll_once();
        assert_each_once(&stage);
        stage.assert_exact(&orders());
    }
    // Before anything was moved, the old state is in force.
    let stage = archive();
    leave(&stage, &[], &[]);
    stage.poll_once();
    stage.assert_exact(&orders());
}

#[test]
fn a_newest_segment_that_is_gone_or_shorter_too_is_asked_of_atlas_again() {
    for cut in [0, 10] {
        for position in [2, 3] {
            let stage = archive();
            let segment = stage.segments(&orders())[position].clone();
            let path = stage.folder_of(&orders()).join(&segment.name);
            stage.damaged(|| match cut {
                0 => fs::remove_file(&path).unwrap(),
                _ => fs::write(&path, &segment.bytes[..segment.bytes.len() - cut]).unwrap(),
            });
            lose_state(&stage);
            try_rebuild(&stage, Order::Keep).unwrap();
            for _ in 0..2 {
                stage.poll_once();
                stage.pass(MINUTE);
            }
            // What was cut is no line.
            stage.damaged(|| {
                if cut > 0 {
                    fs::write(&path, "").unwrap();
                }
            });
            assert_each_once(&stage);
            assert_eq!(stage.gaps(&orders()), []);
        }
    }
}

#[test]
fn a_digest_that_lacks_its_signature_gets_it() {
    let stage = archive();
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32])).to_openssh(LineEnding::LF).unwrap();
    fs::write(stage.folder().join("key"), key.as_str()).unwrap();
    let signer = Signer::read(&stage.folder().join("key")).unwrap();
    let newest = &stage.segments(&orders())[2];
    let path = stage.folder_of(&orders()).join(newest.name.replace(".ndjson", ".digest.json"));
    let mut digest = SegmentDigest::parse(&fs::read(&path).unwrap()).unwrap();
    digest.signing_key = Some(signer.fingerprint().to_owned());
    fs::write(&path, digest.to_bytes()).unwrap();
    lose_state(&stage);
    stage.configure(|config| config.set_text("evidence", "signing_key", "key"));
    try_rebuild(&stage, Order::Keep).unwrap();
    stage.poll_once();
    let signature = fs::read_to_string(path.with_extension("json.sig")).unwrap();
    assert_eq!(signature, signer.sign(&digest.to_bytes()).unwrap());
    assert!(fs::read(&path).unwrap() == digest.to_bytes());
}
