//! sudo: sudo 1.9.13p3 with the usual policy (`/etc/sudoers`, `/etc/sudoers.d`): who may, and with which password.

use super::session::{Done, Failed, Says, Session};
use super::wire::Exec;
use crate::node::Program;

#[derive(Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// `-n`
    never_ask: bool,
    /// `-S`
    from_input: bool,
    /// `-p`
    prompt: Option<String>,
    /// `-H`, `-i`
    home: bool,
    /// `-u`
    user: Option<String>,
    /// `-E`
    keep: bool,
    /// `-i` or `-s`
    shell: Option<char>,
    /// `-v`, `-k`, `-l`: no program.
    only: Option<char>,
    assignments: Vec<(String, String)>,
    argv: Vec<String>,
}

fn usage(text: &str) -> Failed {
    let all = "usage: sudo [-AbEHknPS] [-u user] [VAR=value] [command [arg ...]]";
    Failed::new(1, format!("sudo: {text}\n{all}"))
}

fn parse(words: &[String]) -> Result<Options, Failed> {
    let mut options = Options::default();
    let mut rest = words.iter();
    loop {
        let before = rest.as_slice();
        let Some(word) = rest.next() else { break };
        let assignment = word.split_once('=').filter(|(key, _)| !key.contains('/'));
        if word == "--" {
            options.argv = rest.as_slice().to_vec();
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            options.long(long, &mut rest)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            options.short(letters, &mut rest)?;
        } else if let Some((key, value)) = assignment {
            options.assignments.push((key.to_owned(), value.to_owned()));
        } else {
            options.argv = before.to_vec();
            break;
        }
    }
    Ok(options)
}

impl Options {
    fn long<'a>(
        &mut self,
        long: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Failed> {
        let (name, inline) =
            long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v.to_owned())));
        let mut value = || inline.clone().or_else(|| rest.next().cloned());
        match name {
            "non-interactive" => self.never_ask = true,
            "stdin" => self.from_input = true,
            "set-home" => self.home = true,
            "preserve-env" => self.keep = true,
            "login" => self.shell = Some('i'),
            "user" => self.user = value(),
            "prompt" => self.prompt = value(),
            _ => return Err(usage(&format!("unrecognized option '--{name}'"))),
        }
        Ok(())
    }

    fn short<'a>(
        &mut self,
        letters: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), Failed> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'n' => self.never_ask = true,
                'S' => self.from_input = true,
                'H' => self.home = true,
                'E' => self.keep = true,
                'i' | 's' => self.shell = Some(letter),
                'v' | 'k' | 'K' | 'l' => self.only = Some(letter),
                'u' | 'p' => {
                    let inline = Some(letters.as_str().to_owned()).filter(|text| !text.is_empty());
                    let value = inline.or_else(|| rest.next().cloned());
                    let value = value.ok_or_else(|| {
                        usage(&format!("option requires an argument -- '{letter}'"))
                    })?;
                    let place = if letter == 'u' { &mut self.user } else { &mut self.prompt };
                    *place = Some(value);
                    return Ok(());
                }
                other => return Err(usage(&format!("invalid option -- '{other}'"))),
            }
        }
        Ok(())
    }
}

/// A line of /etc/passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    name: String,
    ids: (u32, u32),
    home: String,
    shell: String,
}

fn user(session: &Session, is: impl Fn(&User) -> bool) -> Option<User> {
    let passwd = session.machine.files.text("/etc/passwd").unwrap_or_default();
    let read = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let mut rest = fields.skip(1);
        let ids = (rest.next()?.parse().ok()?, rest.next()?.parse().ok()?);
        let home = rest.nth(1)?.to_owned();
        Some(User { name, ids, home, shell: rest.next().unwrap_or("/bin/sh").to_owned() })
    };
    passwd.lines().filter_map(read).find(is)
}

