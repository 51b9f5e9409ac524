//! Which attempts are made again, when, and how many: decisions without clocks and sockets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tonic::Code;

use crate::error::Error;

pub(crate) const ATTEMPTS_MAX: u32 = 3;
const BACKOFF_FIRST: Duration = Duration::from_millis(20);
/// The second wait outlasts a server that shuts down: it refuses calls until it closes its connections.
const BACKOFF_SECOND: Duration = Duration::from_millis(160);
const BACKOFF_JITTER: f64 = 0.2;
/// Calls of language models are paid for.
const LLM: &str = "/stubtail.v1.LlmService/";
/// A provider of language models has failed: the server has tried again itself, and another try costs money.
const ASKED_UPSTREAM: [&str; 3] = ["UPSTREAM_FAILED", "ANSWER_INTERRUPTED", "ANSWER_STALLED"];

/// Whether a call costs money, so that it is not hedged and may take longer.
pub(crate) fn is_paid(path: &str) -> bool {
    path.starts_with(LLM)
}

/// Whether an attempt may have another end when it is made again: the server refused it, or its
/// connection was lost. A call that the server ends as CANCELLED met the end of that server.
pub(crate) fn retryable(failure: &Error) -> bool {
    match failure.code() {
        Code::Unavailable | Code::Cancelled => !ASKED_UPSTREAM.contains(&failure.reason()),
        Code::ResourceExhausted => failure.retry_after().is_some(), // only where the server says when
        _ => false,
    }
}

/// Whether another copy of the call would be refused too, because of the request or of who calls, so that
/// nobody waits for it. The failure of one server is none, and neither is a refusal for want of time, which
/// a copy that came earlier may have.
pub(crate) fn definite(failure: &Error) -> bool {
    match failure.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => true,
        Code::ResourceExhausted => failure.retry_after().is_none(), // the message is too large, say
        _ => false,
    }
}

/// The wait after attempt number `attempt`, from 1; none where no other attempt is made.
///
/// `random` is between 0 and 1.
pub(crate) fn delay(failure: &Error, attempt: u32, random: f64) -> Option<Duration> {
    if attempt >= ATTEMPTS_MAX || failure.never() {
        return None;
    }
    if failure.retry_after().is_some() {
        return failure.retry_after();
    }
    let middle = if attempt == 1 {
        BACKOFF_FIRST
    } else {
        BACKOFF_SECOND
    };
    Some(jittered(middle, BACKOFF_JITTER, random))
}

/// A duration that is up to a share longer or shorter.
pub(crate) fn jittered(middle: Duration, share: f64, random: f64) -> Duration {
    middle.mul_f64(1.0 + share * (2.0 * random - 1.0))
}

/// Bounds extra attempts by a share of the calls: a bucket of tokens as gRPC's `retryThrottling` has.
#[derive(Debug)]
pub(crate) struct Budget {
    thousandths: AtomicI64,
    most: i64,
    least: i64,
}

const GAIN: i64 = 100; // a tenth of a token for each good call

impl Budget {
    /// Retries stop while more than a few per cent of the calls fail, so that they cannot feed a fire.
    pub fn of_retries() -> Self {
        Self::new(50, 25)
    }

    /// Hedges are at most a tenth of the calls, and ten at once after a quiet time.
    pub fn of_hedges() -> Self {
        Self::new(10, 1)
    }

    fn new(most: i64, least: i64) -> Self {
        Self {
            thousandths: AtomicI64::new(most * 1000),
            most: most * 1000,
            least: least * 1000,
        }
    }

    /// Puts a share of a token back.
    pub fn succeeded(&self) {
        if self.thousandths.load(Ordering::Relaxed) < self.most {
            self.change(|now| Some((now + GAIN).min(self.most)));
        }
    }

    /// Takes a token and tells whether enough are left for another attempt.
    pub fn failed(&self) -> bool {
        let before = self.change(|now| Some((now - 1000).max(0)));
        before.is_some_and(|before| before - 1000 > self.least)
    }

