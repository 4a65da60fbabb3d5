//! `atlas-logd man`: the manual, from the definition of the command line.
//!
//! | file | holds |
//! |---|---|
//! | `page.rs` | one page: what the definition says, and what it cannot |
//! | `chapter.rs` | what it cannot say: files, environment, signals |

mod chapter;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use page::{Page, pages};

use crate::{
    cli::{Exit, terminal},
    nearest::nearest,
};

#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The command whose page is written; the page of the program itself if none is named
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    /// Write all pages into this folder, each into a file of its own: atlas-logd.1, atlas-logd-collect.1, …
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let pages = pages();
        if let Some(folder) = self.out {
            write_all(&pages, &folder)?;
            return Ok(Exit::Done);
        }
        let command = self.command.unwrap_or_default();
        let Some(page) = pages.iter().find(|page| page.command == command) else {
            let known = pages.iter().map(|page| page.command.as_str()).filter(|known| !known.is_empty());
            let meant = nearest(&command, known.clone()).map(|meant| format!("; did you mean {meant}?"));
            let known = known.collect::<Vec<_>>().join(", ");
            let meant = meant.unwrap_or_default();
            terminal::complain(&format!("atlas-logd: there is no command {command:?}{meant}; there are: {known}"));
            return Ok(Exit::Usage);
        };
        terminal::say_document(&page.roff()?);
        Ok(Exit::Done)
    }
}

fn write_all(pages: &[Page], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
    for page in pages {
        let file = folder.join(page.file_name());
        fs::write(&file, page.roff()?).with_context(|| format!("failed to write {}", file.display()))?;
    }
    Ok(())
}
