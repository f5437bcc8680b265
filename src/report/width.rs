//! Widths of what a terminal shows.

/// Banners are filled with stars up to this column, as Ansible does where it knows no terminal.
pub const BANNER_COLUMNS: usize = 79;

/// `TEXT ****…`, preceded by an empty line.
#[must_use]
pub fn banner(text: &str) -> String {
    let stars = BANNER_COLUMNS.saturating_sub(text.chars().count()).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}
