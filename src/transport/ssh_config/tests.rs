//! Values as `ssh -G` of OpenSSH gives them.

use super::options::{Agent, Family, Proxy, Strict};
use super::*;

fn person() -> Person {
    Person {
        home: "/home/me".into(),
        user: "root".into(),
        uid: 1000,
        host_name: "desk.example.com".into(),
        environment: vec![("KEYS".into(), "/keys".into())],
    }
}

fn exec(command: &str) -> bool {
    std::process::Command::new("/bin/sh").args(["-c", command]).status().unwrap().success()
}

fn resolve(text: &str, args: &str, host: &str) -> Result<Options, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, text).unwrap();
    let person = person();
    let config = Config::load(&file, Path::new("/nowhere/ssh_config"), &person)?;
    let mut arguments = Arguments::default();
    arguments.parse(args, "args")?;
    config.resolve(&Query { host, arguments: &arguments, person: &person, exec: &exec })
}

fn paths(list: &[PathBuf], between: &str) -> String {
    list.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(between)
}

fn seconds(time: Option<std::time::Duration>) -> Option<String> {
    Some(time?.as_secs().to_string())
}

/// One option as `ssh -G` prints it; `-` if it does not.
fn shown(options: &Options, key: &str) -> String {
    let yes = |flag: bool| Some(if flag { "yes" } else { "no" }.to_owned());
    let value = match key {
        "hostname" => Some(options.host_name.clone()),
        "user" => Some(options.user.clone()),
        "port" => Some(options.port.to_string()),
        "stricthostkeychecking" => Some(match options.strict {
            Strict::Yes => "true".into(),
            Strict::AcceptNew => "accept-new".into(),
            Strict::No => "false".into(),
        }),
        "connecttimeout" => seconds(options.connect_timeout),
        "serveraliveinterval" => seconds(options.alive_interval),
        "serveralivecountmax" => options.alive_count.map(|count| count.to_string()),
        "addressfamily" => Some(match options.family {
            Family::Any => "any".into(),
            Family::Inet => "inet".into(),
            Family::Inet6 => "inet6".into(),
        }),
        "bindaddress" => options.bind_address.clone(),
        "hostkeyalias" => options.host_key_alias.clone(),
        "identitiesonly" => yes(options.identities_only),
        "identityagent" => (options.agent == Agent::None).then(|| "none".into()),
        "identityfile" => options.identity_files.as_deref().map(|files| paths(files, "|")),
        "certificatefile" => Some(paths(&options.certificate_files, "|")),
        "userknownhostsfile" => Some(paths(&options.user_known_hosts, " ")),
        "globalknownhostsfile" => Some(paths(&options.global_known_hosts, " ")),
        "proxyjump" => match &options.proxy {
            Proxy::Jumps(jumps) => Some(jumps.iter().map(jump_text).collect::<Vec<_>>().join(",")),
            _ => None,
        },
        "proxycommand" => match &options.proxy {
            Proxy::Command(command) => Some(command.clone()),
            _ => None,
        },
        "preferredauthentications" => options.authentications.as_ref().map(|list| list.join(",")),
        "numberofpasswordprompts" => Some(options.password_prompts.to_string()),
        "passwordauthentication" => yes(options.password),
        "pubkeyauthentication" => Some(options.pubkey.to_string()),
        "kbdinteractiveauthentication" => yes(options.keyboard),
        other => panic!("{other}"),
    };
    value.unwrap_or_else(|| "-".into())
}

fn jump_text(jump: &Jump) -> String {
    let user = jump.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let port = jump.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{user}{}{port}", jump.host)
}