    /// Takes a token where there is one.
    pub fn take(&self) -> bool {
        self.change(|now| (now >= 1000).then_some(now - 1000))
            .is_some()
    }

    fn change(&self, change: impl Fn(i64) -> Option<i64>) -> Option<i64> {
        self.thousandths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::details;

    fn failure(code: Code) -> Error {
        Status::new(code, "scripted").into()
    }

    fn pushed_back(code: Code, ms: &'static str) -> Error {
        let mut status = Status::new(code, "scripted");
        let value = tonic::metadata::MetadataValue::from_static(ms);
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", value);
        status.into()
    }

    #[test]
    fn what_is_retried() {
        let upstream: Error = details::own(Code::Unavailable, "UPSTREAM_FAILED", "x").into();
        for (name, failure, want) in [
            ("unavailable", failure(Code::Unavailable), true),
            ("cancelled by the server", failure(Code::Cancelled), true),
            ("a provider has failed", upstream, false),
            (
                "exhausted with a time",
                pushed_back(Code::ResourceExhausted, "1"),
                true,
            ),
            ("exhausted without", failure(Code::ResourceExhausted), false),
            ("a failure of the model", failure(Code::Internal), false),
            ("too late already", failure(Code::DeadlineExceeded), false),
            (
                "a request that is not good",
                failure(Code::InvalidArgument),
                false,
            ),
        ] {
            assert_eq!(retryable(&failure), want, "{name}");
        }
    }

    #[test]
    fn what_both_copies_of_a_call_would_meet() {
        for (failure, want) in [
            (failure(Code::InvalidArgument), true),
            (failure(Code::NotFound), true),
            (failure(Code::PermissionDenied), true),
            (failure(Code::ResourceExhausted), true),
            (pushed_back(Code::ResourceExhausted, "1"), false),
            (failure(Code::Unavailable), false),
            (failure(Code::Internal), false),
            (failure(Code::DeadlineExceeded), false),
        ] {
            assert_eq!(definite(&failure), want, "{failure}");
        }
    }

    #[test]
    fn delays() {
        let plain = failure(Code::Unavailable);
        let ms = Duration::from_millis;
        assert_eq!(delay(&plain, 1, 0.5), Some(ms(20)));
        assert_eq!(delay(&plain, 1, 0.0), Some(ms(16)));
        assert_eq!(delay(&plain, 2, 1.0), Some(ms(192)));
        assert_eq!(delay(&plain, 3, 0.5), None);
        assert_eq!(
            delay(&pushed_back(Code::Unavailable, "60000"), 1, 0.0),
            Some(ms(60_000))
        );
        assert_eq!(
            delay(&pushed_back(Code::Unavailable, "60000"), 3, 0.0),
            None
        );
        assert_eq!(delay(&pushed_back(Code::Unavailable, "-1"), 1, 0.0), None);
        assert_eq!(delay(&pushed_back(Code::Unavailable, "soon"), 1, 0.0), None);
    }

    #[test]
    fn the_budget_stops_retries_while_more_than_a_few_per_cent_fail() {
        let budget = Budget::of_retries();
        assert_eq!((0..100).filter(|_| budget.failed()).count(), 24);
        (0..249).for_each(|_| budget.succeeded());
        assert!(!budget.failed(), "a retry below half of the tokens");
        (0..1000).for_each(|_| budget.succeeded());
        assert_eq!(budget.thousandths.load(Ordering::Relaxed), budget.most);
    }

    #[test]
    fn hedges_are_a_tenth_of_the_calls() {
        let budget = Budget::of_hedges();
        let mut hedges = 0;
        for _ in 0..1000 {
            hedges += u32::from(budget.take());
            budget.succeeded();
        }
        assert!((100..=111).contains(&hedges), "{hedges}");
    }
}
