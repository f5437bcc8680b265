//! What the API, or the way to it, says no with.

use kube::core::Status;
use mainstay_language::diag::Diagnostic;
use std::time::Duration;

/// Why a request or a wait on the cluster failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The kubeconfig or admin.conf cannot be used.
    #[error("{0}")]
    Config(String),
    /// No API server answered; a write may or may not have happened.
    #[error("cannot reach the Kubernetes API: {}", .0.join("; "))]
    Unreachable(Vec<String>),
    /// The way to the API is closed for good: forwarding forbidden, a certificate that does not fit.
    #[error("cannot connect to the Kubernetes API: {0}")]
    Refused(String),
    /// The API answered with an error.
    #[error("{what}: {}", describe(.status))]
    Api {
        /// The request, for people: `evict default/web-0`.
        what: String,
        /// The answer.
        status: Box<Status>,
        /// When to try again, if the server said so.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the API promises.
    #[error("{what}: {why}")]
    Answer {
        /// The request.
        what: String,
        /// Why.
        why: String,
    },
    /// A node, pod or object is not as the caller believed: gone, recreated, changed by somebody else again and again.
    #[error("{0}")]
    Changed(String),
    /// A deadline passed.
    #[error("{what} did not happen within {} s: {why}", .after.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// What was missing at the last look.
        why: String,
    },
    /// The run was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// Another run holds the cluster. Exit code 12.
    #[error("another run holds the cluster: {holder}{}", times(.since, .renewed))]
    Held {
        /// Who.
        holder: String,
        /// RFC 3339.
        since: String,
        /// RFC 3339.
        renewed: String,
    },
    /// A receipt for something else was shown: a defect of ours.
    #[error("the journal's record is for another effect than {0}")]
    Receipt(String),
}

impl ClusterError {
    /// HTTP status code of an API answer.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(status.code),
            _ => None,
        }
    }

    /// Whether the object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether somebody else changed or made the object meanwhile.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether the same request may well succeed a little later: transport, a restarting or overloaded server.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Api { status, .. } => matches!(status.code, 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

/// What is known of when a lease was taken and renewed.
pub(super) fn times(since: &str, renewed: &str) -> String {
    let part = |word: &str, time: &str| {
        if time.is_empty() { String::new() } else { format!(", {word} {time}") }
    };
    part("since", since) + &part("renewed", renewed)
}

fn describe(status: &Status) -> String {
    match (status.message.is_empty(), status.reason.is_empty()) {
        (false, _) => format!("{} ({})", status.message, status.code),
        (true, false) => format!("{} ({})", status.reason, status.code),
        (true, true) => format!("HTTP status {}", status.code),
    }
}

impl From<ClusterError> for Diagnostic {
    fn from(error: ClusterError) -> Self {
        let hint = match &error {
            ClusterError::Held { .. } => {
                Some("wait for it; if it has ended without giving the lease back, add --take-over")
            }
            ClusterError::Api { status, .. } if status.code == 401 => {
                Some("the credentials are not accepted; are they expired?")
            }
            ClusterError::Api { status, .. } if status.code == 403 => {
                Some("the credentials may not do this; use those of an administrator")
            }
            _ => None,
        };
        let diagnostic = Diagnostic::error(error.to_string());
        match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

/// An error with its causes, each said once.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    // Wrappers that only say that a request failed.
    if let Some(kube::Error::Service(inner)) = error.downcast_ref() {
        return with_causes(&**inner);
    }
    if error.is::<hyper_util::client::legacy::Error>()
        && let Some(cause) = error.source()
    {
        return with_causes(cause);
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}
