//! A long story of polls, backfills, late records and lost states, by chance.

use std::time::Duration;

use atlas_logd::{
    rebuild::Order,
    sim::{Event, RangeClock},
    window::Window,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    harness::{HOUR, MINUTE, SECOND, orders, prod},
    rebuild::{lose_state, stage, try_rebuild},
};

/// So many things happen in a story.
const LENGTH: usize = 60;

fn tell(seed: u64, clock: RangeClock) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = clock);
    let sources = [orders(), prod()];
    let mut rebuilt = 0;
    for number in 0..LENGTH {
        for copy in 0..dice.random_range(0..6) {
            let time = stage.now() - SECOND * dice.random_range(0..60);
            let late = SECOND * dice.random_range(0..840);
            // One in three has a twin.
            let note = format!("{number}, {}", copy / 3 * 3 + copy.min(1));
            stage.add(&orders(), Event::audit(time, &note).late(late));
            stage.add(&prod(), Event::access(time, "host-00", &note).late(late));
        }
        match dice.random_range(0..10) {
            0..6 => stage.poll_once(),
            6 => {
                let source = &sources[dice.random_range(0..2)];
                if stage.lines(source).is_empty() {
                    continue;
                }
                let from = stage.ago(MINUTE * dice.random_range(30..600));
                stage.desk().backfill(source, Window::new(from, from + MINUTE * dice.random_range(1..300)));
            }
            7 => {
                stage.configure(|config| {
                    let size = ["1B", "1KiB", "8KiB", "1MiB"][dice.random_range(0..4)];
                    config.set_text("archive", "rotate_size", size);
                });
            }
            _ if stage.segments(&orders()).is_empty() => {}
            _ => {
                lose_state(&stage);
                try_rebuild(&stage, Order::Keep).unwrap();
                rebuilt += 1;
            }
        }
        let rest = [Duration::ZERO, MINUTE, 10 * MINUTE, 3 * HOUR][dice.random_range(0..4)];
        stage.pass(rest + SECOND * dice.random_range(0..60));
    }
    assert!(rebuilt > 3, "seed {seed}: the state was lost {rebuilt} times only");
    stage.pass(HOUR);
    stage.poll_once();
    for source in &sources {
        println!("seed {seed}, {clock:?}, {source}: {} records", stage.lines(source).len());
        stage.assert_exact(source);
    }
}

#[test]
fn whenever_the_state_is_lost_the_archive_stays_exact() {
    tell(1, RangeClock::default());
    tell(2, RangeClock::Ingested);
}
