//! The text of a template file: the `template` module and `lookup('template')`.

use super::engine::Engine;
use super::world::World;
use super::{FileOptions, TemplateError, TemplateErrorKind, lazy, native, report};
use crate::value::Text;
use minijinja::syntax::SyntaxConfig;
use std::sync::Arc;

/// The header that changes options: `#jinja2: lstrip_blocks: True, variable_start_string: '[['`.
const HEADER: &str = "#jinja2:";

/// Renders a template file to text.
pub(super) fn render(
    engine: &Engine,
    text: &Text,
    world: &Arc<World>,
    options: &FileOptions,
) -> Result<String, TemplateError> {
    let placed = |mut e: TemplateError| {
        *e.diagnostic = e.diagnostic.clone().at_opt(text.place());
        e
    };
    let (options, body, skipped) = with_header(text.as_str(), options).map_err(placed)?;
    let syntax = syntax(&options).map_err(placed)?;
    // The final newline is no part of the template: it comes back whatever the last line is.
    // The header is cut off, and every line of it counts for the places of errors.
    let body = normalized(body);
    let template = body.strip_suffix('\n').unwrap_or(&body);
    let shown = match text.place() {
        Some(place) => {
            let mut place = place.clone();
            place.line += skipped;
            Text::written(template, place)
        }
        None => Text::computed(template),
    };
    let code = engine.file_code(&shown, &syntax, &format!("{options:?}"))?;
    let rendered = engine.run_file(&code, &shown, world)?;
    let rendered = native::with_final_newlines(&body, rendered);
    if let Some(e) = lazy::take_print_failure() {
        return Err(report::via(e, None, &shown));
    }
    Ok(if options.newline == "\n" { rendered } else { rendered.replace('\n', &options.newline) })
}

/// Jinja reads all kinds of line ends as one.
fn normalized(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}

fn syntax(options: &FileOptions) -> Result<SyntaxConfig, TemplateError> {
    let mut builder = SyntaxConfig::builder();
    builder
        .keep_trailing_newline(true)
        .trim_blocks(options.trim_blocks)
        .lstrip_blocks(options.lstrip_blocks);
    if let Some([block, block_end, variable, variable_end, comment, comment_end]) =
        options.delimiters.clone()
    {
        builder
            .block_delimiters(block, block_end)
            .variable_delimiters(variable, variable_end)
            .comment_delimiters(comment, comment_end);
    }
    builder.build().map_err(|e| {
        let message = format!("these delimiters cannot be used: {}", report::words(&e));
        TemplateError::new(TemplateErrorKind::Syntax, message)
    })
}

/// The options after the header, the text without it, and how many lines that took.
fn with_header<'t>(
    text: &'t str,
    options: &FileOptions,
) -> Result<(FileOptions, &'t str, u32), TemplateError> {
    let Some(rest) = text.strip_prefix(HEADER) else { return Ok((options.clone(), text, 0)) };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let mut options = options.clone();
    for (name, value) in pairs(line)? {
        set(&mut options, name, &value)?;
    }
    Ok((options, body, 1))
}

/// `name: value` separated by commas; values are Python's constants.
fn pairs(line: &str) -> Result<Vec<(&str, String)>, TemplateError> {
    let mut pairs = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once(':')
            .ok_or_else(|| refuse(format!("{HEADER} expects name: value, not {rest:?}")))?;
        let after = after.trim_start();
        let (value, next) = match after.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let inner = after.get(1..).unwrap_or_default();
                inner
                    .split_once(quote)
                    .ok_or_else(|| refuse(format!("{after} has no end quote")))?
            }
            _ => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        let value = value.trim();
        let value = value.replace("\\n", "\n").replace("\\r", "\r");
        pairs.push((name.trim(), value));
        rest = next.trim_start().trim_start_matches(',').trim_start();
    }
    Ok(pairs)
}

fn set(options: &mut FileOptions, name: &str, value: &str) -> Result<(), TemplateError> {
    let flag = || match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(refuse(format!("{name} in {HEADER} is True or False, not {value:?}"))),
    };
    let delimiter = match name {
        "trim_blocks" => {
            options.trim_blocks = flag()?;
            return Ok(());
        }
        "lstrip_blocks" => {
            options.lstrip_blocks = flag()?;
            return Ok(());
        }
        "newline_sequence" => {
            value.clone_into(&mut options.newline);
            return Ok(());
        }
        "block_start_string" => 0,
        "block_end_string" => 1,
        "variable_start_string" => 2,
        "variable_end_string" => 3,
        "comment_start_string" => 4,
        "comment_end_string" => 5,
        _ => return Err(refuse(format!("{HEADER} has no option named {name:?} here"))),
    };
    let delimiters = options
        .delimiters
        .get_or_insert_with(|| ["{%", "%}", "{{", "}}", "{#", "#}"].map(str::to_owned));
    if let Some(slot) = delimiters.get_mut(delimiter) {
        value.clone_into(slot);
    }
    Ok(())
}

fn refuse(message: impl Into<String>) -> TemplateError {
    TemplateError::new(TemplateErrorKind::Syntax, message)
}
