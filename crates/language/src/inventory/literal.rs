//! Python literals: how an INI inventory types its values.

use crate::diag::Place;
use crate::value::{Map, Text, Value};

/// Deeper values stay text.
const DEEPEST: usize = 100;

/// The value of a text that is a Python literal, else the text itself; every text inside gets this place.
///
/// Tuples and sets become lists, bytes become text, `...` and complex numbers become the text Python prints for them. A
/// whole number that does not fit into 128 bits stays text.
#[must_use]
pub fn python_literal(text: &str, place: &Place) -> Value {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), place };
    match reader.whole() {
        Some(value) => value,
        None => Value::Text(Text::written(text, place.clone())),
    }
}

struct Reader<'a> {
    rest: &'a str,
    place: &'a Place,
}

impl Reader<'_> {
    /// A value, or several with commas between them, and nothing after but a comment.
    fn whole(&mut self) -> Option<Value> {
        let first = self.value(0)?;
        let value = if self.peek(',') {
            let mut items = vec![first];
            while self.eat(',') {
                if self.at_end() {
                    break;
                }
                items.push(self.value(0)?);
            }
            Value::list(items)
        } else {
            first
        };
        self.at_end().then_some(value)
    }

    fn at_end(&mut self) -> bool {
        self.blanks();
        self.rest.is_empty() || self.rest.starts_with('#')
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
    }

    fn peek(&mut self, c: char) -> bool {
        self.blanks();
        self.rest.starts_with(c)
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.rest.chars().next()? {
            '[' => {
                self.eat('[');
                Some(Value::list(self.items(']', depth)?.0))
            }
            '(' => {
                self.eat('(');
                let (mut items, comma) = self.items(')', depth)?;
                if items.len() == 1 && !comma { items.pop() } else { Some(Value::list(items)) }
            }
            '{' => self.braces(depth),
            '.' if self.rest.starts_with("...") => {
                self.rest = self.rest.get(3..)?;
                Some(self.text("..."))
            }
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.word_or_text(),
        }
    }

    /// Items up to the closing bracket, and whether the last was followed by a comma.
    fn items(&mut self, close: char, depth: usize) -> Option<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if self.eat(close) {
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            comma = self.eat(',');
        }
    }

    fn braces(&mut self, depth: usize) -> Option<Value> {
        self.eat('{');
        if self.eat('}') {
            return Some(Value::Map(Map::new()));
        }
        let first = self.value(depth + 1)?;
        if !self.peek(':') {
            let comma = self.eat(',');
            if !comma && !self.peek('}') {
                return None;
            }
            let mut items = vec![first];
            for item in self.items('}', depth)?.0 {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            return items.iter().all(hashable).then(|| Value::list(items));
        }
        let mut map = Map::new();
        let mut key = first;
        loop {
            if !self.eat(':') || !hashable(&key) {
                return None;
            }
            let value = self.value(depth + 1)?;
            let plain = match key {
                Value::Text(text) => Value::text(text.shared()),
                other => other,
            };
            map.make_mut().insert(plain, value);
            let comma = self.eat(',');
            if self.eat('}') {
                return Some(Value::Map(map));
            }
            if !comma {
                return None;
            }
            key = self.value(depth + 1)?;
        }
    }

    fn word_or_text(&mut self) -> Option<Value> {
        for (word, value) in
            [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)]
        {
            if let Some(rest) = self.rest.strip_prefix(word)
                && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                self.rest = rest;
                return Some(value);
            }
        }
        if let Some(rest) = self.rest.strip_prefix("set")
            && let Some(rest) = rest.trim_start().strip_prefix('(')
            && let Some(rest) = rest.trim_start().strip_prefix(')')
        {
            self.rest = rest;
            return Some(Value::list(vec![]));
        }
        let mut all = String::new();
        let mut kind = None;
        while let Some((bytes, text)) = self.string() {
            if kind.is_some_and(|k| k != bytes) {
                return None;
            }
            kind = Some(bytes);
            all.push_str(&text);
            self.blanks();
        }
        kind?;
        if self.rest.starts_with(['\'', '"']) {
            return None;
        }
        Some(self.text(&all))
    }

    fn text(&self, text: &str) -> Value {
        Value::Text(Text::written(text, self.place.clone()))
    }

    /// One quoted string; whether it is bytes, and its characters.
    fn string(&mut self) -> Option<(bool, String)> {
        let start = self.rest.find(['\'', '"'])?;
        let (raw, bytes) = match self.rest.get(..start)?.to_ascii_lowercase().as_str() {
            "" | "u" => (false, false),
            "r" => (true, false),
            "b" => (false, true),
            "br" | "rb" => (true, true),
            _ => return None,
        };
        let body = self.rest.get(start..)?;
        let one = body.get(..1)?;
        let triple = one.repeat(3);
        let quote = if body.starts_with(&triple) { triple.as_str() } else { one };
        let mut out = String::new();
        let mut rest = body.get(quote.len()..)?;
        while !rest.starts_with(quote) {
            let mut chars = rest.chars();
            match chars.next()? {
                '\\' if raw => {
                    out.push('\\');
                    out.push(chars.next()?);
                }
                '\\' => {
                    rest = escape(chars.as_str(), bytes, &mut out)?;
                    continue;
                }
                c if bytes && !c.is_ascii() => return None,
                c => out.push(c),
            }
            rest = chars.as_str();
        }
        self.rest = rest.get(quote.len()..)?;
        Some((bytes, out))
    }

    fn number(&mut self) -> Option<Value> {
        let negative = match self.rest.chars().next()? {
            sign @ ('+' | '-') => {
                self.rest = self.rest.get(1..)?;
                self.blanks();
                sign == '-'
            }
            _ => false,
        };
        let (real, imaginary) = self.unsigned()?;
        if imaginary {
            return Some(self.complex(None, negative, real.as_float()));
        }
        self.blanks();
        if self.rest.starts_with(['+', '-']) {
            let minus = self.rest.starts_with('-');
            self.rest = self.rest.get(1..)?;
            self.blanks();
            let (part, imaginary) = self.unsigned()?;
            let real = if negative { -real.as_float() } else { real.as_float() };
            return imaginary.then(|| self.complex(Some(real), minus, part.as_float()));
        }
        Some(match real {
            Unsigned::Int(i) => Value::Int(if negative { -i } else { i }),
            Unsigned::Float(f) => Value::Float(if negative { -f } else { f }),
        })
    }

    /// The text Python prints for a complex number.
    fn complex(&self, real: Option<f64>, minus: bool, imaginary: f64) -> Value {
        let part = |f: f64| {
            let text = crate::value::string(&Value::Float(f));
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        };
        let sign = if minus { "-" } else { "" };
        self.text(&match real {
            None if minus => format!("(-0-{}j)", part(imaginary)),
            Some(real) => {
                format!("({}{}{}j)", part(real), if minus { "-" } else { "+" }, part(imaginary))
            }
            None => format!("{sign}{}j", part(imaginary)),
        })
    }

    /// A number without its sign, and whether a `j` follows.
    fn unsigned(&mut self) -> Option<(Unsigned, bool)> {
        let end = number_end(self.rest);
        let token = self.rest.get(..end)?;
        self.rest = self.rest.get(end..)?;
        let imaginary = token.ends_with(['j', 'J']) && !token.starts_with("0x");
        let token = if imaginary { token.get(..token.len() - 1)? } else { token };
        if token.starts_with('_') || token.ends_with('_') || token.contains("__") {
            return None;
        }
        let lower = token.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = lower.strip_prefix(prefix) {
                let digits = digits.strip_prefix('_').unwrap_or(digits);
                let number = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
                return (!imaginary).then_some((Unsigned::Int(number), false));
            }
        }
        let plain = around_digits(&lower)?;
        if plain.bytes().all(|b| b.is_ascii_digit()) {
            if plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
                return imaginary.then(|| Some((Unsigned::Float(plain.parse().ok()?), true)))?;
            }
            return Some((Unsigned::Int(plain.parse().ok()?), imaginary));
        }
        Some((Unsigned::Float(plain.parse().ok()?), imaginary))
    }
}

