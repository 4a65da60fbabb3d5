//! The decoders: from the bytes of an answer to its records, one at a time and in constant memory.
//!
//! They are synchronous and run on a blocking thread; they know nothing of HTTP, files or clocks. What a decoder handed
//! out counts only when it returned `Ok`: a wrong checksum or a missing end shows after the records before it.

mod channel_reader;
mod decode_error;
mod gzip_lines;
mod inflate;
mod json_entries;
mod json_values;
mod limits;

pub use channel_reader::{BodyReader, BodySender, Closed, Interruption, channel};
pub use decode_error::{DecodeError, Shape};
pub use gzip_lines::gzip_lines;
pub(super) use inflate::inflated;
pub use json_entries::json_entries;
pub use limits::Limits;

/// [`std::io::Read::read`] of a reader with a buffer of its own.
fn read_buffered(reader: &mut impl std::io::BufRead, into: &mut [u8]) -> std::io::Result<usize> {
    let available = reader.fill_buf()?;
    let count = available.len().min(into.len());
    into[..count].copy_from_slice(&available[..count]);
    reader.consume(count);
    Ok(count)
}
