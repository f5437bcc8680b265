//! What a client sends on a channel, taken at once: a program that does not read must not stop the connection, which
//! would stop its own output too.

use russh::{ChannelMsg, ChannelReadHalf};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// Bytes of one channel that may wait for their program. Beyond it the whole connection waits, because the library opens
/// the window of a channel whether its data was used or not.
const WAITING: usize = 64 << 20;

/// The client's side of a channel.
pub(super) struct Input {
    parts: mpsc::UnboundedReceiver<(Vec<u8>, OwnedSemaphorePermit)>,
    /// Becomes true when the client has closed the channel, or the connection is gone.
    pub(super) closed: watch::Receiver<bool>,
}

impl Input {
    /// Takes what comes from now on.
    pub(super) fn new(channel: ChannelReadHalf) -> Self {
        let (sender, parts) = mpsc::unbounded_channel();
        let (close, closed) = watch::channel(false);
        tokio::spawn(take(channel, sender, close));
        Self { parts, closed }
    }

    /// The next part; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        self.parts.recv().await.map(|(part, _)| part)
    }
}

async fn take(
    mut channel: ChannelReadHalf,
    sender: mpsc::UnboundedSender<(Vec<u8>, OwnedSemaphorePermit)>,
    close: watch::Sender<bool>,
) {
    let room = Arc::new(Semaphore::new(WAITING));
    let mut sender = Some(sender);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
                let Ok(permit) = Arc::clone(&room).acquire_many_owned(size).await else { break };
                // Where nobody reads any more it is thrown away.
                sender.as_ref().map(|sender| sender.send((data.to_vec(), permit)).ok());
            }
            ChannelMsg::Eof => sender = None,
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    close.send_replace(true);
}

/// Waits until the channel is closed.
pub(super) async fn closed(watch: &mut watch::Receiver<bool>) {
    // Its sender says so before it is gone.
    watch.wait_for(|closed| *closed).await.ok();
}
