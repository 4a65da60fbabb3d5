//! Sources as they are named on the command line.

use thiserror::Error;

use crate::{cli::terminal, config::Config, nearest::nearest, source::Source, words};

/// How many sources an error lists.
const LISTED: usize = 20;

/// A name that no source of the configuration has.
#[derive(Debug, Error)]
#[error("there is no source {name:?} in {file}; {hint}there are: {known}")]
pub(super) struct UnknownSource {
    name: String,
    file: String,
    hint: String,
    known: String,
}

/// The source with this name, for example `payments/access-history/prod-0`.
pub(super) fn find(config: &Config, name: &str) -> Result<Source, UnknownSource> {
    let found = config.sources().find(|source| source.to_string() == name);
    found.ok_or_else(|| unknown(config, name))
}

fn unknown(config: &Config, name: &str) -> UnknownSource {
    let names: Vec<String> = config.sources().map(|source| source.to_string()).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let mut known = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(LISTED) {
        known.push_str(&format!(" and {} more, which status lists", words::number(more as u64)));
    }
    UnknownSource {
        name: name.to_owned(),
        file: config.file.display().to_string(),
        hint: near.map(|near| format!("did you mean {near:?}? ")).unwrap_or_default(),
        known,
    }
}

/// Lists the sources of the configuration for a shell that completes their names.
pub(super) fn list(config: &Config) {
    config.sources().for_each(|source| terminal::say(&source.to_string()));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(clusters: usize) -> Config {
        let clusters: Vec<String> = (0..clusters).map(|number| format!("\"prod-{number:03}\"")).collect();
        let text = format!(
            "[credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_env = \"MAIN\"\n[[project]]\n\
             id = \"32b6e34b3d91647abb20e7b8\"\nname = \"payments\"\ncredentials = \"main\"\nclusters = [{}]\n",
            clusters.join(", ")
        );
        crate::config::parse(&text, Path::new("/c.toml"), &|_| Some("secret".into())).unwrap()
    }

    #[test]
    fn a_typing_mistake_is_answered_with_the_name_that_was_meant_and_a_long_list_is_cut() {
        let error = find(&config(2), "payments/access-history/prod-00").unwrap_err().to_string();
        let expected = "there is no source \"payments/access-history/prod-00\" in /c.toml; did you mean \
                        \"payments/access-history/prod-000\"? there are: payments/access-history/prod-000, \
                        payments/access-history/prod-001";
        assert_eq!(error, expected);
        let error = find(&config(1_500), "x").unwrap_err().to_string();
        assert!(error.contains("; there are: payments/access-history/prod-000, "), "{error}");
        assert!(error.ends_with("/prod-019 and 1,480 more, which status lists"), "{error}");
        let error = find(&config(LISTED), "x").unwrap_err().to_string();
        assert!(error.ends_with("/prod-019"), "{error}");
    }
}
