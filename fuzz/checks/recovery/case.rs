//! What is tried.

use super::super::input::Input;

/// What became of a file.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Untouched,
    Gone,
    /// It ends here.
    Cut(usize),
    /// One bit of the byte here is another one.
    Altered(usize),
    /// It holds other bytes.
    Replaced(Vec<u8>),
    /// Other bytes follow.
    Extended(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The window is to become a segment of its own by renaming.
    pub(super) own_segment: bool,
    /// Which operation of the first recovery fails.
    pub(super) failing: Option<usize>,
    /// The records of the windows before; none for a quiet one.
    pub(super) earlier: [Vec<Vec<u8>>; 2],
    /// The records of the window under way.
    pub(super) window: Vec<Vec<u8>>,
    pub(super) spool: Fate,
    pub(super) segment: Fate,
    /// How many bytes of the window reached the segment.
    pub(super) written: usize,
}

impl Case {
    pub(super) fn read(input: &[u8]) -> Self {
        let mut input = Input::new(input);
        let choice = input.byte();
        let earlier = [records(input.block()), records(input.block())];
        let mut window = records(input.block());
        if window.is_empty() {
            window.push(b"the only one".to_vec());
        }
        let spool = fate(&mut input);
        let segment = fate(&mut input);
        Self {
            own_segment: choice & 1 == 1,
            failing: (choice >> 1).checked_sub(1).map(usize::from),
            earlier,
            window,
            spool,
            segment,
            written: input.number(),
        }
    }
}

fn fate(input: &mut Input<'_>) -> Fate {
    let (choice, place, bytes) = (input.byte(), input.number(), input.block().to_vec());
    match choice % 6 {
        0 => Fate::Untouched,
        1 => Fate::Gone,
        2 => Fate::Cut(place),
        3 => Fate::Altered(place),
        4 => Fate::Replaced(bytes),
        _ => Fate::Extended(bytes),
    }
}

fn records(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

impl Fate {
    /// What is left of the bytes of a file; nothing where the file is gone.
    pub(super) fn befall(&self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Untouched => {}
            Self::Gone => return None,
            Self::Cut(place) => bytes.truncate(place % (bytes.len() + 1)),
            Self::Altered(place) => {
                let place = place % bytes.len().max(1);
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
            }
            Self::Replaced(others) => bytes.clone_from(others),
            Self::Extended(others) => bytes.extend_from_slice(others),
        }
        Some(bytes)
    }
}
