//! The API servers: HTTPS in front of the store, as stock kubectl and any other client speaks it. Several serve one store,
//! and each can go down and come back.
//!
//! What is not served is refused by name: server-side apply, answers in protobuf, logs and other ways into a container.
//! Nothing is authorised beyond being known: who has a certificate of the cluster or its token may do all.

mod authority;
mod columns;
mod discovery;
mod health;
mod openapi;
mod protobuf;
mod read;
mod request;
mod respond;
mod route;
mod server;
mod table;
mod watch;
mod write;

pub use authority::{Authority, AuthorityError, Identity};
pub use server::{ApiServer, StartError};
pub use table::{Column, cells, columns};