/// Whether a user may, and whether without a password. Rules are `WHO HOSTS=(…) [NOPASSWD:] ALL`; the last one counts.
fn policy(sudoers: &str, name: &str, groups: &[String]) -> Option<bool> {
    let mut verdict = (name == "root").then_some(true);
    for line in sudoers
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '@']) && !line.starts_with("Defaults"))
    {
        let Some((who, rule)) = line.split_once(char::is_whitespace) else { continue };
        let is_group = who.strip_prefix('%').is_some_and(|group| groups.iter().any(|g| g == group));
        if who == name || who == "ALL" || is_group {
            verdict = Some(rule.contains("NOPASSWD:"));
        }
    }
    verdict
}

fn sudoers(session: &Session) -> String {
    let files = &session.machine.files;
    let mut text = files.text("/etc/sudoers").unwrap_or_default();
    for name in files.list("/etc/sudoers.d").unwrap_or_default() {
        if !name.contains('.') && !name.ends_with('~') {
            text.push('\n');
            text.push_str(&files.text(&format!("/etc/sudoers.d/{name}")).unwrap_or_default());
        }
    }
    text
}

fn groups(session: &Session, name: &str) -> Vec<String> {
    let text = session.machine.files.text("/etc/group").unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        let (group, members) = (fields.next()?, fields.nth(2)?);
        members.split(',').any(|member| member == name).then(|| group.to_owned())
    };
    text.lines().filter_map(of).collect()
}

pub(super) async fn run(session: &Session) -> Done {
    let options = parse(session.words())?;
    let caller = user(session, |u| u.ids.0 == session.call.user.0);
    let caller =
        caller.ok_or_else(|| Failed::new(1, "sudo: you do not exist in the passwd database"))?;
    let target = options.user.clone().unwrap_or_else(|| "root".to_owned());
    let by_id = target.strip_prefix('#').and_then(|id| id.parse::<u32>().ok());
    let target = user(session, |u| u.name == target || Some(u.ids.0) == by_id)
        .ok_or_else(|| Failed::new(1, format!("sudo: unknown user {target}\nsudo: error initializing audit plugin sudoers_audit")))?;
    if matches!(options.only, Some('k' | 'K')) {
        return Ok(0);
    }
    allow(session, &options, &caller).await?;
    if options.only.is_some() {
        return Ok(0);
    }
    let Some(exec) = program(session, &options, &caller, &target) else {
        return Err(Failed::new(
            1,
            "usage: sudo -h | -K | -k | -V\nusage: sudo [-AbEHknPS] [-u user] [VAR=value] [command [arg ...]]",
        ));
    };
    if session.is_root() || exec.user == session.call.user {
        session.say(Says::Exec(exec)).await;
        return Ok(0);
    }
    // The caller's own streams go with the ticket: what the program leaves unread is the caller's.
    let Exec { argv, environment, directory, user } = exec;
    let program = Program { argv, environment, directory, user, terminal: false };
    let ticket = session.site.processes.ticket(&session.machine.name, program).await;
    let ticket = ticket.map_err(|why| Failed::new(1, format!("sudo: {why}")))?;
    session.say(Says::Ticket(ticket)).await;
    Ok(0)
}

/// Asks for the password if the policy wants one.
async fn allow(session: &Session, options: &Options, caller: &User) -> Result<(), Failed> {
    let name = &caller.name;
    if caller.ids.0 == 0 {
        return Ok(());
    }
    let free = match policy(&sudoers(session), name, &groups(session, name)) {
        Some(true) => return Ok(()),
        verdict => verdict.is_some(),
    };
    if options.never_ask {
        return Err(Failed::new(1, "sudo: a password is required"));
    }
    let prompt = options.prompt.as_deref().unwrap_or("[sudo] password for %p: ");
    let prompt = prompt
        .replace("%p", name)
        .replace("%u", name)
        .replace("%U", "root")
        .replace("%h", &session.machine.name);
    for tries in 0..3 {
        let line = if options.from_input {
            session.say(Says::Err(prompt.clone().into_bytes())).await;
            session.ask_line(None).await
        } else {
            session.ask_line(Some(&prompt)).await
        };
        let Some(line) = line else {
            let text = match (options.from_input, tries) {
                (false, _) => "sudo: a terminal is required to read the password; either use the -S option to read from standard \
                               input or configure an askpass helper\nsudo: a password is required".to_owned(),
                (true, 0) => "sudo: no password was provided\nsudo: a password is required".to_owned(),
                (true, 1) => "sudo: no password was provided\nsudo: 1 incorrect password attempt".to_owned(),
                (true, n) => format!("sudo: no password was provided\nsudo: {n} incorrect password attempts"),
            };
            let lead = if options.from_input { "\n" } else { "" };
            return Err(Failed::new(1, format!("{lead}{text}")));
        };
        if session.machine.password_is(name, &line) {
            if free {
                return Ok(());
            }
            return Err(Failed::new(1, format!("{name} is not in the sudoers file.")));
        }
        session.seconds(1.0).await;
        if tries < 2 {
            session.complain("Sorry, try again.").await;
        }
    }
    Err(Failed::new(1, "sudo: 3 incorrect password attempts"))
}

