//! Splitting a line as Python's `shlex` does, with the column of every word.

/// A word without its quotes and the character column (from 0) at which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The characters that remain.
    pub(crate) text: String,
    /// Where its first character (or quote) is.
    pub(crate) column: usize,
    /// Where the character after its first `=` is, in the line.
    pub(crate) value_column: usize,
}

/// The words of a line. `#` starts a comment wherever it is not quoted, even inside a word.
///
/// # Errors
/// A quote is not closed, or the line ends in a backslash.
pub(crate) fn words(line: &str) -> Result<Vec<Word>, &'static str> {
    let mut words = Vec::new();
    let mut chars = line.chars().enumerate().peekable();
    while let Some(&(column, c)) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        if c == '#' {
            break;
        }
        let mut word = Word { text: String::new(), column, value_column: column };
        let mut seen_equals = false;
        while let Some(&(position, c)) = chars.peek() {
            if c.is_whitespace() || c == '#' {
                break;
            }
            chars.next();
            match c {
                '\'' | '"' => quoted(c, &mut chars, &mut word.text)?,
                '\\' => word.text.push(chars.next().ok_or("a backslash has nothing after it")?.1),
                c => {
                    if c == '=' && !seen_equals {
                        seen_equals = true;
                        word.value_column = position + 1;
                    }
                    word.text.push(c);
                }
            }
        }
        words.push(word);
    }
    Ok(words)
}

type Chars<'a> = std::iter::Peekable<std::iter::Enumerate<std::str::Chars<'a>>>;

fn quoted(quote: char, chars: &mut Chars<'_>, out: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a quote is not closed";
    loop {
        match chars.next().ok_or(OPEN)?.1 {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let c = chars.next().ok_or(OPEN)?.1;
                if c != '"' && c != '\\' {
                    out.push('\\');
                }
                out.push(c);
            }
            c => out.push(c),
        }
    }
}
