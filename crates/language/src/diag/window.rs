//! The part of a long line that is shown around a caret.

/// Characters of a line that are shown, at most.
const WIDTH: usize = 120;
/// Carets further right than this move the window.
const NEAR: usize = 80;
/// Characters before the caret in a window that has moved.
const BEFORE: usize = 60;

/// Which characters of a line are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    start: usize,
}

impl Window {
    /// From the first character on.
    pub(super) const LEFT: Self = Self { start: 0 };

    /// Around a column (from 1) of this line.
    pub(super) fn around(line: &str, column: u32) -> Self {
        let caret = column as usize - 1;
        let moved = caret >= NEAR && line.chars().nth(WIDTH).is_some();
        Self { start: if moved { caret - BEFORE } else { 0 } }
    }

    /// The characters shown, with an ellipsis where there are more.
    pub(super) fn cut(self, line: &str) -> String {
        let mut shown: Vec<char> = line.chars().skip(self.start).take(WIDTH + 1).collect();
        if shown.len() > WIDTH {
            shown.truncate(WIDTH - 1);
            shown.push('…');
        }
        if self.start > 0
            && let Some(first) = shown.first_mut()
        {
            *first = '…';
        }
        shown.into_iter().collect()
    }

    /// Characters before a column, in the window.
    pub(super) fn offset(self, column: u32) -> usize {
        (column as usize - 1).saturating_sub(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn short_lines_are_whole() {
        for (line, column) in [("abc", 2), (&*"é".repeat(120), 120), ("", 1), ("ab", 3)] {
            let window = Window::around(line, column);
            assert_eq!(window.cut(line), line);
            assert_eq!(window.offset(column), column as usize - 1);
        }
    }

    #[test]
    fn the_caret_stays_under_its_character() {
        let line: String = (0..2000u32).filter_map(|i| char::from_u32(0x4e00 + i)).collect();
        for column in [1, 2, 80, 81, 119, 120, 121, 500, 1950, 2000] {
            let window = Window::around(&line, column);
            let cut = window.cut(&line);
            assert!(cut.chars().count() <= 120, "{column}");
            assert!(cut.contains('…'), "{column}");
            let under = cut.chars().nth(window.offset(column));
            assert_eq!(under, line.chars().nth(column as usize - 1), "{column}");
        }
    }
}
