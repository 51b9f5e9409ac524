//! How calls end: the status in headers and trailers, and why some break off without one.

use std::error::Error as _;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use tonic::{Code, Status};

use crate::error::Error;

const DETAILS: &str = "grpc-status-details-bin";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a call broke off; without a code where the connection was lost.
#[derive(Debug)]
pub(crate) struct Lost {
    pub code: Option<Code>,
    pub message: String,
    /// The server says that it has not looked at the call.
    pub unprocessed: bool,
}

impl From<&hyper::Error> for Lost {
    fn from(error: &hyper::Error) -> Self {
        let mut message = error.to_string();
        let mut code = None;
        let mut unprocessed = false;
        let mut source = error.source();
        while let Some(inner) = source {
            message = format!("{message}: {inner}");
            if let Some(h2) = inner.downcast_ref::<h2::Error>() {
                code = h2.reason().filter(|_| h2.is_reset()).and_then(of_reset);
                unprocessed = h2.is_remote() && is_unprocessed(h2);
            }
            source = inner.source();
        }
        Self {
            code,
            message,
            unprocessed,
        }
    }
}

/// The stream was refused, or begun after the last one that a server takes that goes away.
fn is_unprocessed(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    refused || (error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR))
}

/// The status of a stream that the server has reset, as gRPC's HTTP/2 mapping has it.
fn of_reset(reason: h2::Reason) -> Option<Code> {
    match reason {
        h2::Reason::REFUSED_STREAM => None, // it has not been looked at
        h2::Reason::CANCEL => Some(Code::Cancelled),
        h2::Reason::ENHANCE_YOUR_CALM | h2::Reason::FLOW_CONTROL_ERROR => {
            Some(Code::ResourceExhausted)
        }
        h2::Reason::INADEQUATE_SECURITY => Some(Code::PermissionDenied),
        _ => Some(Code::Internal),
    }
}

/// The error in the headers of a reply, where there is one; whether they are all of it.
pub(crate) fn checked(parts: &mut http::response::Parts) -> Result<bool, Status> {
    mend(&mut parts.headers);
    refused(&parts.headers)?;
    if parts.status != http::StatusCode::OK {
        let code = match parts.status.as_u16() {
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502 | 503 | 504 => Code::Unavailable,
            400 | 431 => Code::Internal,
            _ => Code::Unknown,
        };
        return Err(Status::new(
            code,
            format!("HTTP status {} instead of one of gRPC", parts.status),
        ));
    }
    let kind = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        return Err(Error::malformed("the call", "it is none of gRPC").into());
    }
    Ok(status(&parts.headers).is_some())
}

/// Takes out details that are no base64, over which tonic would panic.
pub(crate) fn mend(headers: &mut HeaderMap) {
    if let Some(value) = headers.get(DETAILS)
        && BASE64.decode(value).is_err()
    {
        headers.remove(DETAILS);
    }
}

/// The error that headers or trailers tell of.
pub(crate) fn refused(headers: &HeaderMap) -> Result<(), Status> {
    match status(headers) {
        Some(status) if status.code() != Code::Ok => Err(status),
        _ => Ok(()),
    }
}

/// The status in headers or trailers, where there is one.
pub(crate) fn status(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

/// The server has reset the stream, which hyper tells as its end.
pub(crate) fn cut_off() -> Status {
    Status::cancelled("the server has ended the call without a status")
}

/// The deadline has passed.
pub(crate) fn late() -> Status {
    Status::deadline_exceeded("the deadline has passed; allow more time, or ask for less")
}
