//! What is on its way to a command.

use tokio::sync::mpsc;

use crate::control::{Answer, News, Outcome};

/// So many answers wait for a command that reads slowly.
const WAITING: usize = 256;

/// So many places are kept for what must not be left out.
const KEPT: usize = 64;

/// What a command is told through.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(mpsc::Sender<Answer>);

impl Outlet {
    /// An outlet, and what comes out of it.
    pub(super) fn new() -> (Self, mpsc::Receiver<Answer>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Says how it begins, or why it does not.
    pub(crate) fn begin(&self, answer: Answer) {
        // It is the first one: there is room, unless nobody listens any more.
        let _ = self.0.try_send(answer);
    }

    /// Tells what happens. Where the command reads slowly, it is left out.
    pub(crate) fn tell(&self, news: News) {
        if self.0.capacity() > KEPT {
            let _ = self.0.try_send(Answer::News(news));
        }
    }

    /// Says how it ended. Waits where the command reads slowly; one that does not read at all is soon given up.
    pub(crate) async fn end(&self, outcome: Outcome) {
        let _ = self.0.send(Answer::Ended(outcome)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_are_left_out_for_a_slow_reader_and_outcomes_are_not() {
        let (outlet, mut answers) = Outlet::new();
        outlet.begin(Answer::Begun(Vec::new()));
        for number in 0..2 * WAITING {
            outlet.tell(News::Line(number.to_string()));
        }
        let outcome = Outcome { failed: false, lines: vec!["done".to_owned()] };
        for _ in 0..KEPT {
            outlet.end(outcome.clone()).await;
        }
        drop(outlet);
        let mut heard = Vec::new();
        while let Some(answer) = answers.recv().await {
            heard.push(answer);
        }
        assert_eq!(heard.len(), WAITING);
        assert_eq!(heard[0], Answer::Begun(Vec::new()));
        assert_eq!(heard[1], Answer::News(News::Line("0".to_owned())), "the first ones");
        assert_eq!(heard.iter().filter(|answer| **answer == Answer::Ended(outcome.clone())).count(), KEPT);
    }
}