const SECURE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn program(session: &Session, options: &Options, caller: &User, target: &User) -> Option<Exec> {
    let mut argv = options.argv.clone();
    if let Some(kind) = options.shell {
        let shell = if kind == 'i' {
            target.shell.clone()
        } else {
            session.call.variable("SHELL").unwrap_or(&target.shell).to_owned()
        };
        let command = (!argv.is_empty()).then(|| argv.join(" "));
        argv = vec![shell];
        argv.extend(command.into_iter().flat_map(|command| ["-c".to_owned(), command]));
    }
    let command = argv.join(" ");
    if argv.is_empty() {
        return None;
    }
    let kept = ["TERM", "LANG", "LC_ALL", "DISPLAY", "COLORTERM"];
    let mut environment: Vec<(String, String)> = session
        .call
        .environment
        .iter()
        .filter(|(key, _)| options.keep || kept.contains(&key.as_str()))
        .cloned()
        .collect();
    let mut set = |key: &str, value: String| {
        environment.retain(|(known, _)| known != key);
        environment.push((key.to_owned(), value));
    };
    set("PATH", SECURE_PATH.to_owned());
    // Debian's policy sets HOME in any case, as -H does.
    set("HOME", target.home.clone());
    set("USER", target.name.clone());
    set("LOGNAME", target.name.clone());
    set("SHELL", target.shell.clone());
    set("MAIL", format!("/var/mail/{}", target.name));
    set("SUDO_USER", caller.name.clone());
    set("SUDO_UID", caller.ids.0.to_string());
    set("SUDO_GID", caller.ids.1.to_string());
    set("SUDO_COMMAND", command);
    for (key, value) in &options.assignments {
        set(key, value.clone());
    }
    let directory = if options.shell == Some('i') {
        target.home.clone()
    } else {
        session.call.directory.clone()
    };
    Some(Exec { argv, environment, directory, user: target.ids })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_as_ansible_writes_them() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let options = parse(&words("-H -S -n -u root /bin/sh -c x")).unwrap();
        assert!(options.home && options.from_input && options.never_ask);
        assert_eq!((options.user.as_deref(), options.argv.len()), (Some("root"), 3));
        let options = parse(&words("-p secret: -uops A=b -- ls -l")).unwrap();
        assert_eq!(
            (options.prompt.as_deref(), options.user.as_deref()),
            (Some("secret:"), Some("ops"))
        );
        assert_eq!((options.assignments.len(), options.argv), (1, words("ls -l")));
        assert!(parse(&words("-Z ls")).is_err());
    }

    #[test]
    fn the_last_rule_counts() {
        let text =
            "Defaults env_reset\n%sudo ALL=(ALL:ALL) ALL\nops ALL=(ALL) NOPASSWD: ALL\n# ops no\n";
        assert_eq!(policy(text, "ops", &[]), Some(true));
        assert_eq!(policy(text, "amy", &["sudo".to_owned()]), Some(false));
        assert_eq!(policy(text, "eve", &[]), None);
    }
}
