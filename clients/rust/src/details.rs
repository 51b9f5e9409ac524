//! The details of errors, as `google.rpc` has them (`google/rpc/status.proto`, `error_details.proto`).
//!
//! Written out, because those that are unknown or damaged are to be passed over, one by one.

use std::collections::BTreeMap;

use prost::Message;
use tonic::{Code, Status};

use crate::ends::Lost;

const PREFIX: &str = "type.googleapis.com/google.rpc.";
/// The domain of reasons that come from this client itself.
const DOMAIN: &str = "stubtail-client";

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Packed>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Packed {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub reason: String,
    #[prost(string, tag = "2")]
    pub domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub delay: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceInfo {
    #[prost(string, tag = "2")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    pub violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FieldViolation {
    #[prost(string, tag = "1")]
    pub field: String,
    #[prost(string, tag = "2")]
    pub description: String,
}

/// One detail that this client reads.
pub(crate) enum Detail {
    Info(ErrorInfo),
    Retry(RetryInfo),
    Resource(ResourceInfo),
    Request(BadRequest),
}

/// The details of a status; those that are unknown or damaged are left out.
pub(crate) fn read(status: &Status) -> Vec<Detail> {
    let Ok(read) = RpcStatus::decode(status.details()) else {
        return Vec::new();
    };
    read.details.iter().filter_map(unpack).collect()
}

fn unpack(packed: &Packed) -> Option<Detail> {
    let value = packed.value.as_slice();
    match packed.type_url.strip_prefix(PREFIX)? {
        "ErrorInfo" => ErrorInfo::decode(value).ok().map(Detail::Info),
        "RetryInfo" => RetryInfo::decode(value).ok().map(Detail::Retry),
        "ResourceInfo" => ResourceInfo::decode(value).ok().map(Detail::Resource),
        "BadRequest" => BadRequest::decode(value).ok().map(Detail::Request),
        _ => None,
    }
}

/// A status that this client gives itself, in the form that a server would use.
pub(crate) fn own(code: Code, reason: &str, message: &str) -> Status {
    with(code, reason, message, None)
}

/// The refusal of a field that cannot be sent.
pub(crate) fn invalid(field: &str, description: &str) -> Status {
    let violation = FieldViolation {
        field: field.to_owned(),
        description: description.to_owned(),
    };
    let request = BadRequest {
        violations: vec![violation],
    };
    let detail = packed("BadRequest", &request);
    let message = format!("{field}: {description}");
    with(
        Code::InvalidArgument,
        "INVALID_FIELD",
        &message,
        Some(detail),
    )
}

/// The status of a connection that could not be had, or was lost.
pub(crate) fn unreachable(target: &str, why: &str) -> Status {
    let message = format!("no connection to {target}: {why}");
    own(Code::Unavailable, "CONNECTION_FAILED", &message)
}

/// The status of an attempt that broke off on its way.
pub(crate) fn broken(target: &str, lost: &Lost) -> Status {
    match lost.code {
        Some(code) => Status::new(code, format!("{target} broke off: {}", lost.message)),
        None => unreachable(target, &lost.message),
    }
}

fn with(code: Code, reason: &str, message: &str, more: Option<Packed>) -> Status {
    let info = ErrorInfo {
        reason: reason.to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: BTreeMap::new(),
    };
    let mut details = vec![packed("ErrorInfo", &info)];
    details.extend(more);
    let whole = RpcStatus {
        code: code.into(),
        message: message.to_owned(),
        details,
    };
    Status::with_details(code, message, whole.encode_to_vec().into())
}

fn packed(name: &str, message: &impl Message) -> Packed {
    Packed {
        type_url: format!("{PREFIX}{name}"),
        value: message.encode_to_vec(),
    }
}
