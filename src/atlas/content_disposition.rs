//! The window that an audit log's `Content-Disposition` echoes.

use crate::{instant::Instant, window::Window};

/// Reads the window from for example
/// `attachment; filename="orders_2026-08-10T03:12:58Z_2026-08-10T03:13:08Z_audit.log.gz"` (recorded).
///
/// The instance's name comes first and can hold anything, so the last two instants that stand together count.
pub(super) fn echoed_window(header: &str) -> Option<Window> {
    let instants: Vec<Option<Instant>> = header.split('_').map(|part| part.trim().parse().ok()).collect();
    instants.windows(2).rev().find_map(|pair| match pair {
        [Some(from), Some(to)] => Some(Window::new(*from, *to)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_recorded() {
        let window = |header: &str| echoed_window(header).map(|window| window.to_string());
        let expected = Some("[2026-08-10T03:12:58Z, 2026-08-10T03:13:08Z)".to_owned());
        let range = "2026-08-10T03:12:58Z_2026-08-10T03:13:08Z";
        assert_eq!(window(&format!("attachment; filename=\"instance-908_{range}_audit.log.gz\"")), expected);
        assert_eq!(
            window(&format!("attachment; filename=a_b_2020-01-01T00:00:00Z_2020-01-02T00:00:00Z_{range}_x")),
            expected
        );
        assert_eq!(window("attachment; filename=\"audit.log.gz\""), None);
        assert_eq!(window("attachment; filename=\"x_2026-08-10T03:12:58Z_audit.log.gz\""), None);
        assert_eq!(window(""), None);
    }
}
