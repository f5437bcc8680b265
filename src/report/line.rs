//! A line of a report before it is coloured.

/// How text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As the terminal has it.
    Plain,
    /// Of little interest.
    Dim,
    /// A heading.
    Head,
    /// As it should be.
    Good,
    /// Something was changed.
    Changed,
    /// By the way.
    Note,
    /// Somebody may want to look.
    Warn,
    /// Somebody should look.
    Bad,
}

impl Tone {
    /// The parameters of the ANSI sequence; none for plain text.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Dim => Some("2"),
            Self::Head => Some("1"),
            Self::Good => Some("32"),
            Self::Changed => Some("33"),
            Self::Note => Some("36"),
            Self::Warn => Some("35"),
            Self::Bad => Some("31"),
        }
    }

    /// The text in this colour.
    #[must_use]
    pub fn paint(self, text: &str, color: bool) -> String {
        match self.code() {
            Some(code) if color && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// One line: a coloured beginning and the rest. Neither holds control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Colour of the beginning.
    pub tone: Tone,
    /// The beginning.
    pub lead: String,
    /// The rest.
    pub rest: String,
    /// Where it goes.
    pub to: To,
}

/// The stream of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn empty() -> Self {
        Self::whole(Tone::Plain, "")
    }

    /// All of it in one colour.
    #[must_use]
    pub fn whole(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, lead: text.into(), rest: String::new(), to: To::Output }
    }

    /// A coloured word in a column of its own, then text.
    #[must_use]
    pub fn entry(tone: Tone, word: &str, text: &str) -> Self {
        Self { tone, lead: format!("{word:<11}"), rest: format!(" {text}"), to: To::Output }
    }

    /// The same, to standard error.
    #[must_use]
    pub fn on_errors(mut self) -> Self {
        self.to = To::Errors;
        self
    }

    /// The same, further to the right.
    #[must_use]
    pub fn indented(mut self, columns: usize) -> Self {
        self.lead = format!("{}{}", " ".repeat(columns), self.lead);
        self
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self, color: bool) -> String {
        format!("{}{}", self.tone.paint(&self.lead, color), self.rest)
    }
}
