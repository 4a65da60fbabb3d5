//! The exact words and positions of what is said about bad configurations.

use super::example::{MINIMAL, error, error_after_minimal, error_with, parsed};

#[test]
fn each_fault_has_its_position_and_says_what_is_allowed() {
    let cases = [
        (
            error_after_minimal("[archive]\nrotate_sise = \"1MiB\"\n"),
            "F:13:1: archive: unknown key \"rotate_sise\"; did you mean rotate_size?",
        ),
        (
            error_after_minimal("[web]\nlisten = 1\n"),
            "F:12:2: unknown section \"web\"; allowed: archive, state, schedule, collect, evidence, http, signals, atlas, credentials, project",
        ),
        (
            error_after_minimal("[archive]\ndir = 5\n"),
            "F:13:7: archive.dir: found an integer; expected a string, for example \"/var/log/atlas-logd\"\n\
             \x20 13 | dir = 5\n\
             \x20    |       ^",
        ),
        (
            error_after_minimal("[archive]\nrotate_size = \"12 apples\"\n"),
            "F:13:15: archive.rotate_size: \"12 apples\" is not a size; allowed: a number with a unit (B, KiB, MiB, GiB, \
             TiB or kB, MB, GB, TB), for example \"128MiB\"\n\
             \x20 13 | rotate_size = \"12 apples\"\n\
             \x20    |               ^",
        ),
        (
            error_after_minimal("[archive]\ncompress = \"zst\"\n"),
            "F:13:12: archive.compress: \"zst\" is not allowed; did you mean \"zstd\"? allowed: \"none\", \"gzip\", \"zstd\"\n\
             \x20 13 | compress = \"zst\"\n\
             \x20    |            ^",
        ),
        (
            error_after_minimal("[archive]\nkeep = \"191h\"\n"),
            "F:13:8: archive.keep: \"191h\" is too short: Atlas may be asked for the last 7 days again, and what was \
             removed would be archived twice; allowed: 8d or more, for example \"400d\"\n\
             \x20 13 | keep = \"191h\"\n\
             \x20    |        ^",
        ),
        (
            error_after_minimal("[archive]\nmin_free = \"0B\"\n"),
            "F:13:12: archive.min_free: \"0B\" is out of range; allowed: 1 B to 16.0 TiB\n\
             \x20 13 | min_free = \"0B\"\n\
             \x20    |            ^",
        ),
        (
            error_after_minimal("[evidence]\nsigning_key = \"none\"\n"),
            "F:13:15: evidence.signing_key: missing signing key: there is no file /etc/atlas-logd/none; \
             $CREDENTIALS_DIRECTORY, where a service may have it, is not set here; put the key back that signed the digests \
             so far (a new one is for a new archive, or a rotation); the first one is made with: ssh-keygen -t ed25519 -N '' \
             -C atlas-logd -f FILE",
        ),
        (
            error_after_minimal("[state]\ndir = \"/var/log/atlas-logd/state\"\n"),
            "F:13:7: state.dir: the state would lie within the archive; allowed: a folder of its own for each\n\
             \x20 13 | dir = \"/var/log/atlas-logd/state\"\n\
             \x20    |       ^",
        ),
        (
            error_after_minimal("schedule.stream_audit = \"*/5 * * * *\"\n").replace("project.", ""),
            "F:12:25: schedule.stream_audit: \"*/5 * * * *\" has five fields; seconds come first: try \"0 */5 * * * *\"\n\
             \x20 12 | schedule.stream_audit = \"*/5 * * * *\"\n\
             \x20    |                         ^",
        ),
        (
            error_after_minimal("schedule.reconcile = \"never\"\n").replace("project.", ""),
            "F:12:22: schedule.reconcile: \"never\" has 1 fields; allowed: six fields (second, minute, hour, day of month, \
             month, day of week), for example \"0 */5 * * * *\", or \"off\"\n\
             \x20 12 | schedule.reconcile = \"never\"\n\
             \x20    |                      ^",
        ),
        (
            error_after_minimal("[collect]\nreconcile_range = \"8d\"\n"),
            "F:13:19: collect.reconcile_range: \"8d\" is out of range; allowed: 1h to 168h\n\
             \x20 13 | reconcile_range = \"8d\"\n\
             \x20    |                   ^",
        ),
        (
            error_after_minimal("[collect]\nstream_audit_settle = \"25h\"\n"),
            "F:13:23: collect.stream_audit_settle: \"25h\" is out of range; allowed: 0s to 24h\n\
             \x20 13 | stream_audit_settle = \"25h\"\n\
             \x20    |                       ^",
        ),
        (
            error_after_minimal("[collect]\npolls_at_once = 0\n"),
            "F:13:17: collect.polls_at_once: \"0\" is out of range; allowed: a whole number from 1 to 1024\n\
             \x20 13 | polls_at_once = 0\n\
             \x20    |                 ^",
        ),
        (
            error_after_minimal("[collect]\nstart = 2026-11-22T10:15:00Z\n"),
            "F:13:9: collect.start: found a date without quotes; expected a string, for example \"oldest\"\n\
             \x20 13 | start = 2026-11-22T10:15:00Z\n\
             \x20    |         ^",
        ),
        (
            error_after_minimal("[atlas]\nbase_url = \"http://cloud.mongodb.com\"\n"),
            "F:13:12: atlas.base_url: plain http would show credentials to the network; allowed: https, for example \
             \"https://cloud.mongodb.com\", or http to localhost, 127.0.0.0/8 and [::1]\n\
             \x20 13 | base_url = \"http://cloud.mongodb.com\"\n\
             \x20    |            ^",
        ),
        (
            error_after_minimal("[atlas]\nca_file = \"/nowhere/ca.pem\"\n"),
            "F:13:11: atlas.ca_file: /nowhere/ca.pem cannot be read: No such file or directory (os error 2); allowed: a \
             file of certificates in PEM form\n\
             \x20 13 | ca_file = \"/nowhere/ca.pem\"\n\
             \x20    |           ^",
        ),
        (
            error_with("32b6e34b3d91647abb20e7b8", "32b6"),
            "F:6:6: project.id: \"32b6\" is not a project id; allowed: 24 hexadecimal digits in lower case, for example \
             \"32b6e34b3d91647abb20e7b8\"\n\
             \x20 6 | id = \"32b6\"\n\
             \x20   |      ^",
        ),
        (
            error_with("\"prod-1\"", "\"prod_1\""),
            "F:10:23: project.clusters: \"prod_1\" is not a cluster name; allowed: 1 to 64 letters, digits and hyphens, \
             no hyphen in front\n\
             \x20 10 | clusters = [\"prod-0\", \"prod_1\"]\n\
             \x20    |                       ^",
        ),
        (
            error_with("\"prod-1\"", "7"),
            "F:10:23: project.clusters: found an integer; expected an array of strings, for example [\"prod-0\"]\n\
             \x20 10 | clusters = [\"prod-0\", 7]\n\
             \x20    |                       ^",
        ),
        (
            error_with("\"prod-1\"", "\"prod-0\""),
            "F:10:23: project: the source \"payments/access-history/prod-0\" is there twice; the first is at line 10, \
             column 13\n\
             \x20 10 | clusters = [\"prod-0\", \"prod-0\"]\n\
             \x20    |                       ^",
        ),
        (
            error_with("credentials = \"main\"", "credentials = \"mian\""),
            "F:8:15: project.credentials: unknown credentials \"mian\"; known: \"main\"\n\
             \x20 8 | credentials = \"mian\"\n\
             \x20   |               ^",
        ),
        (
            error_with("name = \"payments\"\n", ""),
            "F:5:1: project.name: missing; expected a string, for example \"payments\"\n\
             \x20 5 | [[project]]\n\
             \x20   | ^",
        ),
        (
            error_with("stream_instances = [\"orders\"]\nclusters = [\"prod-0\", \"prod-1\"]\n", "clusters = []\n"),
            "F:5:1: project: there is nothing to archive; add stream_instances or clusters\n\
             \x20 5 | [[project]]\n\
             \x20   | ^",
        ),
        (
            error_after_minimal("access_history_filter = { auth_result = \"failures\", ip_address = \"1.2.3\" }\n"),
            "F:12:41: project.access_history_filter.auth_result: \"failures\" is not allowed; did you mean \"failure\"? \
             allowed: \"all\", \"success\", \"failure\"\n\
             \x20 12 | access_history_filter = { auth_result = \"failures\", ip_address = \"1.2.3\" }\n\
             \x20    |                                         ^\n\
             F:12:66: project.access_history_filter.ip_address: \"1.2.3\" is not an IP address; allowed: for example \
             \"203.0.113.9\" or \"2001:db8::1\"\n\
             \x20 12 | access_history_filter = { auth_result = \"failures\", ip_address = \"1.2.3\" }\n\
             \x20    |                                                                  ^",
        ),
        (error(""), "F:1:1: project: there is none; add a table [[project]]"),
        (
            error("project = []"),
            "F:1:11: project: there is none; add a table [[project]]\n  1 | project = []\n    |           ^",
        ),
        (
            error("[project]\nid = \"x\"\n"),
            "F:1:1: project: found a table; expected tables, each under a line [[project]] in double brackets\n\
             \x20 1 | [project]\n\
             \x20   | ^",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_project_without_a_good_id_is_looked_at_all_the_same() {
    let found = error(&MINIMAL.replace("32b6e34b3d91647abb20e7b8", "32b6").replace("\"prod-1\"", "\"prod-0\""));
    assert!(found.contains("project.id: "), "{found}");
    assert!(found.contains("the source \"payments/access-history/prod-0\" is there twice"), "{found}");
}

#[test]
fn projects_that_cannot_be_told_apart_are_refused_with_both_positions() {
    let again = MINIMAL.split_once("\n\n").unwrap().1;
    let expected = "F:14:8: project.name: \"payments\" names two projects, and their sources could not be told apart; the \
                    first is at line 7, column 8";
    let found = error(&format!("{MINIMAL}{again}"));
    assert!(found.starts_with(expected), "{found}");
    let expected = "F:16:21: project: the source \"payments/stream-audit/orders\" is there twice; the first is at line \
                    9, column 21\n";
    assert!(found.contains(expected), "{found}");
    assert_eq!(parsed(&format!("{MINIMAL}{again}")).unwrap_err().faults().len(), 4);
}

#[test]
fn all_faults_are_listed_at_once_by_position() {
    let text = r#"
[archive]
color = "red"
file_mode = "0440"
[collect]
grace = "soon"
polls_at_once = "many"
[credentials.main]
client_id = "a"
client_secret_env = "UNSET"
[[project]]
id = "nope"
name = "a/b"
credentials = "other"
clusters = "prod-0"
"#;
    let error = parsed(text).unwrap_err();
    let positions: Vec<String> =
        error.faults().iter().filter_map(|fault| fault.position).map(|position| position.to_string()).collect();
    assert_eq!(positions, ["3:1", "4:13", "6:9", "7:17", "10:21", "12:6", "13:8", "14:15", "15:12"]);
}
