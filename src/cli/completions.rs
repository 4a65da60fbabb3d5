//! `atlas-logd completions`: what a shell completes, from the definition of the command line.
//!
//! What the definition does not say, the names of the sources, each script asks the program for (the hidden command
//! `sources`), with the configuration that the line names.

use clap::{Args, Command, ValueEnum};
use clap_complete::aot;

use crate::cli::{Exit, definition, terminal};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The shells that are tried.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// bash, with the package bash-completion or without
    Bash,
    /// fish
    Fish,
    /// zsh
    Zsh,
}

impl Completions {
    pub(super) fn run(&self) -> Exit {
        let definition = definition();
        let script = match self.shell {
            Shell::Bash => bash(&definition),
            Shell::Fish => fish(&definition),
            Shell::Zsh => zsh(&definition),
        };
        terminal::say_document(script.as_bytes());
        Exit::Done
    }
}

fn generated(shell: aot::Shell, definition: &Command) -> String {
    let mut script = Vec::new();
    aot::generate(shell, &mut definition.clone(), "atlas-logd", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The commands whose arguments are sources.
fn take_sources(definition: &Command) -> Vec<&str> {
    let takes = |command: &&Command| {
        let mut names = command.get_positionals().filter_map(|argument| argument.get_value_names());
        names.any(|names| names.iter().any(|name| name == "SOURCE"))
    };
    definition.get_subcommands().filter(takes).map(Command::get_name).collect()
}

/// The options of those commands that are followed by a value.
fn take_values(definition: &Command) -> Vec<String> {
    let commands =
        definition.get_subcommands().filter(|command| take_sources(definition).contains(&command.get_name()));
    let options = commands.chain([definition]).flat_map(Command::get_opts);
    let mut options: Vec<String> =
        options.filter_map(|option| option.get_long()).map(|long| format!("--{long}")).collect();
    options.sort();
    options.dedup();
    options.retain(|option| option != "--config");
    options
}

const BASH: &str = r#"
_atlas_logd_with_sources() {
    local word i command=
    local -a program=("$1")
    _atlas__logd "$@"
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == --* && ${COMP_WORDS[i + 1]} == = ]] && ((i++))
        case $word in
            --config) program+=(--config "${COMP_WORDS[++i]}") ;;
            VALUES) ((i++)) ;;
            -*) ;;
            *) [[ -z $command ]] && command=$word ;;
        esac
    done
    # The value of an option, or an option.
    [[ $i -gt $COMP_CWORD || $2 == -* ]] && return
    case $command in
        COMMANDS) ;;
        *) return ;;
    esac
    COMPREPLY=()
    while IFS= read -r word; do
        [[ $word == "$2"* ]] && COMPREPLY+=("$(printf %q "$word")")
    done < <("${program[@]}" sources 2>/dev/null)
}
complete -F _atlas_logd_with_sources -o bashdefault -o default atlas-logd
"#;

fn bash(definition: &Command) -> String {
    // The generator names the functions of a program with a hyphen in two ways, so that nothing below a command is found.
    let script = generated(aot::Shell::Bash, definition).replace("atlas__subcmd__logd", "atlas__logd");
    let more = BASH.replace("VALUES", &take_values(definition).join("|"));
    script + &more.replace("COMMANDS", &take_sources(definition).join("|"))
}

const FISH: &str = r#"
function __fish_atlas_logd_sources
    argparse -i config= -- (commandline -opc) 2>/dev/null
    set -q _flag_config
    and atlas-logd --config $_flag_config sources 2>/dev/null
    or atlas-logd sources 2>/dev/null
end
complete -c atlas-logd -n "__fish_atlas_logd_using_subcommand COMMANDS" -f -a "(__fish_atlas_logd_sources)"
"#;

fn fish(definition: &Command) -> String {
    generated(aot::Shell::Fish, definition) + &FISH.replace("COMMANDS", &take_sources(definition).join(" "))
}

const ZSH: &str = r#"
_atlas_logd_sources() {
    local -a sources config typed
    typed=(${(z)LBUFFER})
    local at=${typed[(I)--config]}
    (( at )) && config=(--config "${(Q)typed[at + 1]}")
    sources=("${(@f)$(atlas-logd $config sources 2>/dev/null)}")
    compadd -a sources
}
"#;

fn zsh(definition: &Command) -> String {
    let script = generated(aot::Shell::Zsh, definition);
    let mut lines = script.lines();
    // The first line makes it a completion of this program.
    let mut more = lines.next().unwrap_or_default().to_owned();
    more.push_str(ZSH);
    for line in lines {
        let of_sources = ["'*::sources -- ", "':source -- "].iter().any(|begin| line.starts_with(begin));
        match line.rsplit_once(":_default'").filter(|_| of_sources) {
            Some((before, after)) => more.push_str(&format!("{before}:_atlas_logd_sources'{after}")),
            None => more.push_str(line),
        }
        more.push('\n');
    }
    more
}
