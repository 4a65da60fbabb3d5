//! Credentials that cannot be used, and secrets that must not show.

use super::example::{MINIMAL, error_with, parsed};

#[test]
fn credentials_have_one_of_two_forms() {
    let forms = "allowed: client_id with client_secret_file or client_secret_env (a service account), or public_key with \
                 private_key_file or private_key_env (an API key)";
    let line = "client_secret_env = \"MAIN\"\n";
    let cases = [
        (
            error_with(line, "private_key_env = \"MAIN\"\n"),
            format!("F:1:1: credentials.main: mixes a service account with an API key; {forms}"),
        ),
        (
            error_with("client_id = \"mdb_sa_id_1\"\nclient_secret_env = \"MAIN\"\n", ""),
            format!("F:1:1: credentials.main: says neither who nor where the secret is; {forms}"),
        ),
        (
            error_with(line, ""),
            "F:1:1: credentials.main: missing secret; add client_secret_file or client_secret_env".to_owned(),
        ),
        (
            error_with(line, "client_secret_env = \"MAIN\"\nclient_secret_file = \"x\"\n"),
            "F:3:21: credentials.main.client_secret_env: there is a client_secret_file too; allowed: one of the two"
                .to_owned(),
        ),
        (
            error_with("client_id = \"mdb_sa_id_1\"\n", ""),
            "F:1:1: credentials.main.client_id: missing; expected a string, for example \
             \"mdb_sa_id_1234567890abcdef12345678\""
                .to_owned(),
        ),
        (
            error_with("\"MAIN\"", "\"UNSET\""),
            "F:3:21: credentials.main.client_secret_env: missing secret: the environment variable \"UNSET\" is not set; \
             set it to the secret"
                .to_owned(),
        ),
        (
            error_with(line, "client_secret_file = \"none\"\n"),
            "F:3:22: credentials.main.client_secret_file: missing secret: there is no file /etc/atlas-logd/none; create \
             it with the secret in it"
                .to_owned(),
        ),
        (
            error_with("[credentials.main]", "[credentials]\nmain = 5\n[other]"),
            "F:2:8: credentials.main: found an integer; expected a table, under a line [credentials.main]\n\
             F:3:2: unknown section \"other\"; allowed: archive, state, schedule, collect, evidence, http, signals, atlas, credentials, project"
                .to_owned(),
        ),
        (
            error_with(line, "client_secret_env = \"MAIN\"\nclient_secret_expires = \"hunter2\"\n"),
            "F:4:25: credentials.main.client_secret_expires: not a time; allowed: \"2027-05-01\", or \"2027-05-01T10:15:00Z\""
                .to_owned(),
        ),
        (
            error_with(
                "client_id = \"mdb_sa_id_1\"\nclient_secret_env = \"MAIN\"\n",
                "public_key = \"abcdefgh\"\nprivate_key_env = \"MAIN\"\nclient_secret_expires = \"2027-05-01\"\n",
            ),
            "F:4:25: credentials.main.client_secret_expires: belongs to a service account; an API key does not expire".to_owned(),
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_shown() {
    let inline = "F:3:1: credentials.main: unknown key \"client_secret\"; a secret is not written into this file: put it \
                  into a file of its own and name that with client_secret_file, or into an environment variable and name \
                  that with client_secret_env";
    assert_eq!(error_with("client_secret_env = \"MAIN\"", "client_secret = \"hunter2\""), inline);
    let line = "client_secret_env = \"MAIN\"";
    for text in [
        MINIMAL.replace(line, "private_key = \"hunter2\""),
        MINIMAL.replace(line, "client_secert_file = \"hunter2\""),
        MINIMAL.replace(line, "client_secret_file = [\"hunter2\"]"),
        MINIMAL.replace(line, "client_secret_env = \"hunter2\""),
        MINIMAL.replace(line, "client_secret_env = \"hunter2!\""),
        MINIMAL.replace(line, "client_secret_env = \"hunter2"),
        MINIMAL.replace(line, "client_secret = \"\"\"\nhunter2\n\""),
        MINIMAL.replace(line, "client_secret hunter2"),
        MINIMAL.replace("[credentials.main]\n", "[credentials]\nmain = \"hunter2\"\n"),
        MINIMAL.replace("[credentials.main]\n", "credentials = \"hunter2\"\n[main]\n"),
        MINIMAL.replace("mdb_sa_id_1", "mdb_sa_sk_hunter2"),
        MINIMAL.replace("mdb_sa_id_1", "hunter2 :"),
        MINIMAL.replace("id = \"32b6", "client_secret = \"hunter2\"\nid = \"32b6"),
        MINIMAL.replace("id = \"32b6", "pw = \"hunter2\"\nid = \"32b6"),
        format!("client_secret = \"hunter2\"\n{MINIMAL}"),
        format!("{MINIMAL}[atlas]\nbase_url = \"https://me:hunter2@cloud.mongodb.com\""),
        format!("{MINIMAL}[atlas]\nbase_url = \"https://cloud.mongodb.com?token=hunter2\""),
        format!("{MINIMAL}access_history_filter = {{ auth_result = \"x\", pw = \"hunter2\" }}"),
    ] {
        let error = parsed(&text).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_good_configuration_does_not_show_its_secrets() {
    assert!(!format!("{:?}", parsed(MINIMAL).unwrap()).contains("hunter2"));
}
