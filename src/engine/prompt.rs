//! `vars` and `vars_prompt` of a play (levels 12 and 13).

use super::run::Run;
use mainstay_language::diag::{Diagnostic, Source};
use mainstay_language::playbook::Play;
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
pub fn ask(run: &Run, play: &Play) -> Result<Map, Diagnostic> {
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
        if let Some(keyword) =
            ["encrypt", "salt", "salt_size"].into_iter().find(|k| prompt.get(k).is_some())
        {
            let message = format!("vars_prompt: {keyword} is not supported");
            return Err(Diagnostic::error(message).at(&play.lineage.place));
        }
        let default = prompt.get("default").filter(|v| !matches!(v, Value::Null)).cloned();
        let mut question = text("prompt").unwrap_or_else(|| name.clone());
        if let Some(default) = &default
            && !flag("private", true)
        {
            question = format!("{question} [{}]", string(default));
        }
        let answer = run
            .prompter
            .ask(&format!("{question}: "), flag("private", true))
            .map_err(|e| Diagnostic::error(format!("vars_prompt: cannot ask for {name}: {e}")))?;
        let value = match answer.filter(|text| !text.is_empty()) {
            Some(answer) => {
                if flag("private", true) {
                    run.redactor.hide(&answer);
                }
                answered(&answer, flag("unsafe", false))
            }
            None => default.unwrap_or_else(|| Value::text("")),
        };
        vars.insert(name, value);
    }
    Ok(vars)
}

/// An answer was written by a person: it may be a template unless the prompt says `unsafe`.
fn answered(answer: &str, unsafe_: bool) -> Value {
    if unsafe_ {
        return Value::text(answer);
    }
    Value::Text(Text::written(answer, Source::new("<prompt>", answer).start()))
}
