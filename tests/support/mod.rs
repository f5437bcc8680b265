//! What the tests over real SSH share: hosts in this process, a person's home directory, and the program run as a
//! person runs it.

#![allow(dead_code, reason = "each test program uses a part of it")]

mod ssh_server;

#[allow(unused_imports, reason = "each test program uses a part of it")]
pub use ssh_server::{Cut, SshServer, closed_port, new_key};

use russh::keys::ssh_key::LineEnding;
use std::fmt::Write as _;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that has not ended after this long is killed, and its test fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// Hosts `w1`, `w2`… on the loopback, and a person who may log in to all of them: `.ssh/id_ed25519`,
/// `.ssh/known_hosts` and `inventory.ini` (group `workers`) are in their home directory.
pub struct Fleet {
    home: tempfile::TempDir,
    hosts: Vec<SshServer>,
    runtime: tokio::runtime::Runtime,
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; 128 and more for signals.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The line of the recap for a host, with single spaces; for the output of `ansible-playbook`.
    pub fn recap(&self, host: &str) -> String {
        let line = self.stdout.lines().rev().find(|line| {
            line.split(" : ").next().is_some_and(|name| name.trim() == host) && line.contains("ok=")
        });
        let line = line.unwrap_or_else(|| panic!("no recap for {host} in:\n{self}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Fails with all that was printed unless the exit code is this.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- out\n{}\n--- err\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Fleet {
    /// This many hosts.
    pub fn start(count: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let key = new_key();
        let hosts = (1..=count)
            .map(|nth| home.path().join(format!("hosts/w{nth}")))
            .map(|root| runtime.block_on(SshServer::start(root, key.public_key().clone())))
            .collect();
        let fleet = Self { home, hosts, runtime };
        let ssh = fleet.path(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        std::fs::set_permissions(&ssh, PermissionsExt::from_mode(0o700)).unwrap();
        write_mode(&ssh.join("id_ed25519"), &key.to_openssh(LineEnding::LF).unwrap(), 0o600);
        fleet.record_host_keys();
        fleet.write("inventory.ini", &fleet.inventory_text());
        std::fs::create_dir(fleet.path("bin")).unwrap();
        let program = env!("CARGO_BIN_EXE_mainstay");
        std::os::unix::fs::symlink(program, fleet.path("bin/ansible-playbook")).unwrap();
        fleet
    }

    /// The person's home directory, the directory that programs start in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    /// `w1` is 1.
    pub fn host(&self, nth: usize) -> &SshServer {
        &self.hosts[nth - 1]
    }

    /// A file on a host, as it is now; `None` if there is none.
    pub fn on_host(&self, nth: usize, name: &str) -> Option<String> {
        std::fs::read_to_string(self.host(nth).root().join(name)).ok()
    }

    /// Puts the present key of every host into `known_hosts`.
    pub fn record_host_keys(&self) {
        let lines: String = self.hosts.iter().map(SshServer::known_hosts_line).collect();
        self.write(".ssh/known_hosts", &lines);
    }

    /// The inventory: each host with its address and `root`, its home directory there.
    pub fn inventory_text(&self) -> String {
        let mut text = "[workers]\n".to_owned();
        for (nth, host) in self.hosts.iter().enumerate() {
            let (port, root) = (host.port(), host.root().display());
            let name = format!("w{}", nth + 1);
            writeln!(text, "{name} ansible_host=127.0.0.1 ansible_port={port} root={root}")
                .unwrap();
        }
        text
    }

    /// Writes a file below the home directory, with its directories.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// `mainstay` with these arguments.
    pub fn mainstay(&self, arguments: &[&str]) -> Ran {
        self.run(Path::new(env!("CARGO_BIN_EXE_mainstay")), arguments, &[])
    }

    /// `ansible-playbook -i inventory.ini` with these arguments.
    pub fn ansible_playbook(&self, arguments: &[&str]) -> Ran {
        let all = [&["-i", "inventory.ini"], arguments].concat();
        self.run(&self.path("bin/ansible-playbook"), &all, &[])
    }

    /// Writes `play.yml` and runs it with [`Fleet::ansible_playbook`] and these arguments besides.
    pub fn play(&self, playbook: &str, arguments: &[&str]) -> Ran {
        self.write("play.yml", playbook);
        self.ansible_playbook(&[&["play.yml"], arguments].concat())
    }

    /// A program in the person's home directory, with nothing of this process's environment but what is given.
    pub fn run(&self, program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        ran(&mut self.command(program, arguments, environment))
    }

    /// As [`Fleet::run`], not yet started.
    pub fn command(
        &self,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("USER", "tester")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("XDG_STATE_HOME", self.path("state"))
            .envs(environment.iter().copied())
            .current_dir(self.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The directories of all runs so far, oldest first.
    pub fn run_directories(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("state/mainstay/runs")) else {
            return Vec::new();
        };
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }

    /// All files below a directory of the home with their contents, for comparing before and after.
    pub fn snapshot(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut directories = vec![self.path(name)];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    directories.push(path);
                } else {
                    let content = std::fs::read(&path).unwrap_or_default();
                    found.push((path, content));
                }
            }
        }
        found.sort();
        found
    }
}

/// Runs a program to its end.
pub fn ran(command: &mut Command) -> Ran {
    let mut child = command.spawn().unwrap();
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "did not end: {command:?}\n{}{}",
                stdout.join().unwrap(),
                stderr.join().unwrap()
            );
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
    let code = status.code().unwrap_or(128 + signal);
    Ran { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Of a stream that is no pipe nothing is read.
fn drain(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A file with exactly this mode.
pub fn write_mode(path: &Path, content: &str, mode: u32) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}
