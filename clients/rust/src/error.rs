//! The one type of errors: what went wrong, why, what to change, and when to come back.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};

use crate::details::{self, Detail};

const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What this crate's methods return.
pub type Result<T> = std::result::Result<T, Error>;

/// What every failed call returns.
#[derive(Clone, Debug)]
pub struct Error(Box<Told>);

#[derive(Clone, Debug)]
struct Told {
    status: Status,
    reason: String,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    never: bool,
    metadata: BTreeMap<String, String>,
    resource: String,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The feature or the field of the request.
    pub field: String,
    /// What was expected there.
    pub description: String,
}

impl Error {
    /// The status of gRPC.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.status.code()
    }

    /// The published name of what went wrong, such as `MODEL_NOT_FOUND`: those of
    /// [`ErrorReason`](crate::pb::ErrorReason) without their prefix, and `CONNECTION_FAILED` and
    /// `MALFORMED_REPLY` of the client itself. Empty where nobody gave one.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What to change.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0.status.message()
    }

    /// The fields that are wrong; only with [`Code::InvalidArgument`].
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// When a retry makes sense; none where the server named no time.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The values in the message, for programs.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// What was not found; only with [`Code::NotFound`].
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// The status with its details, for servers that pass it on.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// Whether the server says: not again.
    pub(crate) fn never(&self) -> bool {
        self.0.never
    }

    pub(crate) fn invalid(field: &str, description: impl AsRef<str>) -> Self {
        details::invalid(field, description.as_ref()).into()
    }

    /// A reply that is not what the method returns.
    pub(crate) fn malformed(method: &str, what: impl AsRef<str>) -> Self {
        let what = what.as_ref();
        let message = format!(
            "the reply to {method} is malformed: {what}; is a stubtail server listening there?"
        );
        details::own(Code::Internal, "MALFORMED_REPLY", &message).into()
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let mut told = Told {
            reason: String::new(),
            violations: Vec::new(),
            retry_after: None,
            never: false,
            metadata: BTreeMap::new(),
            resource: String::new(),
            status,
        };
        for detail in details::read(&told.status) {
            match detail {
                Detail::Info(info) => {
                    told.reason = info.reason;
                    told.metadata = info.metadata;
                }
                Detail::Retry(info) => told.retry_after = info.delay.and_then(duration),
                Detail::Resource(info) => told.resource = info.name,
                Detail::Request(request) => {
                    told.violations
                        .extend(request.violations.into_iter().map(|one| Violation {
                            field: one.field,
                            description: one.description,
                        }));
                }
            }
        }
        if let Some(value) = told.status.metadata().get(PUSHBACK) {
            let ms = value.to_str().ok().and_then(|text| text.parse().ok());
            told.never = ms.is_none();
            let pushed_back = ms.map(Duration::from_millis);
            told.retry_after = pushed_back.and(told.retry_after.or(pushed_back));
        }
        Self(Box::new(told))
    }
}

/// A delay above 0; nothing for any other.
fn duration(span: details::Span) -> Option<Duration> {
    let seconds = u64::try_from(span.seconds).ok()?;
    let nanos = u32::try_from(span.nanos).ok()?.min(999_999_999);
    Some(Duration::new(seconds, nanos)).filter(|delay| !delay.is_zero())
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.0.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{:?}", self.code());
        if self.reason().is_empty() {
            write!(f, "stubtail: {name}: {}", self.message())
        } else {
            write!(
                f,
                "stubtail: {name} ({}): {}",
                self.reason(),
                self.message()
            )
        }
    }
}

impl std::error::Error for Error {}
