//! The settings that we know: names, where they may be set, defaults. Source: the reference of ansible-core 2.19.

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ansible's words for true; anything else is false.
    Bool,
    /// A whole number, 0 or more.
    Number,
    /// Any text.
    Text,
    /// One path, relative to the file that sets it.
    Path,
    /// Paths with colons between them.
    Paths,
    /// Texts with commas between them.
    List,
    /// Paths with commas between them.
    PathList,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// As `ansible-config` shows it.
    pub name: &'static str,
    /// Environment variables, the first one that is set wins.
    pub env: &'static [&'static str],
    /// Sections and keys of the file, likewise.
    pub ini: &'static [(&'static str, &'static str)],
    /// What it may be.
    pub kind: Kind,
    /// Used otherwise; empty = not set.
    pub default: &'static str,
}

const fn set(
    name: &'static str,
    kind: Kind,
    env: &'static [&'static str],
    ini: &'static [(&'static str, &'static str)],
    default: &'static str,
) -> Setting {
    Setting { name, env, ini, kind, default }
}

/// Every setting that is read. A key of the file that is not here is not an error: most of Ansible's 220 settings steer
/// parts of it that do not exist here (plugins, interpreters, galaxy).
pub const SETTINGS: &[Setting] = &[
    set(
        "ALLOW_BROKEN_CONDITIONALS",
        Kind::Bool,
        &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"],
        &[("defaults", "allow_broken_conditionals")],
        "false",
    ),
    set(
        "ANSIBLE_FORCE_COLOR",
        Kind::Bool,
        &["ANSIBLE_FORCE_COLOR"],
        &[("defaults", "force_color")],
        "false",
    ),
    set(
        "ANSIBLE_NOCOLOR",
        Kind::Bool,
        &["ANSIBLE_NOCOLOR", "NO_COLOR"],
        &[("defaults", "nocolor")],
        "false",
    ),
    set(
        "ANY_ERRORS_FATAL",
        Kind::Bool,
        &["ANSIBLE_ANY_ERRORS_FATAL"],
        &[("defaults", "any_errors_fatal")],
        "false",
    ),
    set(
        "BECOME_ALLOW_SAME_USER",
        Kind::Bool,
        &["ANSIBLE_BECOME_ALLOW_SAME_USER"],
        &[("privilege_escalation", "become_allow_same_user")],
        "false",
    ),
    set(
        "BECOME_PASSWORD_FILE",
        Kind::Path,
        &["ANSIBLE_BECOME_PASSWORD_FILE"],
        &[("defaults", "become_password_file")],
        "",
    ),
    set(
        "CACHE_PLUGIN",
        Kind::Text,
        &["ANSIBLE_CACHE_PLUGIN"],
        &[("defaults", "fact_caching")],
        "memory",
    ),
    set(
        "CACHE_PLUGIN_CONNECTION",
        Kind::Path,
        &["ANSIBLE_CACHE_PLUGIN_CONNECTION"],
        &[("defaults", "fact_caching_connection")],
        "",
    ),
    set(
        "CACHE_PLUGIN_PREFIX",
        Kind::Text,
        &["ANSIBLE_CACHE_PLUGIN_PREFIX"],
        &[("defaults", "fact_caching_prefix")],
        "ansible_facts",
    ),
    set(
        "CACHE_PLUGIN_TIMEOUT",
        Kind::Number,
        &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"],
        &[("defaults", "fact_caching_timeout")],
        "86400",
    ),
    set(
        "CHECK_MODE_MARKERS",
        Kind::Bool,
        &["ANSIBLE_CHECK_MODE_MARKERS"],
        &[("defaults", "check_mode_markers")],
        "false",
    ),
    set(
        "COLLECTIONS_PATHS",
        Kind::Paths,
        &["ANSIBLE_COLLECTIONS_PATH"],
        &[("defaults", "collections_path")],
        "~/.ansible/collections:/usr/share/ansible/collections",
    ),
    set(
        "CONNECTION_PASSWORD_FILE",
        Kind::Path,
        &["ANSIBLE_CONNECTION_PASSWORD_FILE"],
        &[("defaults", "connection_password_file")],
        "",
    ),
    set(
        "DEFAULT_BECOME",
        Kind::Bool,
        &["ANSIBLE_BECOME"],
        &[("privilege_escalation", "become")],
        "false",
    ),
    set(
        "DEFAULT_BECOME_ASK_PASS",
        Kind::Bool,
        &["ANSIBLE_BECOME_ASK_PASS"],
        &[("privilege_escalation", "become_ask_pass")],
        "false",
    ),
    set(
        "DEFAULT_BECOME_EXE",
        Kind::Text,
        &["ANSIBLE_BECOME_EXE"],
        &[("privilege_escalation", "become_exe")],
        "",
    ),
    set(
        "DEFAULT_BECOME_FLAGS",
        Kind::Text,
        &["ANSIBLE_BECOME_FLAGS"],
        &[("privilege_escalation", "become_flags")],
        "",
    ),
    set(
        "DEFAULT_BECOME_METHOD",
        Kind::Text,
        &["ANSIBLE_BECOME_METHOD"],
        &[("privilege_escalation", "become_method")],
        "sudo",
    ),
    set(
        "DEFAULT_BECOME_USER",
        Kind::Text,
        &["ANSIBLE_BECOME_USER"],
        &[("privilege_escalation", "become_user")],
        "root",
    ),
    set("DEFAULT_DEBUG", Kind::Bool, &["ANSIBLE_DEBUG"], &[("defaults", "debug")], "false"),
    set(
        "DEFAULT_FORCE_HANDLERS",
        Kind::Bool,
        &["ANSIBLE_FORCE_HANDLERS"],
        &[("defaults", "force_handlers")],
        "false",
    ),
    set("DEFAULT_FORKS", Kind::Number, &["ANSIBLE_FORKS"], &[("defaults", "forks")], "5"),
    set(
        "DEFAULT_GATHERING",
        Kind::Choice(&["implicit", "explicit", "smart"]),
        &["ANSIBLE_GATHERING"],
        &[("defaults", "gathering")],
        "implicit",
    ),
    set(
        "DEFAULT_HOST_LIST",
        Kind::PathList,
        &["ANSIBLE_INVENTORY"],
        &[("defaults", "inventory")],
        "/etc/ansible/hosts",
    ),
    set(
        "DEFAULT_PRIVATE_KEY_FILE",
        Kind::Path,
        &["ANSIBLE_PRIVATE_KEY_FILE"],
        &[("defaults", "private_key_file")],
        "",
    ),
    set(
        "DEFAULT_REMOTE_PORT",
        Kind::Number,
        &["ANSIBLE_REMOTE_PORT"],
        &[("defaults", "remote_port")],
        "",
    ),
    set(
        "DEFAULT_REMOTE_USER",
        Kind::Text,
        &["ANSIBLE_REMOTE_USER"],
        &[("defaults", "remote_user")],
        "",
    ),
    set(
        "DEFAULT_PRIVATE_ROLE_VARS",
        Kind::Bool,
        &["ANSIBLE_PRIVATE_ROLE_VARS"],
        &[("defaults", "private_role_vars")],
        "false",
    ),
    set(
        "DEFAULT_ROLES_PATH",
        Kind::Paths,
        &["ANSIBLE_ROLES_PATH"],
        &[("defaults", "roles_path")],
        "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
    ),
    set("DEFAULT_TIMEOUT", Kind::Number, &["ANSIBLE_TIMEOUT"], &[("defaults", "timeout")], "10"),
    set(
        "DEFAULT_TRANSPORT",
        Kind::Text,
        &["ANSIBLE_TRANSPORT"],
        &[("defaults", "transport")],
        "ssh",
    ),
    set(
        "DEFAULT_VAULT_ENCRYPT_IDENTITY",
        Kind::Text,
        &["ANSIBLE_VAULT_ENCRYPT_IDENTITY"],
        &[("defaults", "vault_encrypt_identity")],
        "",
    ),
    set(
        "DEFAULT_VAULT_IDENTITY_LIST",
        Kind::List,
        &["ANSIBLE_VAULT_IDENTITY_LIST"],
        &[("defaults", "vault_identity_list")],
        "",
    ),
    set(
        "DEFAULT_VAULT_PASSWORD_FILE",
        Kind::Path,
        &["ANSIBLE_VAULT_PASSWORD_FILE"],
        &[("defaults", "vault_password_file")],
        "",
    ),
    set(
        "DEFAULT_VERBOSITY",
        Kind::Number,
        &["ANSIBLE_VERBOSITY"],
        &[("defaults", "verbosity")],
        "0",
    ),
    set("DIFF_ALWAYS", Kind::Bool, &["ANSIBLE_DIFF_ALWAYS"], &[("diff", "always")], "false"),
    set(
        "DISPLAY_FAILED_STDERR",
        Kind::Bool,
        &["ANSIBLE_DISPLAY_FAILED_STDERR"],
        &[("defaults", "display_failed_stderr")],
        "false",
    ),
    set(
        "DISPLAY_OK_HOSTS",
        Kind::Bool,
        &["ANSIBLE_DISPLAY_OK_HOSTS"],
        &[("defaults", "display_ok_hosts")],
        "true",
    ),
    set(
        "DISPLAY_SKIPPED_HOSTS",
        Kind::Bool,
        &["ANSIBLE_DISPLAY_SKIPPED_HOSTS"],
        &[("defaults", "display_skipped_hosts")],
        "true",
    ),
    set("EDITOR", Kind::Text, &["ANSIBLE_EDITOR", "EDITOR"], &[("defaults", "editor")], "vi"),
    set(
        "ERROR_ON_MISSING_HANDLER",
        Kind::Bool,
        &["ANSIBLE_ERROR_ON_MISSING_HANDLER"],
        &[("defaults", "error_on_missing_handler")],
        "true",
    ),
    set(
        "HOST_KEY_CHECKING",
        Kind::Bool,
        &["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"],
        &[("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")],
        "true",
    ),
    set(
        "HOST_PATTERN_MISMATCH",
        Kind::Choice(&["ignore", "warning", "error"]),
        &["ANSIBLE_HOST_PATTERN_MISMATCH"],
        &[("inventory", "host_pattern_mismatch")],
        "warning",
    ),
    set(
        "INVENTORY_ANY_UNPARSED_IS_FAILED",
        Kind::Bool,
        &["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"],
        &[("inventory", "any_unparsed_is_failed")],
        "false",
    ),
    set(
        "INVENTORY_ENABLED",
        Kind::List,
        &["ANSIBLE_INVENTORY_ENABLED"],
        &[("inventory", "enable_plugins")],
        "host_list, script, auto, yaml, ini, toml",
    ),
    set(
        "INVENTORY_IGNORE_EXTS",
        Kind::List,
        &["ANSIBLE_INVENTORY_IGNORE"],
        &[("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")],
        ".pyc, .pyo, .swp, .bak, ~, .rpm, .md, .txt, .rst, .orig, .cfg, .retry",
    ),
    set(
        "INVENTORY_IGNORE_PATTERNS",
        Kind::List,
        &["ANSIBLE_INVENTORY_IGNORE_REGEX"],
        &[("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")],
        "",
    ),
    set(
        "INVENTORY_UNPARSED_IS_FAILED",
        Kind::Bool,
        &["ANSIBLE_INVENTORY_UNPARSED_FAILED"],
        &[("inventory", "unparsed_is_failed")],
        "false",
    ),
    set(
        "INVENTORY_UNPARSED_WARNING",
        Kind::Bool,
        &["ANSIBLE_INVENTORY_UNPARSED_WARNING"],
        &[("inventory", "inventory_unparsed_warning")],
        "true",
    ),
    set("MAINSTAY_FORKS", Kind::Number, &["MAINSTAY_FORKS"], &[("mainstay", "forks")], "100"),
    set(
        "MAINSTAY_TASK_TIMEOUT",
        Kind::Number,
        &["MAINSTAY_TASK_TIMEOUT"],
        &[("mainstay", "task_timeout")],
        "3600",
    ),
    set("PLAYBOOK_DIR", Kind::Path, &["ANSIBLE_PLAYBOOK_DIR"], &[("defaults", "playbook_dir")], ""),
    set(
        "REMOTE_TMP",
        Kind::Text,
        &["ANSIBLE_REMOTE_TMP", "ANSIBLE_REMOTE_TEMP"],
        &[("defaults", "remote_tmp")],
        "~/.ansible/tmp",
    ),
    set(
        "SHOW_CUSTOM_STATS",
        Kind::Bool,
        &["ANSIBLE_SHOW_CUSTOM_STATS"],
        &[("defaults", "show_custom_stats")],
        "false",
    ),
    set("SSH_ARGS", Kind::Text, &["ANSIBLE_SSH_ARGS"], &[("ssh_connection", "ssh_args")], ""),
    set(
        "SSH_COMMON_ARGS",
        Kind::Text,
        &["ANSIBLE_SSH_COMMON_ARGS"],
        &[("ssh_connection", "ssh_common_args")],
        "",
    ),
    set(
        "SSH_EXTRA_ARGS",
        Kind::Text,
        &["ANSIBLE_SSH_EXTRA_ARGS"],
        &[("ssh_connection", "ssh_extra_args")],
        "",
    ),
    set("TAGS_RUN", Kind::List, &["ANSIBLE_RUN_TAGS"], &[("tags", "run")], ""),
    set("TAGS_SKIP", Kind::List, &["ANSIBLE_SKIP_TAGS"], &[("tags", "skip")], ""),
    set(
        "TRANSFORM_INVALID_GROUP_CHARS",
        Kind::Choice(&["always", "never", "ignore", "silently"]),
        &["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"],
        &[("defaults", "force_valid_group_names")],
        "never",
    ),
];
