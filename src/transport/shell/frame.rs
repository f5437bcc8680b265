//! The reader that a waiting shell runs, and what is written to it.

use crate::transport::{Command, TransportError};

/// Scripts up to this many bytes are read line by line by the shell itself (one system call a byte, no process); larger
/// ones without input are read to the end of the stream by `cat`.
const BY_LINE: usize = 4096;

/// The first line of output once the whole script has arrived. A shell that ends without it (an idle limit such as `TMOUT`
/// of bash, a cut stream) has run nothing, whatever its status.
pub(crate) const STARTED: &str = "mainstay-started\n";

/// Shell text on one line, without single quotes, backslashes or `!`: it passes unchanged through any login shell.
///
/// The second character set of `IFS` (space, tab, newline) is where the newline comes from. A script that does not
/// arrive whole is never evaluated: either its lines are counted, or it ends with the word named in the header.
pub(super) fn reader(marker: &str) -> String {
    format!(
        "n=${{IFS#??}};echo {marker} $$;read -r c m||exit 0;s=;\
         case $m in l*)while [ $c -gt 0 ];do IFS= read -r l||exit 97;s=$s$l$n;c=$((c-1));done;;\
         *)s=$(cat);case $s in *$m)s=${{s%$m}};;*)exit 97;;esac;;esac;\
         case $m in li);;*)exec </dev/null;;esac;\
         echo {};eval \"unset c l m n s;$s\"",
        STARTED.trim_end()
    )
}

/// The bytes that make a waiting shell run this script with this standard input.
///
/// # Errors
/// The script holds a NUL byte, which no shell text can.
pub(crate) fn frame(command: &Command, nonce: &str) -> Result<Vec<u8>, TransportError> {
    let script = &command.script;
    if script.contains('\0') {
        return Err(TransportError::Unsupported("a script cannot hold a NUL byte".to_owned()));
    }
    if command.stdin.is_empty() && script.len() > BY_LINE {
        return Ok(format!("0 e{nonce}\n{script}\ne{nonce}").into_bytes());
    }
    let lines = script.split('\n').count();
    let mode = if command.stdin.is_empty() { "l" } else { "li" };
    let mut bytes = format!("{lines} {mode}\n{script}\n").into_bytes();
    bytes.extend_from_slice(&command.stdin);
    Ok(bytes)
}

/// Shell text that kills the process group of the shell with this process id (`/proc`, or `ps` where there is none).
pub(crate) fn kill_script(pid: u32) -> String {
    format!(
        "p={pid}; g=\n\
         if read -r s 2>/dev/null </proc/$p/stat; then set -- ${{s##*) }}; g=$3; \
         else g=$(ps -o pgid= -p $p | tr -d ' '); fi\n\
         [ -n \"$g\" ] && kill -s KILL -- -$g\n"
    )
}