enum Unsigned {
    Int(i128),
    Float(f64),
}

impl Unsigned {
    fn as_float(&self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "as Python does")]
            Self::Int(i) => *i as f64,
            Self::Float(f) => *f,
        }
    }
}

/// Where the characters that can belong to a number end.
fn number_end(text: &str) -> usize {
    let mut previous = ' ';
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    for (position, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E') && !hexadecimal;
        if !(c.is_alphanumeric() || c == '_' || c == '.' || sign) {
            return position;
        }
        previous = c;
    }
    text.len()
}

/// The number without underscores, each of which must stand between digits, if it has the form of a decimal number.
fn around_digits(text: &str) -> Option<String> {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let chars: Vec<char> = text.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i).copied());
        let after = chars.get(i + 1).copied();
        let fits = match c {
            '_' => digit(before) && digit(after),
            '.' => digit(before) || digit(after),
            'e' => (digit(before) || before == Some('.')) && i > 0,
            '+' | '-' => before == Some('e') && digit(after),
            c => c.is_ascii_digit(),
        };
        if !fits {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// Whether Python accepts it as a key: no list or dictionary (tuples have become lists here, so they are refused too).
fn hashable(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

/// One escape sequence after its backslash; what follows it.
fn escape<'a>(text: &'a str, bytes: bool, out: &mut String) -> Option<&'a str> {
    let mut chars = text.chars();
    let c = chars.next()?;
    let simple = match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' => c,
        '0'..='7' => {
            let length = text.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let code = u32::from_str_radix(text.get(..length)?, 8).ok()?;
            out.push(char::from_u32(code)?);
            return text.get(length..);
        }
        'x' | 'u' | 'U' if c == 'x' || !bytes => {
            let length = match c {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let rest = chars.as_str();
            let code = u32::from_str_radix(rest.get(..length)?, 16).ok()?;
            out.push(char::from_u32(code)?);
            return rest.get(length..);
        }
        'N' if !bytes => return None,
        other => {
            out.push('\\');
            other
        }
    };
    out.push(simple);
    Some(chars.as_str())
}