/// File, arguments, host, option, value (`error`: ssh refuses).
const ROWS: &[(&str, &str, &str, &str, &str)] = &[
    ("Host a\n HostName 10.0.0.1\n", "", "a", "hostname", "10.0.0.1"),
    ("Host a\n HostName 10.0.0.1\n", "", "b", "hostname", "b"),
    ("Host a b\n User x\n", "", "b", "user", "x"),
    ("Host *\n User x\n", "", "b", "user", "x"),
    ("Host a*\n User x\nHost *\n User y\n", "", "abc", "user", "x"),
    ("Host a*\n User x\nHost *\n User y\n", "", "b", "user", "y"),
    ("User first\nHost a\n User x\n", "", "a", "user", "first"),
    ("Host a\n User x\nHost a\n User y\n", "", "a", "user", "x"),
    ("Host * !b\n User x\n", "", "b", "user", "root"),
    ("Host * !b\n User x\n", "", "c", "user", "x"),
    ("Host !b *\n User x\n", "", "b", "user", "root"),
    ("Host ?b\n User x\n", "", "ab", "user", "x"),
    ("Host ?b\n User x\n", "", "aab", "user", "root"),
    ("Host !b\n User x\n", "", "c", "user", "root"),
    ("HOST a\n uSeR x\n", "", "a", "user", "x"),
    ("Host=a\n User=x\n", "", "a", "user", "x"),
    ("Host = a\n User = x\n", "", "a", "user", "x"),
    ("Host \"a\"\n User \"x\"\n", "", "a", "user", "x"),
    ("Host a # comment\n User x # other\n", "", "a", "user", "x"),
    ("  # comment\n\n\tHost a\n\t\tUser\tx\n", "", "a", "user", "x"),
    ("Host A\n User x\n", "", "a", "user", "root"),
    ("Host a\n User x\n", "", "A", "user", "root"),
    ("Host a\n HostName %h.example.com\n", "", "a", "hostname", "a.example.com"),
    ("Host a\n HostName x%%h\n", "", "a", "hostname", "x%h"),
    ("HostName UPPER.example.com\n", "", "a", "hostname", "upper.example.com"),
    ("Port 2200\n", "", "a", "port", "2200"),
    ("Host a\n Port 2200\n", "-p 2201", "a", "port", "2201"),
    ("Host a\n Port 2200\n", "-o Port=2202", "a", "port", "2202"),
    ("", "-o Port=2202 -p 2203", "a", "port", "2202"),
    ("User x\n", "-l y", "a", "user", "y"),
    ("User x\n", "-o 'User y' -l z", "a", "user", "y"),
    ("User x\n", "-oUser=y", "a", "user", "y"),
    ("Match host a\n User x\n", "", "a", "user", "x"),
    ("Match host a,b\n User x\n", "", "b", "user", "x"),
    ("Match host a*,!ab\n User x\n", "", "ab", "user", "root"),
    ("Match !host a\n User x\n", "", "b", "user", "x"),
    ("Match host a user root\n User x\n Port 99\n", "", "a", "port", "99"),
    ("Match user nobody\n Port 99\n", "-l nobody", "a", "port", "99"),
    ("User bob\nMatch user bob\n Port 99\n", "", "a", "port", "99"),
    ("Match user bob\n Port 99\nMatch all\n User bob\n", "", "a", "port", "22"),
    ("Match all\n Port 99\n", "", "a", "port", "99"),
    ("Match localuser root\n Port 99\n", "", "a", "port", "99"),
    ("Match localuser other\n Port 99\n", "", "a", "port", "22"),
    ("Match originalhost a\n Port 99\n", "", "a", "port", "99"),
    ("HostName b\nMatch host b\n Port 99\n", "", "a", "port", "99"),
    ("HostName b\nMatch originalhost a\n Port 99\n", "", "a", "port", "99"),
    ("Match host b\n Port 99\nMatch all\n HostName b\n", "", "a", "port", "22"),
    ("Match final host b\n Port 99\nMatch all\n HostName b\n", "", "a", "port", "99"),
    ("Match final all\n Port 99\nMatch all\n Port 98\n", "", "a", "port", "98"),
    (
        "Host b\n Port 99\nMatch final all\n HostName b\nHost *\n HostName c\n",
        "",
        "a",
        "port",
        "22",
    ),
    ("Host a\n HostName b\nHost b\n Port 97\nMatch final all\n User q\n", "", "a", "port", "97"),
    ("Match exec true\n Port 99\n", "", "a", "port", "99"),
    ("Match exec false\n Port 99\n", "", "a", "port", "22"),
    ("Match !exec false\n Port 99\n", "", "a", "port", "99"),
    ("Match exec \"test %h = a\"\n Port 99\n", "", "a", "port", "99"),
    ("Match exec \"test %n = a\"\n Port 99\nMatch all\n HostName z\n", "", "a", "port", "99"),
    ("Match canonical all\n Port 99\n", "", "a", "port", "22"),
    ("Match !canonical all\n Port 99\n", "", "a", "port", "99"),
    ("StrictHostKeyChecking no\n", "", "a", "stricthostkeychecking", "false"),
    ("StrictHostKeyChecking accept-new\n", "", "a", "stricthostkeychecking", "accept-new"),
    (
        "StrictHostKeyChecking yes\n",
        "-o StrictHostKeyChecking=off",
        "a",
        "stricthostkeychecking",
        "false",
    ),
    ("ConnectTimeout 7\n", "", "a", "connecttimeout", "7"),
    ("ConnectTimeout 1m30s\n", "", "a", "connecttimeout", "90"),
    ("ServerAliveInterval 20\n", "", "a", "serveraliveinterval", "20"),
    ("ServerAliveInterval 2m\n", "", "a", "serveraliveinterval", "120"),
    ("ServerAliveCountMax 5\n", "", "a", "serveralivecountmax", "5"),
    ("AddressFamily inet6\n", "", "a", "addressfamily", "inet6"),
    ("AddressFamily inet6\n", "-4", "a", "addressfamily", "inet"),
    ("BindAddress 127.0.0.9\n", "", "a", "bindaddress", "127.0.0.9"),
    ("HostKeyAlias node\n", "", "a", "hostkeyalias", "node"),
    ("IdentitiesOnly yes\n", "", "a", "identitiesonly", "yes"),
    ("IdentityAgent none\n", "", "a", "identityagent", "none"),
    ("IdentityFile none\n", "", "a", "identityfile", ""),
    ("IdentityFile /k/one\nIdentityFile /k/two\n", "", "a", "identityfile", "/k/one|/k/two"),
    ("IdentityFile /k/one\nIdentityFile /k/one\n", "", "a", "identityfile", "/k/one"),
    (
        "Host a\n IdentityFile /k/one\nHost *\n IdentityFile /k/two\n",
        "",
        "a",
        "identityfile",
        "/k/one|/k/two",
    ),
    ("IdentityFile \"/k/with space\"\n", "", "a", "identityfile", "/k/with space"),
    ("IdentityFile /k/one\n", "-o IdentityFile=/k/two", "a", "identityfile", "/k/two|/k/one"),
    ("CertificateFile /k/c\n", "", "a", "certificatefile", "/k/c"),
    ("UserKnownHostsFile /k/a /k/b\n", "", "a", "userknownhostsfile", "/k/a /k/b"),
    (
        "UserKnownHostsFile /k/a\n",
        "-o UserKnownHostsFile=/dev/null",
        "a",
        "userknownhostsfile",
        "/dev/null",
    ),
    ("GlobalKnownHostsFile /k/g\n", "", "a", "globalknownhostsfile", "/k/g"),
    ("ProxyJump b\n", "", "a", "proxyjump", "b"),
    ("ProxyJump u@b:2222,c\n", "", "a", "proxyjump", "u@b:2222,c"),
    ("ProxyJump b\nProxyCommand nc x y\n", "", "a", "proxyjump", "b"),
    ("ProxyCommand nc x y\nProxyJump b\n", "", "a", "proxycommand", "nc x y"),
    ("ProxyCommand nc x y\n", "", "a", "proxycommand", "nc x y"),
    ("ProxyCommand none\n", "", "a", "proxycommand", "-"),
    ("Host a\n ProxyJump none\nHost *\n ProxyJump b\n", "", "a", "proxyjump", "-"),
    ("ProxyJump b\n", "-J c", "a", "proxyjump", "c"),
    (
        "PreferredAuthentications publickey,password\n",
        "",
        "a",
        "preferredauthentications",
        "publickey,password",
    ),
    ("NumberOfPasswordPrompts 1\n", "", "a", "numberofpasswordprompts", "1"),
    ("PasswordAuthentication no\n", "", "a", "passwordauthentication", "no"),
    ("PubkeyAuthentication no\n", "", "a", "pubkeyauthentication", "false"),
    ("KbdInteractiveAuthentication no\n", "", "a", "kbdinteractiveauthentication", "no"),
    ("ChallengeResponseAuthentication no\n", "", "a", "kbdinteractiveauthentication", "no"),
    ("IgnoreUnknown Foo*\nFooBar yes\nPort 99\n", "", "a", "port", "99"),
    (
        "ControlMaster auto\nControlPersist 60s\nControlPath ~/.ssh/%C\nCompression yes\nPort 99\n",
        "",
        "a",
        "port",
        "99",
    ),
    ("FooBar yes\n", "", "a", "port", "error"),
    ("Port x\n", "", "a", "port", "error"),
    ("Port 70000\n", "", "a", "port", "error"),
    ("StrictHostKeyChecking maybe\n", "", "a", "port", "error"),
    ("Match nonsense x\n Port 9\n", "", "a", "port", "error"),
    ("User\n", "", "a", "port", "error"),
    ("Host b\n FooBar yes\n", "", "a", "port", "error"),
];

