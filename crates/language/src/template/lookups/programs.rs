//! `pipe` and `lines`: what local programs print.

use super::call::Call;
use crate::template::filters::call::fail;
use crate::template::filters::layout;
use minijinja::{Error, Value};

fn output(call: &Call, command: &str) -> Result<String, Error> {
    let base = call.base();
    let ran = call
        .world
        .outside()
        .run(&["/bin/sh", "-c", command], Some(&base))
        .map_err(|error| fail(format!("'{command}' could not be run: {error}")))?;
    if ran.status != 0 {
        let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        let colon = if said.is_empty() { "" } else { ": " };
        return Err(fail(format!("'{command}' ended with status {}{colon}{said}", ran.status)));
    }
    String::from_utf8(ran.stdout).map_err(|_| fail(format!("'{command}' did not print UTF-8")))
}

pub(super) fn pipe(call: &mut Call) -> Result<Vec<Value>, Error> {
    let commands = call.texts()?;
    commands.iter().map(|command| Ok(Value::from(output(call, command)?.trim_end()))).collect()
}

pub(super) fn lines(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for command in call.texts()? {
        let text = output(call, &command)?;
        found.extend(layout::lines(&text).into_iter().map(Value::from));
    }
    Ok(found)
}
