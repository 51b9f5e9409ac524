//! Calls a stubtail inference server: scores, decisions, forecasts, anomalies and language models over
//! gRPC, with a deadline on every call.
//!
//! Begin with [`Client`]. What the clients of all languages do alike is in `clients/README.md`.

mod attempts;
mod chat;
mod client;
mod connect;
mod credentials;
mod deadline;
mod decide;
mod details;
mod detect;
mod dns;
mod ends;
mod error;
mod forecast;
mod kind;
mod models;
mod options;
pub mod pb;
mod pool;
mod reply;
mod retry;
mod rows;
mod score;
mod slot;
mod target;
mod watch;

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod reply_tests;
#[cfg(test)]
mod scripted;

pub use chat::{ChatStream, assistant, system, user};
pub use client::Client;
pub use credentials::Tls;
pub use decide::{Choice, Decision, Question};
pub use detect::DetectCall;
pub use error::{Error, Result, Violation};
pub use forecast::{Forecast, Outlook, Series};
pub use options::Builder;
pub use pb::Priority;
pub use reply::Reply;
pub use rows::{Row, Rows, Table, Value};
pub use score::{Reason, ScoreCall, Scores};
pub use tonic::{Code, Status};
pub use watch::{WatchSender, Watcher};

/// Between 0 and 1. The standard library's keys of hash maps are random, which is enough for jitter.
pub(crate) fn random() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}
