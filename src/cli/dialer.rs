//! Opens connections for the engine.

use crate::engine::{Dialer, Login, LoginSecrets};
use crate::transport::{LocalTarget, Target, TransportError};
use std::sync::Arc;

/// The transports of this process.
#[derive(Default)]
pub struct Transports {
}

impl Dialer for Transports {
    fn dial(&self, login: &Login, _secrets: LoginSecrets) -> Result<Arc<dyn Target>, TransportError> {
        match login.connection.as_str() {
            "local" => Ok(Arc::new(LocalTarget::default())),
            other => Err(TransportError::Unsupported(format!("connection {other:?} is not supported"))),
        }
    }
}
