//! What is unusual in rows and in series.

use std::future::IntoFuture;
use std::pin::Pin;

use crate::client::Client;
use crate::error::Result;
use crate::pb::{self, Priority, detect_request};
use crate::rows::{Rows, Sent};

/// One call of [`Client::detect_rows`] or [`Client::detect_series`]: set what it should be, and await it.
#[derive(Clone, Debug)]
#[must_use = "await it"]
pub struct DetectCall {
    client: Client,
    request: Result<pb::DetectRequest>,
}

impl Client {
    /// Tells how unusual rows are, by a model of kind "anomaly".
    pub fn detect_rows(&self, model: &str, rows: impl Into<Rows>) -> DetectCall {
        let input = rows.into().sent().map(|sent| match sent {
            Sent::Named(named) => detect_request::Input::Named(named),
            Sent::Dense(dense) => detect_request::Input::Dense(dense),
        });
        self.detect(model, input)
    }

    /// Tells what is unusual in series, each against itself, without any training.
    pub fn detect_series(&self, input: pb::DetectSeriesInput) -> DetectCall {
        self.detect("", Ok(detect_request::Input::Series(input)))
    }

    fn detect(&self, model: &str, input: Result<detect_request::Input>) -> DetectCall {
        let request = input.map(|input| pb::DetectRequest {
            model: model.to_owned(),
            input: Some(input),
            ..pb::DetectRequest::default()
        });
        DetectCall {
            client: self.clone(),
            request,
        }
    }
}

impl DetectCall {
    /// The share of what is usual that is flagged all the same; 0.001 where it is not given.
    pub fn false_alarm_rate(self, rate: f64) -> Self {
        self.with(|request| request.false_alarm_rate = rate)
    }

    /// Asks for the features that drive each score; of rows only.
    pub fn top_features(self, count: u32) -> Self {
        self.with(|request| request.top_features = count)
    }

    /// How much the call matters when not everything can be answered in time.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|request| request.set_priority(priority))
    }

    fn with(mut self, change: impl FnOnce(&mut pb::DetectRequest)) -> Self {
        if let Ok(request) = &mut self.request {
            change(request);
        }
        self
    }
}

impl IntoFuture for DetectCall {
    type Output = Result<pb::DetectResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            Ok(self
                .client
                .anomaly()
                .detect(self.request?)
                .await?
                .into_inner())
        })
    }
}
