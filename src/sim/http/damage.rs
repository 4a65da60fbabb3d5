//! What faults do to an answer that was right.

use std::{io::Write as _, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};

use super::{
    answer::{Answer, Pieces, cut, once},
    connection::Line,
};
use crate::sim::fault::Fault;

/// Damages an answer. Faults that answer instead, and those that the endpoints heed themselves, change nothing here.
pub(super) fn damage(mut answer: Answer, fault: &Fault, line: &Line) -> Answer {
    let zipped = answer.header("Content-Type").is_some_and(|media_type| media_type.ends_with("gzip"));
    let body = std::mem::replace(&mut answer.body, once(Bytes::new()));
    answer.body = match fault {
        Fault::Cut(bytes) => Box::pin(first(body, *bytes).chain(cut(line))),
        Fault::ResetAfter(bytes) => {
            let line = line.clone();
            let reset = stream::once(async move {
                line.reset();
                std::future::pending().await
            });
            Box::pin(first(body, *bytes).chain(reset))
        }
        Fault::Truncate(bytes) => {
            answer.length = answer.length.map(|length| length.min(*bytes as u64));
            first(body, *bytes)
        }
        Fault::Corrupt(place) => corrupted(body, *place),
        Fault::Append(bytes) => {
            answer.length = answer.length.map(|length| length + bytes.len() as u64);
            Box::pin(body.chain(once(bytes.clone())))
        }
        Fault::Length(length) => {
            answer.length = Some(*length);
            with_length(body, *length, line)
        }
        Fault::Stall(bytes) => Box::pin(first(body, *bytes).chain(stream::pending())),
        Fault::Trickle { after, every } => trickled(body, *after, *every),
        Fault::Repeat { unit, times } => {
            answer.length = None;
            if zipped { repeated_zipped(unit.clone(), *times) } else { repeated(unit.clone(), *times) }
        }
        Fault::Body(bytes) => {
            answer.length = Some(bytes.len() as u64);
            once(bytes.clone())
        }
        Fault::Header(name, value) => {
            answer.set(name, value.clone());
            body
        }
        Fault::Answer { .. }
        | Fault::RateLimited { .. }
        | Fault::Reset
        | Fault::Hang
        | Fault::DateOffset(_)
        | Fault::NarrowRange(..) => body,
    };
    answer
}

/// The first `bytes` bytes.
fn first(body: Pieces, bytes: usize) -> Pieces {
    Box::pin(stream::unfold((body, bytes), async |(mut body, left)| {
        if left == 0 {
            return None;
        }
        let mut piece = body.next().await?;
        piece.truncate(left);
        let left = left - piece.len();
        Some((piece, (body, left)))
    }))
}

fn corrupted(body: Pieces, place: usize) -> Pieces {
    let mut start = 0;
    Box::pin(body.map(move |piece| {
        let here = place.checked_sub(start).filter(|here| *here < piece.len());
        start += piece.len();
        let Some(here) = here else { return piece };
        let mut bytes = piece.to_vec();
        bytes[here] = !bytes[here];
        bytes.into()
    }))
}

/// At most `length` bytes; where there are fewer, the connection is closed after the last.
fn with_length(body: Pieces, length: u64, line: &Line) -> Pieces {
    let line = line.clone();
    Box::pin(stream::unfold((body, length, line), async |(mut body, left, line)| {
        if left == 0 {
            return None;
        }
        let Some(mut piece) = body.next().await else {
            line.cut();
            return std::future::pending().await;
        };
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - piece.len() as u64;
        Some((piece, (body, left, line)))
    }))
}

fn trickled(body: Pieces, after: usize, every: Duration) -> Pieces {
    let state = (body, after, Bytes::new());
    Box::pin(stream::unfold(state, move |(mut body, left, mut rest)| async move {
        while rest.is_empty() {
            rest = body.next().await?;
        }
        if left > 0 {
            let piece = rest.split_to(rest.len().min(left));
            let left = left - piece.len();
            return Some((piece, (body, left, rest)));
        }
        tokio::time::sleep(every).await;
        Some((rest.split_to(1), (body, 0, rest)))
    }))
}

