//! Inflates a body, block by block, within bounds.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use super::{DecodeError, Limits, read_buffered};

/// Decompressed bytes of one block.
const BLOCK_BYTES: usize = 128 << 10;

/// Below this much output no ratio is suspicious: a quiet hour of equal lines compresses well.
const EXPANSION_FLOOR: u64 = 64 << 20;

/// Real logs stay below 100; deflate cannot do more than 1032.
const EXPANSION_RATIO: u64 = 500;

/// Why there is no next block.
#[derive(Debug)]
pub(super) enum Fault {
    /// The body did not arrive.
    Body(io::Error),
    /// The gzip data stops before its end.
    Cut { decompressed: u64 },
    /// Not gzip, or a wrong checksum or length.
    Damaged { decompressed: u64, cause: io::Error },
    /// A small body that expands without end.
    Expands { compressed: u64, decompressed: u64 },
    /// More than the limit, compressed or decompressed.
    TooLarge { limit: u64 },
    /// Whoever inflates it is gone.
    Abandoned,
}

impl<E> From<Fault> for DecodeError<E> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Body(error) => Self::Body(error),
            Fault::Cut { decompressed } => Self::GzipCut { decompressed },
            Fault::Damaged { decompressed, cause } => Self::GzipDamaged { decompressed, cause },
            Fault::Expands { compressed, decompressed } => Self::GzipExpands { compressed, decompressed },
            Fault::TooLarge { limit } => Self::AnswerTooLarge { limit },
            Fault::Abandoned => Self::Body(io::Error::other("it is not decompressed any more")),
        }
    }
}

/// Inflates a body.
pub(super) struct Inflate<R> {
    decoder: MultiGzDecoder<Metered<R>>,
    decompressed: u64,
    limit: u64,
}

impl<R: BufRead> Inflate<R> {
    pub(super) fn new(body: R, limits: &Limits) -> Self {
        let limit = limits.answer;
        let decoder = MultiGzDecoder::new(Metered { body, compressed: 0, limit, failure: None });
        Self { decoder, decompressed: 0, limit }
    }

    /// How many bytes came out so far.
    pub(super) fn decompressed(&self) -> u64 {
        self.decompressed
    }

    /// Puts the next block into `block`. Whether there was one: there is none at the end, which is checked.
    pub(super) fn fill(&mut self, block: &mut Vec<u8>) -> Result<bool, Fault> {
        block.resize(BLOCK_BYTES, 0);
        let mut filled = 0;
        while filled < BLOCK_BYTES {
            match self.read(&mut block[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        block.truncate(filled);
        Ok(filled > 0)
    }

    /// Puts the next bytes into `into`, and tells how many; none at the end, which is checked.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let count = self.decoder.read(into).map_err(|error| self.explain(error))?;
        self.decompressed += count as u64;
        let (compressed, decompressed) = (self.decoder.get_ref().compressed, self.decompressed);
        if decompressed > self.limit {
            return Err(Fault::TooLarge { limit: self.limit });
        }
        if decompressed > EXPANSION_FLOOR && decompressed / EXPANSION_RATIO > compressed {
            return Err(Fault::Expands { compressed, decompressed });
        }
        Ok(count)
    }

    fn explain(&mut self, error: io::Error) -> Fault {
        let decompressed = self.decompressed;
        let body = self.decoder.get_mut();
        if body.compressed > body.limit {
            return Fault::TooLarge { limit: body.limit };
        }
        if let Some(failure) = body.failure.take() {
            return Fault::Body(failure);
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Fault::Cut { decompressed };
        }
        Fault::Damaged { decompressed, cause: error }
    }
}

/// Lets `read` read what the gzip `body` inflates to: one that was compressed only for its way.
///
/// # Errors
/// Those of `read`, and those of the gzip data. What `read` did counts only without an error.
pub(in crate::atlas) fn inflated<B: BufRead, T, E>(
    body: B,
    limits: &Limits,
    read: impl FnOnce(&mut Inflated<B>) -> Result<T, DecodeError<E>>,
) -> Result<T, DecodeError<E>> {
    let mut inflated = Inflated { inflate: Inflate::new(body, limits), fault: None };
    let done = read(&mut inflated);
    match inflated.fault {
        Some(fault) => Err(fault.into()),
        None => done,
    }
}

/// Inflates a body while it is read.
pub(in crate::atlas) struct Inflated<R> {
    inflate: Inflate<R>,
    /// Why there is no more.
    fault: Option<Fault>,
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inflate.read(into).map_err(|fault| {
            self.fault = Some(fault);
            io::ErrorKind::InvalidData.into()
        })
    }
}

/// Counts and bounds what the decompressor takes, and keeps the body's own failure apart from faults of the gzip data.
struct Metered<R> {
    body: R,
    compressed: u64,
    /// Members without content could go on for ever without any output, so the input is bounded as well.
    limit: u64,
    failure: Option<io::Error>,
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.compressed > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        // Asked twice because a borrow that is returned on one path only would last for both.
        if let Err(error) = self.body.fill_buf() {
            let kind = error.kind();
            self.failure = Some(error);
            return Err(kind.into());
        }
        self.body.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.compressed += amount as u64;
        self.body.consume(amount);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}
