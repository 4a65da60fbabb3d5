//! What came of damage.

use std::fmt;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did no harm, and everything is exact.
    Exact,
    /// The segment was sealed as damaged, what it lost was asked again, and everything is exact.
    Repaired,
    /// The poll failed and said so; the next one needed no hand, and everything is exact.
    AskedAgain,
    /// It is refused until somebody has done what the sentence says; then everything is exact.
    Refused,
    /// The open segment was sealed as damaged and what it lost asked again; what sealed ones lost, only a proof of the
    /// whole archive finds.
    RepairedInPart,
    /// As the last one; but the names of sealed ones are missing, and the log says so at each start, as `check` does.
    RepairedAndTold,
    /// Everything is exact again, and the proof of the archive names the digests that went with their folder.
    RepairedButForDigests,
    /// It goes on, and is refused at the next start: by then only a copy of the state made since helps.
    RefusedLater,
    /// The archived bytes are not what they were, and only a proof of the whole archive finds that.
    Unseen,
    /// A segment is missing, and the log says so at each start, as `check` does.
    Told,
    /// A command says what is wrong.
    Says,
    /// A command finds nothing wrong.
    FindsNothing,
    /// The damage changes nothing here.
    NoDamage,
    /// What must never be.
    Harm(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Repaired => "repaired",
            Self::AskedAgain => "asked again",
            Self::Refused => "refused",
            Self::RepairedInPart => "repaired; the sealed ones `verify` names",
            Self::RepairedAndTold => "repaired; of the sealed ones it tells",
            Self::RepairedButForDigests => "repaired; `verify` names the digests that are gone",
            Self::Told => "told",
            Self::RefusedLater => "refused at the restart",
            Self::Unseen => "`verify` names it",
            Self::Says => "says so",
            Self::FindsNothing => "finds nothing",
            Self::NoDamage => "–",
            Self::Harm(what) => return write!(f, "HARM: {what}"),
        })
    }
}

/// Of two outcomes in a row, the one that tells more.
pub(super) fn worse(first: Outcome, second: Outcome) -> Outcome {
    let weight = |outcome: &Outcome| match outcome {
        Outcome::Harm(_) => 6,
        Outcome::Refused => 5,
        Outcome::AskedAgain => 4,
        Outcome::Repaired | Outcome::RepairedInPart | Outcome::RepairedAndTold => 3,
        Outcome::Unseen | Outcome::Told => 2,
        _ => 1,
    };
    if weight(&second) > weight(&first) { second } else { first }
}
