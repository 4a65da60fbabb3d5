//! Takes bytes apart: the first ones choose, the rest is what a stranger sent.

/// What is left of the bytes. There is always more: zeros follow the last one.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Two bytes, the lower one first.
    pub(super) fn number(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// The next bytes, fewer at the end.
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes after their own length.
    pub(super) fn block(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.take(usize::from(length))
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
