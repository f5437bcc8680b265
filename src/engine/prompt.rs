//! `vars` and `vars_prompt` of a play (levels 12 and 13).

use super::keywords::as_int;
use super::run::Run;
use crate::event::Event;
use mainstay_language::diag::{Diagnostic, Source};
use mainstay_language::playbook::Play;
use mainstay_language::template::{Wanted, password_hash};
use mainstay_language::value::{Map, Text, Value, string};

/// Asks what `-e` does not give.
pub trait Prompter: Send + Sync {
    /// One line from the terminal; `None` if there is no terminal.
    ///
    /// # Errors
    /// The terminal cannot be read.
    fn ask(&self, prompt: &str, private: bool) -> std::io::Result<Option<String>>;
}

/// The play's variables, prompts answered. Without a terminal an unanswered prompt takes its default.
///
/// # Errors
/// A prompt that cannot be asked.
pub(super) fn ask(run: &Run, play: &Play) -> Result<Map, Diagnostic> {
    let mut vars = play.lineage.keywords.vars.clone();
    for prompt in &play.vars_prompt {
        let text = |key: &str| prompt.get(key).map(string);
        let flag = |key: &str, default: bool| {
            prompt.get(key).and_then(super::keywords::as_bool).unwrap_or(default)
        };
        let Some(name) = text("name") else { continue };
        if run.world.extra().get(&name).is_some() {
            continue;
        }
        let default = prompt.get("default").filter(|v| !matches!(v, Value::Null)).cloned();
        let mut question = text("prompt").unwrap_or_else(|| name.clone());
        if let Some(default) = &default
            && !flag("private", true)
        {
            question = format!("{question} [{}]", string(default));
        }
        let answer =
            asked(run, &format!("{question}: "), flag("private", true), flag("confirm", false))
                .map_err(|e| {
                    Diagnostic::error(format!("vars_prompt: cannot ask for {name}: {e}"))
                })?;
        let value = match answer.filter(|text| !text.is_empty()) {
            Some(answer) => {
                if flag("private", true) {
                    run.redactor.hide(&answer);
                }
                answered(&answer, flag("unsafe", false))
            }
            None => default.unwrap_or_else(|| Value::text("")),
        };
        let value = match text("encrypt").filter(|algorithm| !algorithm.is_empty()) {
            Some(algorithm) => encrypted(&value, &algorithm, prompt)
                .map_err(|why| Diagnostic::error(format!("vars_prompt: {name}: {why}")))?,
            None => value,
        };
        vars.insert(name, value);
    }
    Ok(vars)
}

/// One answer; with `confirm` it is asked for again until both are the same.
fn asked(
    run: &Run,
    question: &str,
    private: bool,
    confirm: bool,
) -> std::io::Result<Option<String>> {
    loop {
        let answer = run.prompter.ask(question, private)?;
        if !confirm || answer.is_none() {
            return Ok(answer);
        }
        if run.prompter.ask(&format!("confirm {question}"), private)? == answer {
            return Ok(answer);
        }
        let message = "the two answers are not the same, please answer again".to_owned();
        run.events.emit(Event::Warning { message });
    }
}

/// The hash of an answer, for a module that wants none but that.
fn encrypted(answer: &Value, algorithm: &str, prompt: &Map) -> Result<Value, String> {
    let wanted = Wanted {
        salt: prompt.get("salt").filter(|salt| !matches!(salt, Value::Null)).map(string),
        salt_size: prompt.get("salt_size").and_then(as_int).map(i128::from),
        ..Wanted::default()
    };
    password_hash(&string(answer), algorithm, &wanted).map(Value::text)
}

/// An answer was written by a person: it may be a template unless the prompt says `unsafe`.
fn answered(answer: &str, unsafe_: bool) -> Value {
    if unsafe_ {
        return Value::text(answer);
    }
    Value::Text(Text::written(answer, Source::new("<prompt>", answer).start()))
}
