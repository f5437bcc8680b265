//! Which options there are, and what becomes of each.

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is done.
    Done,
    /// It is done, and each value counts.
    DoneMany,
    /// It changes nothing for a runner that types no keys and shares one connection: accepted.
    Nothing,
    /// Harmless to leave out if a file says it for every session of a person; refused as an argument.
    LeftOut,
    /// Known to OpenSSH and not done: refused where it applies, unless its value is one of these.
    NotDone(&'static [&'static str]),
}

/// The use of an option by its lower-case name; nothing if OpenSSH does not know it either.
pub(super) fn lookup(keyword: &str) -> Option<Use> {
    TABLE.iter().find(|(names, _)| names.contains(&keyword)).map(|&(_, how)| how)
}

const OFF: &[&str] = &["no", "none", "false"];

const TABLE: &[(&[&str], Use)] = &[
    (
        &[
            "hostname",
            "user",
            "port",
            "identitiesonly",
            "identityagent",
            "proxyjump",
            "proxycommand",
            "userknownhostsfile",
            "globalknownhostsfile",
            "hostkeyalias",
            "stricthostkeychecking",
            "hostkeyalgorithms",
            "kexalgorithms",
            "ciphers",
            "macs",
            "connecttimeout",
            "serveraliveinterval",
            "serveralivecountmax",
            "addressfamily",
            "bindaddress",
            "preferredauthentications",
            "numberofpasswordprompts",
            "pubkeyauthentication",
            "passwordauthentication",
            "kbdinteractiveauthentication",
            "challengeresponseauthentication",
            "hashknownhosts",
            "connectionattempts",
        ],
        Use::Done,
    ),
    (&["identityfile", "certificatefile"], Use::DoneMany),
    (
        &[
            // Sharing: we have one connection a host anyway.
            "controlmaster",
            "controlpersist",
            "controlpath",
            // Speed and looks of an interactive session.
            "compression",
            "compressionlevel",
            "loglevel",
            "logverbose",
            "syslogfacility",
            "requesttty",
            "escapechar",
            "enableescapecommandline",
            "visualhostkey",
            "fingerprinthash",
            "ipqos",
            "tcpkeepalive",
            "obscurekeystroketiming",
            "sessiontype",
            "stdinnull",
            "forkafterauthentication",
            "streamlocalbindmask",
            "streamlocalbindunlink",
            "gatewayports",
            "exitonforwardfailure",
            "clearallforwardings",
            "rekeylimit",
            "channeltimeout",
            // Methods that are tried only if we can; we cannot.
            "gssapiauthentication",
            "gssapidelegatecredentials",
            "gssapikeyexchange",
            "gssapirenewalforcesrekey",
            "gssapitrustdns",
            "gssapiclientidentity",
            "gssapiserveridentity",
            "gssapikexalgorithms",
            "hostbasedauthentication",
            "hostbasedacceptedalgorithms",
            "hostbasedkeytypes",
            "enablesshkeysign",
            // What ssh does to the agent, X11 and the environment of a session.
            "addkeystoagent",
            // Nobody is asked anything.
            "batchmode",
            "usekeychain",
            "forwardx11",
            "forwardx11trusted",
            "forwardx11timeout",
            "xauthlocation",
            "updatehostkeys",
            "permitlocalcommand",
            "canonicaldomains",
            "canonicalizefallbacklocal",
            "canonicalizemaxdots",
            "canonicalizepermittedcnames",
            "proxyusefdpass",
            "useprivilegedport",
            "rsaauthentication",
            "rhostsrsaauthentication",
            "useroaming",
            "protocol",
            "cipher",
            "securitykeyprovider",
            "permitremoteopen",
            "warnweakcrypto",
            "kexguessing",
            "versionaddendum",
            "tag",
        ],
        Use::Nothing,
    ),
    (
        &[
            "forwardagent",
            "localforward",
            "remoteforward",
            "dynamicforward",
            "sendenv",
            "setenv",
            "localcommand",
            "remotecommand",
            "tunnel",
            "tunneldevice",
        ],
        Use::LeftOut,
    ),
    (
        &[
            "canonicalizehostname",
            "verifyhostkeydns",
            "checkhostip",
            "nohostauthenticationforlocalhost",
        ],
        Use::NotDone(OFF),
    ),
    (
        &[
            "knownhostscommand",
            "revokedhostkeys",
            "pkcs11provider",
            "smartcarddevice",
            "bindinterface",
            "requiredrsasize",
            "refuseconnection",
        ],
        Use::NotDone(&["none"]),
    ),
    (
        &["pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes", "casignaturealgorithms"],
        Use::NotDone(&[]),
    ),
    (&["ignoreunknown"], Use::Nothing),
];
