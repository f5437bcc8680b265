//! Programs that the model starts in nodes: `systemd-run`, units.

use crate::node::{Ended, Program, Running};
use crate::sandbox::{self, Exec, Process, Sandbox, Signal, Terminal, User};
use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// Signals that wait to be sent.
const SIGNALS: usize = 8;

type Input = Box<dyn AsyncWrite + Send + Sync + Unpin>;
type Output = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// A program that runs. Whoever waits for it and whoever signals it do not wait for each other.
struct InNode {
    input: Option<Input>,
    output: Option<Output>,
    errors: Option<Output>,
    pid: u32,
    signals: mpsc::Sender<Signal>,
    ended: watch::Receiver<Option<Ended>>,
}

/// Starts a program.
pub(super) async fn start(sandbox: &Sandbox, program: Program) -> Result<Box<dyn Running>, String> {
    let mut process = sandbox.spawn(exec(program)).await.map_err(|error| error.to_string())?;
    let (signals, asked) = mpsc::channel(SIGNALS);
    let (ends, ended) = watch::channel(None);
    let running = InNode {
        input: process.stdin.take().map(|input| Box::new(input) as Input),
        output: process.stdout.take().map(|output| Box::new(output) as Output),
        errors: process.stderr.take().map(|errors| Box::new(errors) as Output),
        pid: process.pid(),
        signals,
        ended,
    };
    tokio::spawn(follow(process, asked, ends));
    Ok(Box::new(running))
}

/// A ticket for a program.
pub(super) async fn ticket(sandbox: &Sandbox, program: Program) -> Result<String, String> {
    sandbox.ticket(&exec(program)).await.map_err(|error| error.to_string())
}

fn exec(program: Program) -> Exec {
    Exec {
        program: None,
        argv: program.argv.into_iter().map(Into::into).collect(),
        env: program.environment.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
        cwd: program.directory.into(),
        user: User { uid: program.user.0, gid: program.user.1 },
        terminal: program.terminal.then(Terminal::default),
    }
}

/// Holds the process until it has ended.
async fn follow(
    mut process: Process,
    mut asked: mpsc::Receiver<Signal>,
    ends: watch::Sender<Option<Ended>>,
) {
    loop {
        tokio::select! {
            ended = process.wait() => {
                ends.send_replace(Some(match ended {
                    sandbox::Ended::Code(code) => Ended::Code(code),
                    sandbox::Ended::Signal(number) => Ended::Signal(u8::try_from(number).unwrap_or(9)),
                    // The node went down under it.
                    sandbox::Ended::Lost => Ended::Signal(9),
                }));
                return;
            }
            Some(signal) = asked.recv() => {
                // One that is gone needs no signal.
                process.signal(signal).await.ok();
            }
        }
    }
}

#[async_trait]
impl Running for InNode {
    fn input(&mut self) -> Option<Box<dyn AsyncWrite + Send + Unpin>> {
        self.input.take().map(|input| input as Box<dyn AsyncWrite + Send + Unpin>)
    }

    fn output(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>> {
        self.output.take().map(|output| output as Box<dyn AsyncRead + Send + Unpin>)
    }

    fn errors(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>> {
        self.errors.take().map(|errors| errors as Box<dyn AsyncRead + Send + Unpin>)
    }

    fn pid(&self) -> u32 {
        self.pid
    }

    async fn wait(&self) -> Ended {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.unwrap_or(Ended::Signal(9)),
            Err(_) => Ended::Signal(9),
        }
    }

    async fn signal(&self, number: i32) {
        if let Some(signal) = Signal::from_named_raw(number) {
            // Nobody takes it if the program has ended.
            self.signals.send(signal).await.ok();
        }
    }
}
