//! The client: a service of tonic that gives each call a deadline, retries, a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Uri};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::metadata::MetadataMap;

use crate::attempts::Line;
use crate::credentials::Tls;
use crate::deadline;
use crate::error::{Error, Result};
use crate::options::{Builder, Settings, TIMEOUT_MAX};
use crate::pb;
use crate::pool::Pool;
use crate::reply::Reply;
use crate::retry::{Budget, is_paid};
use crate::slot::Shared;
use crate::target::Target;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("stubtail-rust/", env!("CARGO_PKG_VERSION")));

/// Calls one server, or several behind one name.
///
/// Clones are cheap and share connections and budgets; make one client and keep it. A client is a
/// [`GrpcService`], so that every stub in [`crate::pb`] over it has the same deadlines, retries and errors:
///
/// ```no_run
/// # fn main() -> stubtail::Result<()> {
/// let client = stubtail::Client::new("127.0.0.1:8500")?;
/// let stub = stubtail::pb::scoring_service_client::ScoringServiceClient::new(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) line: Arc<Line>,
    call: CallSettings,
}

/// What a clone of a client does otherwise.
#[derive(Clone, Debug, Default)]
struct CallSettings {
    timeout: Option<Duration>,
    until: Option<Instant>,
    trace: Option<Arc<(HeaderValue, Option<HeaderValue>)>>,
}

impl Client {
    /// A client for `host:port`, or for `dns:///name:port`, whose addresses then take turns.
    /// Nothing is sent before the first call.
    ///
    /// # Errors
    ///
    /// The target is none.
    pub fn new(target: &str) -> Result<Self> {
        Self::builder(target).build()
    }

    /// A client with options.
    #[must_use]
    pub fn builder(target: &str) -> Builder {
        Builder::new(target)
    }

    pub(crate) fn of(
        target: Target,
        tls: Option<Tls>,
        connections: usize,
        settings: Settings,
    ) -> Self {
        let scheme = if tls.is_some() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let line = Line {
            name: target.text.as_str().into(),
            scheme,
            authority: target.authority.clone(),
            retries: Budget::of_retries(),
            hedges: Budget::of_hedges(),
            settings,
            pool: Pool::new(
                Arc::new(Shared {
                    target,
                    tls,
                    changed: tokio::sync::Notify::new(),
                    stale: false.into(),
                }),
                connections,
            ),
        };
        Self {
            line: Arc::new(line),
            call: CallSettings::default(),
        }
    }

    /// The same client with another deadline for its calls: so long after each of them begins, at most a day.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        let mut other = self.clone();
        other.call.timeout = Some(timeout.min(TIMEOUT_MAX));
        other
    }

    /// The same client for calls that belong to a trace: a W3C `traceparent`, and a `tracestate` or "".
    ///
    /// # Errors
    ///
    /// They cannot be sent.
    pub fn with_trace(&self, traceparent: &str, tracestate: &str) -> Result<Self> {
        let read = |name: &str, text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| Error::invalid(name, "it has signs that cannot be sent"))
        };
        let state = Some(tracestate).filter(|text| !text.is_empty());
        let state = state.map(|text| read(TRACESTATE, text)).transpose()?;
        let mut other = self.clone();
        other.call.trace = Some(Arc::new((read(TRACEPARENT, traceparent)?, state)));
        Ok(other)
    }

    /// The same client for calls that are made while another call is served: its deadline and its trace go
    /// on. Give the metadata of the request that came in.
    #[must_use]
    pub fn on_behalf_of(&self, incoming: &MetadataMap) -> Self {
        let mut other = self.clone();
        let headers = incoming.clone().into_headers();
        if let Some(left) = deadline::read(&headers) {
            other.call.until = Instant::now().checked_add(left);
        }
        if let Some(parent) = headers.get(TRACEPARENT) {
            let state = headers.get(TRACESTATE).cloned();
            other.call.trace = Some(Arc::new((parent.clone(), state)));
        }
        other
    }

    /// When a call ends at the latest that begins now; none where nothing was said.
    pub(crate) fn deadline(&self, headers: &HeaderMap) -> Option<Instant> {
        let now = Instant::now();
        let timeout = deadline::read(headers).or(self.call.timeout);
        let own = timeout.map(|timeout| now + timeout.min(TIMEOUT_MAX));
        match (own, self.call.until) {
            (Some(own), Some(until)) => Some(own.min(until)),
            (own, until) => own.or(until),
        }
    }

    /// The default of a call that nobody gave a deadline.
    pub(crate) fn default_deadline(&self, path: &str) -> Instant {
        let settings = &self.line.settings;
        let timeout = if is_paid(path) {
            settings.chat_timeout
        } else {
            settings.timeout
        };
        Instant::now() + timeout
    }

    /// Adds what every call carries, and gives where it goes.
    pub(crate) fn address(&self, path: Option<PathAndQuery>, headers: &mut HeaderMap) -> Uri {
        headers.insert(http::header::USER_AGENT, USER_AGENT);
        if let Some(trace) = &self.call.trace
            && !headers.contains_key(TRACEPARENT)
        {
            headers.insert(TRACEPARENT, trace.0.clone());
            if let Some(state) = &trace.1 {
                headers.insert(TRACESTATE, state.clone());
            }
        }
        for (name, value) in &self.line.settings.metadata {
            headers.append(name.clone(), value.clone());
        }
        if let Some(token) = &self.line.settings.token {
            headers.insert(
                http::header::AUTHORIZATION,
                token.header(std::time::Instant::now()),
            );
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.line.scheme.clone());
        parts.authority = Some(self.line.authority.clone());
        parts.path_and_query = Some(path.unwrap_or(PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl GrpcService<Body> for Client {
    type ResponseBody = Reply;
    type Error = Status;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<http::Response<Reply>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Status>> {
        Poll::Ready(Ok(())) // a call waits for its connection itself, in its own time
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(request).await })
    }
}

/// A stub without a bound of its own: the client's own comes first, and says what to do.
macro_rules! stubs {
    ($($name:ident: $module:ident :: $stub:ident),* $(,)?) => {
        impl Client {
            $(pub(crate) fn $name(&self) -> pb::$module::$stub<Self> {
                pb::$module::$stub::new(self.clone()).max_decoding_message_size(usize::MAX)
            })*
        }
    };
}

stubs! {
    scoring: scoring_service_client::ScoringServiceClient,
    decision: decision_service_client::DecisionServiceClient,
    forecasting: forecasting_service_client::ForecastingServiceClient,
    anomaly: anomaly_service_client::AnomalyServiceClient,
    llm: llm_service_client::LlmServiceClient,
    model_stub: model_service_client::ModelServiceClient,
}
