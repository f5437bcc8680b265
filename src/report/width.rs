//! Widths of what a terminal shows.

/// Banners are filled with stars up to this column, as Ansible does where it knows no terminal.
pub(super) const BANNER_COLUMNS: usize = 79;

/// `TEXT ****…`, preceded by an empty line.
#[must_use]
pub(super) fn banner(text: &str) -> String {
    let stars = BANNER_COLUMNS.saturating_sub(text.chars().count()).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

/// Columns that a text takes.
#[must_use]
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text, or as much of it as fits with an ellipsis.
#[must_use]
pub(super) fn fitted(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += columns_of(c);
        if used + 1 > columns_max {
            break;
        }
        out.push(c);
    }
    if columns_max > 0 {
        out.push('…');
    }
    out
}

/// Two for East Asian wide characters and emoji, none for what combines with the character before.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, fitted};

    #[test]
    fn fits_columns_not_characters() {
        assert_eq!(columns("漢字é"), 5);
        assert_eq!(fitted("short", 5), "short");
        assert_eq!(fitted("too long", 5), "too …");
        assert_eq!(fitted("漢字漢字", 5), "漢字…");
        assert_eq!(fitted("漢字漢字", 4), "漢…");
        assert_eq!(fitted("abc", 0), "");
    }
}
