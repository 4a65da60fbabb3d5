//! Beside a running daemon: it is asked to do what the command is to do, since there is one writer.

use crate::{
    cli::{Exit, sources, terminal},
    config::Config,
    control::{Answer, Client, ControlError, Named, News, Order, Outcome, What},
    daemon::Stop,
    shown::shown,
    words,
};

/// Whoever is told how it goes.
pub(super) trait Audience {
    /// So many sources are seen to.
    fn begun(&self, sources: usize);
    /// Something happened.
    fn news(&self, news: &News);
    /// One source has been seen to.
    fn ended(&self, outcome: &Outcome);
    /// Anything else.
    fn line(&self, line: &str);
}

/// Whoever wants nothing but the results, on standard output.
pub(super) struct Results;

impl Audience for Results {
    fn begun(&self, _: usize) {}

    fn news(&self, _: &News) {}

    fn ended(&self, outcome: &Outcome) {
        for line in &outcome.lines {
            match outcome.failed {
                true => terminal::complain(&format!("atlas-logd: {line}")),
                false => terminal::say(line),
            }
        }
    }

    fn line(&self, line: &str) {
        terminal::complain(line);
    }
}

/// Says why a daemon did not do what it was asked.
pub(super) fn complain(error: &ControlError) -> Exit {
    terminal::complain(&format!("atlas-logd: {error}"));
    Exit::Failed
}

/// The order for the sources that are named on the command line.
pub(super) fn order(config: &Config, names: &[String], what: What) -> Order {
    let named = |name: &String| {
        let id = sources::find(config, name).ok().map(|source| source.id);
        Named { name: name.clone(), id }
    };
    Order { what, sources: names.iter().map(named).collect() }
}

/// Lets the daemon carry out an order, and tells how it goes. At the first signal, what is under way ends with its window;
/// after a second one, or `grace`, that is not waited for.
pub(super) async fn give(
    mut daemon: Client,
    order: Order,
    config: &Config,
    stop: &Stop,
    audience: &impl Audience,
) -> Exit {
    let all = order.sources.is_empty();
    let heard = tokio::select! {
        heard = daemon.hand_over(order) => heard,
        () = stop.soon.cancelled() => {
            audience.line("stopped before the daemon took it up; nothing was done");
            return Exit::Failed;
        }
    };
    if let Err(error) = heard {
        return complain(&error);
    }
    let taken_up = tokio::select! {
        taken_up = daemon.go() => taken_up,
        () = stop.soon.cancelled() => {
            audience.line("stopped while the daemon took it up; whether it did, its log and `atlas-logd status` say");
            return Exit::Failed;
        }
    };
    let begun = match taken_up {
        Ok(Answer::Begun(begun)) => begun,
        Ok(Answer::Unknown { name, known }) => return unknown(config, &name, &known),
        Ok(_) => return complain(&ControlError::out_of_turn()),
        Err(error) => return complain(&error),
    };
    audience.begun(begun.len());
    let mut failed = false;
    for source in config.sources().filter(|source| all && !begun.contains(&source.id)) {
        failed = true;
        audience.line(&format!("{source}: {NOT_RELOADED}"));
    }
    let (mut left, mut stopping) = (begun.len(), false);
    let patience = stop.patience(config.collect.grace);
    tokio::pin!(patience);
    while left > 0 {
        let answer = tokio::select! {
            biased;
            answer = daemon.next() => answer,
            () = stop.soon.cancelled(), if !stopping => {
                stopping = true;
                daemon.stop();
                audience.line("stopping after the windows under way; a second signal does not wait for them");
                continue;
            }
            () = &mut patience => {
                audience.line(&format!(
                    "{} not done yet; the daemon ends what is under way with its window; nothing is lost",
                    words::count(left as u64, "source"),
                ));
                return Exit::Failed;
            }
        };
        match answer {
            Ok(Answer::News(news)) => audience.news(&news),
            Ok(Answer::Ended(outcome)) => {
                failed |= outcome.failed;
                left -= 1;
                audience.ended(&outcome);
            }
            Ok(_) => {
                audience.line(&format!("atlas-logd: {}", ControlError::out_of_turn()));
                return Exit::Failed;
            }
            Err(error) => {
                audience.line(&format!("atlas-logd: {error}"));
                return Exit::Failed;
            }
        }
    }
    if failed { Exit::Failed } else { Exit::Done }
}

const NOT_RELOADED: &str = "it is in the configuration file, but the running daemon has not read that yet; let it (systemctl \
                            reload atlas-logd, or kill -HUP), then run the same again";

/// The daemon has no source of this name, or another one.
fn unknown(config: &Config, name: &str, known: &str) -> Exit {
    if sources::find(config, name).is_ok() {
        terminal::complain(&format!("atlas-logd: {name}: {NOT_RELOADED}"));
        return Exit::Failed;
    }
    terminal::complain(&format!(
        "atlas-logd: there is no source {name:?} in the configuration of the running daemon; there are: {}",
        shown(known),
    ));
    Exit::Usage
}
