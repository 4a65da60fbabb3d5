//! What found projects are called here: as at Atlas, made valid, and each different from all others.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Known;
use crate::config::check_project_name;

/// More characters of a name at Atlas are cut, so that there is room for what tells it from another.
const LONGEST: usize = 70;

/// The name of each found project, by id. `taken` are those of the configuration.
///
/// A name that a project has here already stays with it for as long as its name at Atlas does: a namesake that comes later
/// gets the longer one.
pub(super) fn names<'a>(known: &Known, taken: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut used: BTreeSet<String> = taken.map(str::to_owned).collect();
    let mut names = BTreeMap::new();
    let projects: Vec<_> = known.projects.values().map(|found| (&found.id, &found.atlas_name, &found.name)).collect();
    for (id, atlas_name, name) in &projects {
        // A name that it cannot have got from us was damaged.
        let is_ours = candidates(atlas_name, id).take(3).any(|candidate| candidate == **name);
        if is_ours && !names.contains_key(*id) && used.insert((*name).clone()) {
            names.insert((*id).clone(), (*name).clone());
        }
    }
    for (id, atlas_name, _) in &projects {
        if !names.contains_key(*id)
            && let Some(name) = candidates(atlas_name, id).find(|candidate| !used.contains(candidate))
        {
            used.insert(name.clone());
            names.insert((*id).clone(), name);
        }
    }
    names
}

/// What a project may be called, the best first; there is always one more.
fn candidates(atlas_name: &str, id: &str) -> impl Iterator<Item = String> {
    let (plain, id) = (valid(atlas_name), id.to_owned());
    let with_id = plain.as_ref().map(|plain| format!("{plain}~{id}"));
    let numbered = {
        let id = id.clone();
        (2_u64..).map(move |number| format!("{id}~{number}"))
    };
    plain.into_iter().chain(with_id).chain([id]).chain(numbered)
}

/// The name with what ours cannot hold replaced; nothing where nothing is left of it.
fn valid(atlas_name: &str) -> Option<String> {
    let replaced = atlas_name.chars().map(|character| match character {
        '/' => '-',
        character if character.is_control() => '-',
        character => character,
    });
    let replaced: String = replaced.collect();
    let trimmed = replaced.trim().trim_start_matches('.').trim_start();
    let cut: String = trimmed.chars().take(LONGEST).collect();
    let name = cut.trim_end().to_owned();
    check_project_name(&name).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::FoundProject;

    fn known(projects: &[(&str, &str, &str)]) -> Known {
        let mut known = Known::default();
        for (id, atlas_name, name) in projects {
            let [credentials, id, atlas_name, name] = ["main", id, atlas_name, name].map(str::to_owned);
            let project =
                FoundProject { credentials: credentials.clone(), id: id.clone(), atlas_name, name, listed: true };
            known.projects.insert((credentials, id), project);
        }
        known
    }

    fn named(projects: &[(&str, &str, &str)], taken: &[&str]) -> Vec<String> {
        names(&known(projects), taken.iter().copied()).into_values().collect()
    }

    #[test]
    fn a_project_is_called_as_at_atlas_where_that_can_be_a_name() {
        for (atlas_name, expected) in [
            ("payments", "payments"),
            ("Prüfung 2", "Prüfung 2"),
            ("team/web\u{1b}", "team-web-"),
            (" .hidden ", "hidden"),
            ("...", "a1"),
            ("", "a1"),
            ("../../etc", "-..-etc"),
        ] {
            assert_eq!(named(&[("a1", atlas_name, "")], &[]), [expected], "{atlas_name:?}");
        }
        let long = "é".repeat(200);
        assert_eq!(named(&[("a1", &long, "")], &[]), ["é".repeat(LONGEST)]);
    }

    #[test]
    fn a_name_that_is_taken_is_told_apart_by_the_id() {
        assert_eq!(named(&[("a1", "web", ""), ("b2", "web", "")], &[]), ["web", "web~b2"]);
        assert_eq!(named(&[("a1", "web", "")], &["web"]), ["web~a1"]);
        assert_eq!(named(&[("a1", "web", "")], &["web", "web~a1", "a1"]), ["a1~2"]);
    }

    #[test]
    fn who_has_a_name_keeps_it_until_it_is_called_otherwise_at_atlas() {
        assert_eq!(named(&[("a1", "web", ""), ("b2", "web", "web")], &[]), ["web~a1", "web"]);
        assert_eq!(named(&[("b2", "web", "web~b2")], &[]), ["web~b2"], "also when the other one is gone");
        assert_eq!(named(&[("b2", "shop", "web~b2")], &[]), ["shop"]);
        assert_eq!(named(&[("b2", "web", "web")], &["web"]), ["web~b2"], "the configuration comes first");
        assert_eq!(named(&[("b2", "web", "wec")], &[]), ["web"], "nobody wrote that");
    }
}
