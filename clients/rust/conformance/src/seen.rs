//! What a call came to, as the judge reads it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use stubtail::{Code, Status};

/// What the client reports of one call, or of many equal ones.
#[derive(Default, Serialize)]
pub struct Seen {
    pub status: &'static str,
    pub reason: String,
    pub message: String,
    pub violations: Vec<BTreeMap<&'static str, String>>,
    pub retry_after_ms: f64,
    pub resource: String,
    pub elapsed_ms: f64,
    pub count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_bytes: Option<usize>,
    pub replies: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statuses: Option<BTreeMap<&'static str, usize>>,
}

/// What the client's own error says.
pub fn told(status: Status) -> Seen {
    let error = stubtail::Error::from(status);
    let violations = error.violations().iter();
    Seen {
        status: name(error.code()),
        reason: error.reason().to_owned(),
        message: error.message().to_owned(),
        violations: violations
            .map(|one| {
                BTreeMap::from([
                    ("field", one.field.clone()),
                    ("description", one.description.clone()),
                ])
            })
            .collect(),
        retry_after_ms: error
            .retry_after()
            .map_or(0.0, |after| after.as_secs_f64() * 1000.0),
        resource: error.resource().to_owned(),
        ..Seen::default()
    }
}

/// The name of a status as gRPC's documents write it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
