//! What the help and the manual of a command teach beyond its options: examples to begin with, and how it ends.

use std::fmt::Write as _;

/// What is taught of one command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lesson {
    /// The command's name; empty for the program itself.
    pub(super) command: &'static str,
    /// Lines for a shell, each with what it does.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// Exit codes with their meaning here.
    pub(super) exits: &'static [(u8, &'static str)],
}

const USAGE: (u8, &str) = (2, "the command line is wrong; nothing was done");
const CONFIGURATION: (u8, &str) = (78, "the configuration is wrong; all its faults were printed, and nothing was done");

/// The lessons of all commands.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        command: "",
        examples: &[
            ("atlas-logd demo", "See the whole thing at work, without an account and without a network"),
            ("atlas-logd check --online", "Prove the configuration before the first night"),
            ("atlas-logd collect --help", "The help of one command; -h is the short one"),
        ],
        exits: &[(0, "done"), (1, "something failed; what, was printed"), USAGE, CONFIGURATION],
    },
    Lesson {
        command: "run",
        examples: &[
            ("sudo systemctl enable --now atlas-logd", "As a service, which is how it is meant"),
            ("sudo systemctl reload atlas-logd", "Read the configuration again (SIGHUP)"),
            ("atlas-logd --log-format json run", "In a container: JSON lines on standard error"),
            ("RUST_LOG=atlas_logd=debug atlas-logd run", "By hand, with a line for every poll"),
        ],
        exits: &[
            (0, "stopped by SIGTERM or SIGINT"),
            (1, "state or archive could not be opened, or a lock is held: another daemon runs"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "collect",
        examples: &[
            ("atlas-logd collect", "What is new in every source"),
            ("atlas-logd collect payments/access-history/prod-0", "What is new in one source"),
            (
                "atlas-logd collect payments/access-history/prod-0 --from 2026-11-20 --to 2026-11-22",
                "Two days again: only what the archive lacks is added",
            ),
        ],
        exits: &[
            (0, "every source was collected"),
            (1, "at least one was not; its line says why"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "reconcile",
        examples: &[
            ("atlas-logd reconcile", "The last days of every source (collect.reconcile_range)"),
            (
                "atlas-logd reconcile payments/stream-audit/orders --from 2026-11-20 --to 2026-11-22",
                "Two certain days of one source",
            ),
        ],
        exits: &[
            (0, "every source was compared; what was missing is archived"),
            (1, "at least one was not, or differs so much that you have to decide; its line says which and how"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "check",
        examples: &[
            ("atlas-logd check", "The file, folders, state and newest segments; asks nobody"),
            ("sudo -u atlas-logd atlas-logd check --online", "As the daemon's user, and every source is asked for"),
            ("atlas-logd --config new.toml check", "A configuration before it takes the place of the old one"),
        ],
        exits: &[
            (0, "everything is right"),
            (1, "the configuration is valid, but something else is wrong; what, and what to do, was printed"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "status",
        examples: &[
            ("atlas-logd status", "All sources, as a table"),
            (
                "atlas-logd status --json | jq -r '.[] | select(.gaps != []) | .source'",
                "For programs: sources with gaps",
            ),
            (
                "atlas-logd status --max-lag 1h",
                "For a watchdog: exit 1 where a source is late; each is named on standard error",
            ),
            ("atlas-logd status --head", "The head, to be kept on another machine"),
        ],
        exits: &[
            (0, "shown; with --max-lag: no source is further behind"),
            (
                1,
                "there is no state yet, or it cannot be read; with --max-lag: a source is further behind or was never polled",
            ),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "skip",
        examples: &[(
            "atlas-logd skip payments/access-history/prod-0 --from 2026-11-20T10:00:00Z --to 2026-11-20T10:01:00Z \
             --reason 'ticket 4711: an entry of 20 MiB'",
            "One minute that Atlas will never answer for, with the reason for the auditor",
        )],
        exits: &[
            (0, "the range is a gap now"),
            (1, "it was not skipped: it is archived already, or the source was never polled"),
            (
                2,
                "the command line is wrong, there is no such source, or the range lies in the future; nothing was done",
            ),
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "seal",
        examples: &[
            ("atlas-logd seal", "Every open segment has its digest now, before a copy is made, say"),
            ("atlas-logd seal payments/access-history/prod-0", "Only this source's"),
        ],
        exits: &[
            (0, "sealed; what was not open needed nothing"),
            (1, "a segment could not be sealed; its line says why"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "export",
        examples: &[
            (
                "atlas-logd export payments/access-history/prod-0 --from 2026-03-03 --to 2026-03-04 > 3-march.ndjson",
                "One day, by the records' own clocks; what proves it goes to standard error",
            ),
            (
                "atlas-logd export payments/access-history/prod-0 --archive /srv/copy --from 2026-03-03 --to 2026-03-04 | wc -l",
                "Out of a copy, on a machine without configuration",
            ),
        ],
        exits: &[
            (0, "all records of the range were written, and what proves them holds"),
            (1, "the records were written as far as possible, but something is missing or differs from its digest"),
            (2, "the command line is wrong, or no source has that name; nothing was written"),
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "verify",
        examples: &[
            ("atlas-logd verify /var/log/atlas-logd", "The whole archive"),
            (
                "atlas-logd verify /srv/copy --allowed-signers allowed_signers --head 3f0c… --require-complete",
                "For an auditor: signatures, a head that was kept elsewhere, and no gap",
            ),
            ("atlas-logd verify /var/log/atlas-logd --from 2026-11-20 --json", "The newest part, for programs"),
        ],
        exits: &[
            (0, "nothing is wrong; with --require-complete: nothing is missing either"),
            (1, "something is wrong (or missing); every file was named, with what is wrong with it"),
            USAGE,
        ],
    },
    Lesson {
        command: "rebuild",
        examples: &[
            ("sudo systemctl stop atlas-logd && sudo -u atlas-logd atlas-logd rebuild", "The state is lost"),
            ("sudo -u atlas-logd atlas-logd rebuild --replace", "It is damaged, or older than the archive"),
        ],
        exits: &[
            (0, "the state is made again; what had to be assumed was printed, keep it"),
            (1, "it was not; why, was printed, and everything is as it was"),
            USAGE,
            CONFIGURATION,
        ],
    },
    Lesson {
        command: "simulate",
        examples: &[
            ("atlas-logd simulate", "On 127.0.0.1:8080; prints commands for curl"),
            ("atlas-logd simulate --since 2026-11-20 --faults 0.05", "The same Atlas every day, with bad weather"),
        ],
        exits: &[(0, "stopped by SIGTERM or SIGINT"), (1, "the address is taken, or is not one of loopback"), USAGE],
    },
    Lesson {
        command: "demo",
        examples: &[
            ("atlas-logd demo", "Half a minute; leaves a configuration to try the other commands on"),
            ("docker run --rm --read-only --tmpfs /tmp atlas-logd demo", "Likewise, in the container"),
        ],
        exits: &[
            (0, "every archived byte is what the simulated Atlas held"),
            (1, "a difference, or the machine could not run it"),
            USAGE,
        ],
    },
    Lesson {
        command: "completions",
        examples: &[
            (
                "atlas-logd completions bash | sudo tee /usr/share/bash-completion/completions/atlas-logd >/dev/null",
                "For everybody; the Debian package has done so",
            ),
            ("source <(atlas-logd completions bash)", "For this shell"),
            ("atlas-logd completions fish > ~/.config/fish/completions/atlas-logd.fish", "For yourself, in fish"),
            ("atlas-logd completions zsh > ~/.zfunc/_atlas-logd", "In zsh, where ~/.zfunc is in fpath before compinit"),
        ],
        exits: &[(0, "written"), (1, "standard output could not be written"), USAGE],
    },
    Lesson {
        command: "man",
        examples: &[
            ("atlas-logd man | man -l -", "Read the page of the program"),
            ("atlas-logd man collect | man -l -", "Read the page of a command"),
            (
                "sudo atlas-logd man --out /usr/local/share/man/man1",
                "Install all pages; the Debian package has done so",
            ),
        ],
        exits: &[(0, "written"), (1, "a page could not be written; which, and why, was printed"), USAGE],
    },
];

impl Lesson {
    /// The lesson of a command.
    pub(super) fn of(command: &str) -> Option<&'static Self> {
        LESSONS.iter().find(|lesson| lesson.command == command)
    }

    /// As it follows the options in the long help.
    pub(super) fn help(&self) -> String {
        let mut help = "Examples:\n".to_owned();
        for (line, what) in self.examples {
            let _ = writeln!(help, "  {line}\n      {what}");
        }
        help.push_str("\nExit codes:");
        for (code, meaning) in self.exits {
            let _ = write!(help, "\n  {code:<3} {meaning}");
        }
        help
    }
}
