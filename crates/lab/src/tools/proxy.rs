//! A program of the node whose input and output are those of a tool: `systemd-run --pipe`.

use super::session::{Hears, Says, Session};
use crate::node::{Ended, Program, Running};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// Output that is on its way when a program has ended.
const LINGER: Duration = Duration::from_millis(500);

/// Ends what is still running when the tool's process is gone.
struct Leash(Option<Arc<dyn Running>>);

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            tokio::spawn(async move { running.signal(1).await });
        }
    }
}

/// Runs it to its end: its exit code.
pub(super) async fn run(session: &Session, program: Program) -> Result<u8, String> {
    let mut running = session.site.processes.start(&session.machine.name, program).await?;
    let (mut input, output, errors) = (running.input(), running.output(), running.errors());
    let running: Arc<dyn Running> = running.into();
    let mut leash = Leash(Some(Arc::clone(&running)));
    session.say(Says::WantInput).await;
    let feed = async {
        while let Some(heard) = session.hear().await {
            match heard {
                Hears::Input(bytes) => {
                    // A program that reads no more has ended, or will.
                    let failed = match &mut input {
                        Some(input) => input.write_all(&bytes).await.is_err(),
                        None => false,
                    };
                    if failed {
                        input = None;
                    }
                }
                Hears::InputEnd => input = None,
                Hears::Signal(number) => running.signal(number).await,
            }
        }
        std::future::pending::<()>().await;
    };
    let work = async {
        let carried = async {
            tokio::join!(carry(session, output, Says::Out), carry(session, errors, Says::Err))
        };
        tokio::pin!(carried);
        let ended = tokio::select! {
            _ = &mut carried => return running.wait().await,
            ended = running.wait() => ended,
        };
        // What it started may keep its output open for longer than it lives.
        drop(tokio::time::timeout(LINGER, carried).await);
        ended
    };
    let ended = tokio::select! {
        ended = work => ended,
        () = feed => Ended::Code(255),
    };
    leash.0 = None;
    Ok(match ended {
        Ended::Code(code) => code,
        Ended::Signal(number) => 128 + number,
    })
}

async fn carry(
    session: &Session,
    from: Option<Box<dyn AsyncRead + Send + Unpin>>,
    says: fn(Vec<u8>) -> Says,
) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        session.say(says(buffer.get(..length).unwrap_or_default().to_vec())).await;
    }
}