#[test]
fn every_value_is_that_of_openssh() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|&(text, args, host, key, expected)| {
            let got = match resolve(text, args, host) {
                Ok(options) => shown(&options, key),
                Err(_) => "error".into(),
            };
            (got != expected)
                .then(|| format!("{text:?} {args} {host} {key}: {got}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tokens_homes_and_variables() {
    let path = |text: &str| {
        let config = format!("Port 2222\nUser bob\nHostName real\nIdentityFile {text}\n");
        resolve(&config, "", "node").map(|options| paths(&options.identity_files.unwrap(), " "))
    };
    for (text, expected) in [
        ("~/.ssh/k", "/home/me/.ssh/k"),
        ("%d/k", "/home/me/k"),
        ("/k/%h-%n-%p-%r-%u-%i-%%", "/k/real-node-2222-bob-root-1000-%"),
        ("/k/%l/%L/%k", "/k/desk.example.com/desk/real"),
        ("${KEYS}/x", "/keys/x"),
    ] {
        assert_eq!(path(text).unwrap(), expected);
    }
    for (text, part) in [("/k/%C", "%C"), ("${NONE}/x", "NONE"), ("~bob/k", "~bob"), ("/k/%", "%%")]
    {
        let error = path(text).unwrap_err();
        assert!(error.contains(part) && error.contains(":4"), "{text}: {error}");
    }
}

#[test]
fn included_files_stand_where_they_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir(at("conf.d")).unwrap();
    std::fs::write(at("conf.d/10.conf"), "Host a\n User ten\nHost *\n Port 10\n").unwrap();
    std::fs::write(at("conf.d/20.conf"), "User twenty\n").unwrap();
    std::fs::write(at("conf.d/.hidden.conf"), "User hidden\n").unwrap();
    let glob = at("conf.d/*.conf").display().to_string();
    let user =
        |text: String, host: &str| resolve(&text, "", host).map(|o| (o.user, o.port)).unwrap();
    assert_eq!(user(format!("Include {glob}\nUser last\n"), "a"), ("ten".into(), 10));
    assert_eq!(user(format!("Include {glob}\nUser last\n"), "b"), ("twenty".into(), 10));
    assert_eq!(user(format!("Host b\n Include {glob}\n User mine\n"), "b"), ("twenty".into(), 10));
    assert_eq!(
        user(format!("Host b\n Include {glob}\nHost a\n User mine\n"), "a"),
        ("mine".into(), 22)
    );
    assert_eq!(user("Include /nowhere/*.conf\nUser x\n".into(), "a"), ("x".into(), 22));
    let circle = at("circle").display().to_string();
    std::fs::write(&circle, format!("Include {circle}\n")).unwrap();
    assert!(resolve(&format!("Include {circle}\n"), "", "a").unwrap_err().contains("deep"));
}

#[test]
fn what_is_not_done_is_refused_by_name_and_place() {
    for (text, args, part) in [
        ("CanonicalizeHostname yes\n", "", "canonicalizehostname"),
        ("RevokedHostKeys /k\n", "", "revokedhostkeys"),
        ("KnownHostsCommand /bin/x\n", "", "knownhostscommand"),
        ("", "-o RemoteForward='1 2:3'", "remoteforward"),
        ("", "-o SendEnv=X", "sendenv"),
        ("", "-t", "-t"),
        ("", "-L 1:2:3", "-L"),
        ("", "-o", "-o"),
        ("", "somewhere", "somewhere"),
        ("", "-o Foo=bar", "foo"),
        ("Match tagged x\n", "", "tagged"),
    ] {
        let error = resolve(text, args, "a").unwrap_err();
        assert!(error.contains(part), "{text}{args}: {error}");
        let place = if args.is_empty() { "config:1" } else { "args" };
        assert!(error.contains(place), "{text}{args}: {error}");
    }
    // Where it does not apply, or does nothing, it is no matter.
    assert!(resolve("Host b\n RevokedHostKeys /k\n", "", "a").is_ok());
    assert!(resolve("CanonicalizeHostname no\nVerifyHostKeyDNS no\n", "", "a").is_ok());
    let left_out = resolve("ForwardAgent yes\nSendEnv LANG LC_*\n", "", "a").unwrap();
    assert_eq!(left_out.notes.len(), 2);
}

#[test]
fn usual_arguments_of_ansible_are_understood() {
    let args = "-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/tmp/%C -4 -q \
                -o ServerAliveInterval=30 -oStrictHostKeyChecking=no -i ~/k -F /dev/null -vvv";
    let options = resolve("", args, "a").unwrap();
    assert_eq!(options.strict, Strict::No);
    assert_eq!(options.identity_files, Some(vec![PathBuf::from("/home/me/k")]));
}

#[test]
fn a_command_that_is_only_ssh_is_a_jump() {
    let jump = |command: &str| {
        let args = shlex::try_join(["-o", &format!("ProxyCommand={command}")]).unwrap();
        match resolve("", &args, "a") {
            Ok(Options { proxy: Proxy::Jumps(jumps), .. }) => {
                jumps.iter().map(jump_text).collect::<Vec<_>>().join(",")
            }
            Ok(options) => format!("{:?}", options.proxy),
            Err(error) => error,
        }
    };
    for command in [
        "ssh -W %h:%p boss@bastion",
        "ssh -q -W %h:%p boss@bastion",
        "ssh -W %h:%p -q boss@bastion",
        "\"ssh -W %h:%p -q boss@bastion\"",
        "/usr/bin/ssh -o StrictHostKeyChecking=no -i /k -W '[%h]:%p' boss@bastion",
        "exec ssh boss@bastion -W %h:%p",
    ] {
        assert_eq!(jump(command), "boss@bastion", "{command}");
    }
    for command in [
        "nc bastion 22",
        "ssh bastion nc %h %p",
        "ssh -W %h:%p b; rm -rf /",
        "sh -c 'ssh -W %h:%p b'",
    ] {
        assert!(jump(command).contains("ProxyCommand"), "{command}: {}", jump(command));
    }
}

#[test]
fn s9_names_are_judged_before_any_token_is_expanded() {
    let command = "ProxyCommand nc %h %p\n";
    for host in ["-x", "a b", "a;b", "a|b", "$(b)", "`b`", "a\nb", "a'b", "a\"b", "a\\b", ""] {
        assert!(resolve(command, "", host).is_err(), "{host:?}");
        assert!(resolve(&format!("{command}HostName '{host}'\n"), "", "a").is_err(), "{host:?}");
    }
    for user in ["-x", "a;b", "a|b", "$(b)", "`b`", "a\\"] {
        let args = shlex::try_join(["-o", &format!("User={user}")]).unwrap();
        assert!(resolve(command, &args, "a").is_err(), "{user:?}");
    }
    for jump in ["-x", "a@-b", "a:b", "a b", "x;y", "[a"] {
        assert!(resolve(&format!("ProxyJump \"{jump}\"\n"), "", "a").is_err(), "{jump:?}");
    }
}

#[test]
fn jumps_have_users_and_ports() {
    let jumps = |text: &str| match resolve(&format!("ProxyJump {text}\n"), "", "a").unwrap().proxy {
        Proxy::Jumps(jumps) => jumps.iter().map(jump_text).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        jumps("u@b:22,[fe80::1]:33,ssh://v@c:44,d"),
        ["u@b:22", "fe80::1:33", "v@c:44", "d"]
    );
}
