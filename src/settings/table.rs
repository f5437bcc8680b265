//! The settings that we know: names, where they may be set, defaults. Source: the reference of ansible-core 2.19.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// As `ansible-config` shows it.
    pub name: &'static str,
    /// Environment variables, the first one that is set wins.
    pub env: &'static [&'static str],
    /// Sections and keys of the file, likewise.
    pub ini: &'static [(&'static str, &'static str)],
    /// Used otherwise; empty = not set.
    pub default: &'static str,
}

const fn set(
    name: &'static str,
    env: &'static [&'static str],
    ini: &'static [(&'static str, &'static str)],
    default: &'static str,
) -> Setting {
    Setting { name, env, ini, default }
}

/// Every setting that is read. A key of the file that is not here is not an error: most of Ansible's 220 settings steer
/// parts of it that do not exist here (plugins, interpreters, galaxy).
pub const SETTINGS: &[Setting] = &[
    set(
        "ANY_ERRORS_FATAL",
        &["ANSIBLE_ANY_ERRORS_FATAL"],
        &[("defaults", "any_errors_fatal")],
        "false",
    ),
    set("BECOME", &["ANSIBLE_BECOME"], &[("privilege_escalation", "become")], "false"),
    set(
        "BECOME_ASK_PASS",
        &["ANSIBLE_BECOME_ASK_PASS"],
        &[("privilege_escalation", "become_ask_pass")],
        "false",
    ),
    set("BECOME_EXE", &["ANSIBLE_BECOME_EXE"], &[("privilege_escalation", "become_exe")], ""),
    set("BECOME_FLAGS", &["ANSIBLE_BECOME_FLAGS"], &[("privilege_escalation", "become_flags")], ""),
    set(
        "BECOME_METHOD",
        &["ANSIBLE_BECOME_METHOD"],
        &[("privilege_escalation", "become_method")],
        "sudo",
    ),
    set(
        "BECOME_PASSWORD_FILE",
        &["ANSIBLE_BECOME_PASSWORD_FILE"],
        &[("defaults", "become_password_file")],
        "",
    ),
    set(
        "BECOME_USER",
        &["ANSIBLE_BECOME_USER"],
        &[("privilege_escalation", "become_user")],
        "root",
    ),
    set(
        "BROKEN_CONDITIONALS",
        &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"],
        &[("defaults", "allow_broken_conditionals")],
        "false",
    ),
    set(
        "CHECK_MODE_MARKERS",
        &["ANSIBLE_CHECK_MODE_MARKERS"],
        &[("defaults", "check_mode_markers")],
        "false",
    ),
    set(
        "COLLECTIONS_PATHS",
        &["ANSIBLE_COLLECTIONS_PATH"],
        &[("defaults", "collections_path")],
        "~/.ansible/collections:/usr/share/ansible/collections",
    ),
    set(
        "CONNECTION_PASSWORD_FILE",
        &["ANSIBLE_CONNECTION_PASSWORD_FILE"],
        &[("defaults", "connection_password_file")],
        "",
    ),
    set("DEBUG", &["ANSIBLE_DEBUG"], &[("defaults", "debug")], "false"),
    set("DIFF_ALWAYS", &["ANSIBLE_DIFF_ALWAYS"], &[("diff", "always")], "false"),
    set(
        "DISPLAY_FAILED_STDERR",
        &["ANSIBLE_DISPLAY_FAILED_STDERR"],
        &[("defaults", "display_failed_stderr")],
        "false",
    ),
    set(
        "DISPLAY_OK_HOSTS",
        &["ANSIBLE_DISPLAY_OK_HOSTS"],
        &[("defaults", "display_ok_hosts")],
        "true",
    ),
    set(
        "DISPLAY_SKIPPED_HOSTS",
        &["ANSIBLE_DISPLAY_SKIPPED_HOSTS"],
        &[("defaults", "display_skipped_hosts")],
        "true",
    ),
    set(
        "ERROR_ON_MISSING_HANDLER",
        &["ANSIBLE_ERROR_ON_MISSING_HANDLER"],
        &[("defaults", "error_on_missing_handler")],
        "true",
    ),
    set("FORCE_COLOR", &["ANSIBLE_FORCE_COLOR"], &[("defaults", "force_color")], "false"),
    set("FORCE_HANDLERS", &["ANSIBLE_FORCE_HANDLERS"], &[("defaults", "force_handlers")], "false"),
    set("FORKS", &["ANSIBLE_FORKS"], &[("defaults", "forks")], "5"),
    set("GATHERING", &["ANSIBLE_GATHERING"], &[("defaults", "gathering")], "implicit"),
    set(
        "HOST_KEY_CHECKING",
        &["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"],
        &[("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")],
        "true",
    ),
    set(
        "HOST_PATTERN_MISMATCH",
        &["ANSIBLE_HOST_PATTERN_MISMATCH"],
        &[("inventory", "host_pattern_mismatch")],
        "warning",
    ),
    set("INVENTORY", &["ANSIBLE_INVENTORY"], &[("defaults", "inventory")], "/etc/ansible/hosts"),
    set(
        "INVENTORY_ANY_UNPARSED_IS_FAILED",
        &["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"],
        &[("inventory", "any_unparsed_is_failed")],
        "false",
    ),
    set(
        "INVENTORY_ENABLED",
        &["ANSIBLE_INVENTORY_ENABLED"],
        &[("inventory", "enable_plugins")],
        "host_list, script, auto, yaml, ini, toml",
    ),
    set(
        "INVENTORY_IGNORE_EXTS",
        &["ANSIBLE_INVENTORY_IGNORE"],
        &[("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")],
        ".pyc, .pyo, .swp, .bak, ~, .rpm, .md, .txt, .rst, .orig, .cfg, .retry",
    ),
    set(
        "INVENTORY_IGNORE_PATTERNS",
        &["ANSIBLE_INVENTORY_IGNORE_REGEX"],
        &[("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")],
        "",
    ),
    set(
        "INVENTORY_UNPARSED_IS_FAILED",
        &["ANSIBLE_INVENTORY_UNPARSED_FAILED"],
        &[("inventory", "unparsed_is_failed")],
        "false",
    ),
    set("LOG_PATH", &["ANSIBLE_LOG_PATH"], &[("defaults", "log_path")], ""),
    set("MAINSTAY_FORKS", &["MAINSTAY_FORKS"], &[("mainstay", "forks")], "100"),
    set(
        "MAINSTAY_TASK_TIMEOUT",
        &["MAINSTAY_TASK_TIMEOUT"],
        &[("mainstay", "task_timeout")],
        "3600",
    ),
    set("NOCOLOR", &["ANSIBLE_NOCOLOR", "NO_COLOR"], &[("defaults", "nocolor")], "false"),
    set("PLAYBOOK_DIR", &["ANSIBLE_PLAYBOOK_DIR"], &[("defaults", "playbook_dir")], ""),
    set("PRIVATE_KEY_FILE", &["ANSIBLE_PRIVATE_KEY_FILE"], &[("defaults", "private_key_file")], ""),
    set(
        "PRIVATE_ROLE_VARS",
        &["ANSIBLE_PRIVATE_ROLE_VARS"],
        &[("defaults", "private_role_vars")],
        "",
    ),
    set("REMOTE_PORT", &["ANSIBLE_REMOTE_PORT"], &[("defaults", "remote_port")], ""),
    set(
        "REMOTE_TMP",
        &["ANSIBLE_REMOTE_TMP", "ANSIBLE_REMOTE_TEMP"],
        &[("defaults", "remote_tmp")],
        "~/.ansible/tmp",
    ),
    set("REMOTE_USER", &["ANSIBLE_REMOTE_USER"], &[("defaults", "remote_user")], ""),
    set(
        "RETRY_FILES_ENABLED",
        &["ANSIBLE_RETRY_FILES_ENABLED"],
        &[("defaults", "retry_files_enabled")],
        "false",
    ),
    set(
        "RETRY_FILES_SAVE_PATH",
        &["ANSIBLE_RETRY_FILES_SAVE_PATH"],
        &[("defaults", "retry_files_save_path")],
        "",
    ),
    set(
        "ROLES_PATH",
        &["ANSIBLE_ROLES_PATH"],
        &[("defaults", "roles_path")],
        "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
    ),
    set(
        "SHOW_CUSTOM_STATS",
        &["ANSIBLE_SHOW_CUSTOM_STATS"],
        &[("defaults", "show_custom_stats")],
        "false",
    ),
    set("SSH_ARGS", &["ANSIBLE_SSH_ARGS"], &[("ssh_connection", "ssh_args")], ""),
    set(
        "SSH_COMMON_ARGS",
        &["ANSIBLE_SSH_COMMON_ARGS"],
        &[("ssh_connection", "ssh_common_args")],
        "",
    ),
    set("SSH_EXTRA_ARGS", &["ANSIBLE_SSH_EXTRA_ARGS"], &[("ssh_connection", "ssh_extra_args")], ""),
    set(
        "STDOUT_CALLBACK",
        &["ANSIBLE_STDOUT_CALLBACK"],
        &[("defaults", "stdout_callback")],
        "default",
    ),
    set("TAGS_RUN", &["ANSIBLE_RUN_TAGS"], &[("tags", "run")], ""),
    set("TAGS_SKIP", &["ANSIBLE_SKIP_TAGS"], &[("tags", "skip")], ""),
    set("TIMEOUT", &["ANSIBLE_TIMEOUT"], &[("defaults", "timeout")], "10"),
    set(
        "TRANSFORM_INVALID_GROUP_CHARS",
        &["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"],
        &[("defaults", "force_valid_group_names")],
        "never",
    ),
    set("TRANSPORT", &["ANSIBLE_TRANSPORT"], &[("defaults", "transport")], "ssh"),
    set(
        "VAULT_IDENTITY",
        &["ANSIBLE_VAULT_IDENTITY"],
        &[("defaults", "vault_identity")],
        "default",
    ),
    set(
        "VAULT_IDENTITY_LIST",
        &["ANSIBLE_VAULT_IDENTITY_LIST"],
        &[("defaults", "vault_identity_list")],
        "",
    ),
    set(
        "VAULT_PASSWORD_FILE",
        &["ANSIBLE_VAULT_PASSWORD_FILE"],
        &[("defaults", "vault_password_file")],
        "",
    ),
    set("VERBOSITY", &["ANSIBLE_VERBOSITY"], &[("defaults", "verbosity")], "0"),
];