fn repeated(unit: Bytes, times: Option<u64>) -> Pieces {
    Box::pin(stream::unfold(0, move |done| {
        let more = times.is_none_or(|times| done < times);
        std::future::ready(more.then(|| (unit.clone(), done + 1)))
    }))
}

/// The same in gzip, compressed as it goes.
fn repeated_zipped(unit: Bytes, times: Option<u64>) -> Pieces {
    let encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    Box::pin(stream::unfold((encoder, 0_u64), move |(encoder, done)| {
        std::future::ready(next_zipped(encoder, done, &unit, times))
    }))
}

type Zipped = (Option<GzEncoder<Vec<u8>>>, u64);

fn next_zipped(
    encoder: Option<GzEncoder<Vec<u8>>>,
    mut done: u64,
    unit: &[u8],
    times: Option<u64>,
) -> Option<(Bytes, Zipped)> {
    let mut encoder = encoder?;
    while times.is_none_or(|times| done < times) {
        // Writing into memory cannot fail.
        encoder.write_all(unit).ok()?;
        done += 1;
        if !encoder.get_ref().is_empty() {
            let piece = std::mem::take(encoder.get_mut());
            return Some((piece.into(), (Some(encoder), done)));
        }
    }
    let last = encoder.finish().ok()?;
    Some((last.into(), (None, done)))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn run(faults: &[Fault]) -> (Option<u64>, Vec<u8>) {
        let body = Bytes::from_static(b"0123456789");
        let pieces = stream::iter([body.slice(..4), body.slice(4..)]);
        let mut answer = Answer::whole(200, body);
        answer.body = Box::pin(pieces);
        let answer = faults.iter().fold(answer, |answer, fault| damage(answer, fault, &Line::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let body = runtime.block_on(answer.body.fold(Vec::new(), |mut all, piece| {
            all.extend_from_slice(&piece);
            std::future::ready(all)
        }));
        (answer.length, body)
    }

    #[test]
    fn damage_is_exact_across_pieces() {
        for bytes in 0..=10 {
            assert_eq!(run(&[Fault::Truncate(bytes)]), (Some(bytes as u64), b"0123456789"[..bytes].to_vec()));
        }
        assert_eq!(run(&[Fault::Corrupt(5)]).1, [b"01234".as_slice(), &[!b'5'], b"6789"].concat());
        assert_eq!(run(&[Fault::Append("ab".into())]), (Some(12), b"0123456789ab".to_vec()));
        assert_eq!(run(&[Fault::Append("ab".into()), Fault::Truncate(11)]), (Some(11), b"0123456789a".to_vec()));
        assert_eq!(run(&[Fault::Length(7)]), (Some(7), b"0123456".to_vec()));
        assert_eq!(run(&[Fault::Body("x".into())]), (Some(1), b"x".to_vec()));
        let trickle = Fault::Trickle { after: 3, every: Duration::ZERO };
        assert_eq!(run(&[trickle]).1, b"0123456789");
        assert_eq!(run(&[Fault::Repeat { unit: "ab".into(), times: Some(3) }]), (None, b"ababab".to_vec()));
    }

    #[test]
    fn a_repeated_gzip_is_whole_and_small() {
        let unit = Bytes::from(vec![0; 1024 * 1024]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pieces = runtime.block_on(repeated_zipped(unit, Some(8)).collect::<Vec<_>>()).concat();
        assert!(pieces.len() < 100_000, "{} bytes", pieces.len());
        let mut expanded = Vec::new();
        flate2::read::GzDecoder::new(&pieces[..]).read_to_end(&mut expanded).unwrap();
        assert_eq!(expanded.len(), 8 * 1024 * 1024);
    }
}
