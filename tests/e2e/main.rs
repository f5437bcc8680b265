//! Playbooks over real SSH connections on the loopback, through the program as a person runs it.

#[path = "../support/mod.rs"]
mod support;

mod failing;
mod output;
mod secrets;
mod working;
