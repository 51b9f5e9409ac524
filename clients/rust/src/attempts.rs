//! The attempts of one call: on which connection, how often, and twice at once where that is wanted.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Uri, Version};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::Status;
use tonic::body::Body;

use crate::client::Client;
use crate::connect::Outgoing;
use crate::deadline;
use crate::details;
use crate::ends::{Lost, checked, late};
use crate::error::Error;
use crate::kind::Kind;
use crate::options::Settings;
use crate::pool::Pool;
use crate::random;
use crate::reply::{Limit, Reply, too_large};
use crate::retry::{Budget, definite, delay, is_paid, retryable};

const PREFIX: usize = 5; // of a message of gRPC
type Response = http::Response<Reply>;

/// What all clones of a client share.
#[derive(Debug)]
pub(crate) struct Line {
    pub name: Arc<str>,
    pub scheme: Scheme,
    pub authority: Authority,
    pub settings: Settings,
    pub pool: Arc<Pool>,
    pub retries: Budget,
    pub hedges: Budget,
}

/// A call that can be sent again.
struct Prepared {
    uri: Uri,
    headers: HeaderMap,
    message: Bytes,
    kind: Kind,
    deadline: Instant,
    /// Whether it waits for a connection now.
    waiting: AtomicBool,
}

/// What came of a request that was sent.
enum Sent {
    Answered(http::Response<Incoming>),
    /// The connection ended before it was sent.
    Back(http::Request<Outgoing>),
    /// The server has not looked at it.
    Refused(Status),
}

impl Client {
    /// Makes a call with the client's deadline, retries and errors.
    pub(crate) async fn send(self, request: http::Request<Body>) -> Result<Response, Status> {
        let (mut parts, body) = request.into_parts();
        let kind = Kind::of(parts.uri.path());
        let deadline = self.deadline(&parts.headers);
        let path = parts.uri.into_parts().path_and_query;
        let uri = self.address(path, &mut parts.headers);
        if kind == Kind::Stream {
            return self.line.stream(uri, parts.headers, body, deadline).await;
        }
        let deadline = deadline.unwrap_or_else(|| self.default_deadline(uri.path()));
        let message = body.collect().await?.to_bytes();
        let most = self.line.settings.message_bytes_max;
        if message.len() > most + PREFIX {
            return Err(too_large("a request", message.len() - PREFIX, most));
        }
        let call = Prepared {
            uri,
            headers: parts.headers,
            message,
            kind,
            deadline,
            waiting: AtomicBool::new(false),
        };
        let hedge_after = self.line.settings.hedge_after;
        let hedge_after = hedge_after.filter(|_| kind == Kind::Unary && !is_paid(call.uri.path()));
        let work = async {
            match hedge_after {
                Some(after) => self.line.hedged(&call, after).await,
                None => self.line.attempts(&call).await,
            }
        };
        let done = timeout_at(deadline, work).await;
        done.unwrap_or_else(|_| Err(self.line.late(&call.waiting)))
    }
}

impl Line {
    /// Makes a call, and makes it a second time on another connection when the first has not been answered
    /// for a while. The first good answer counts, and so does a refusal that both would meet; the other
    /// attempt is cancelled.
    async fn hedged(&self, call: &Prepared, after: Duration) -> Result<Response, Status> {
        let mut first = pin!(self.attempts(call));
        let done = match timeout(after, &mut first).await {
            Ok(done) => done,
            Err(_) if !self.hedges.take() => first.await,
            Err(_) => {
                let mut second = pin!(self.attempts(call));
                let (done, other) = tokio::select! {
                    done = &mut first => (done, second),
                    done = &mut second => (done, first),
                };
                match done {
                    Err(status) if !definite(&Error::from(status.clone())) => other.await,
                    done => done,
                }
            }
        };
        if done.is_ok() {
            self.hedges.succeeded();
        }
        done
    }

    /// Sends a call until it is answered or a retry makes no sense.
    async fn attempts(&self, call: &Prepared) -> Result<Response, Status> {
        let mut attempt = 1;
        loop {
            let status = match self.attempt(call).await {
                Ok(reply) => {
                    self.retries.succeeded();
                    return Ok(reply);
                }
                Err(status) => status,
            };
            if !self.again(&status, attempt, call.deadline).await {
                return Err(status);
            }
            attempt += 1;
        }
    }

    /// Waits for the time of a retry and tells whether there is one.
    async fn again(&self, status: &Status, attempt: u32, deadline: Instant) -> bool {
        let failure = Error::from(status.clone());
        if !retryable(&failure) {
            return false;
        }
        let allowed = self.retries.failed();
        let Some(wait) = delay(&failure, attempt, random()).filter(|_| allowed) else {
            return false;
        };
        if deadline.saturating_duration_since(Instant::now()) <= wait {
            return false; // it would be too late: the caller hears now what is wrong
        }
        sleep(wait).await;
        true
    }

    async fn attempt(&self, call: &Prepared) -> Result<Response, Status> {
        let mut refused = false;
        loop {
            let mut request = http::Request::new(Either::Left(Full::new(call.message.clone())));
            *request.headers_mut() = call.headers.clone();
            *request.uri_mut() = call.uri.clone();
            let sent = self.exchange(request, Some(call.deadline), &call.waiting);
            match sent.await? {
                Sent::Answered(response) => return self.answer(call, response).await,
                Sent::Back(_) => {}
                // Once without a wait and a token, as gRPC's transparent retries: the server goes away, and
                // was not asked too much.
                Sent::Refused(_) if !refused => refused = true,
                Sent::Refused(status) => return Err(status),
            }
        }
    }

    /// Sends a stream on its way, once.
    async fn stream(
        &self,
        uri: Uri,
        headers: HeaderMap,
        body: Body,
        deadline: Option<Instant>,
    ) -> Result<Response, Status> {
        let waiting = AtomicBool::new(false);
        let work = async {
            let mut request = http::Request::new(Either::Right(body));
            *request.headers_mut() = headers;
            *request.uri_mut() = uri;
            loop {
                match self.exchange(request, deadline, &waiting).await? {
                    Sent::Answered(response) => return Ok(response),
                    Sent::Back(unsent) => request = unsent,
                    Sent::Refused(status) => return Err(status), // what was sent of it is gone
                }
            }
        };
        let response = match deadline {
            None => work.await,
            Some(at) => timeout_at(at, work)
                .await
                .unwrap_or_else(|_| Err(self.late(&waiting))),
        }?;
        let (mut parts, body) = response.into_parts();
        let reply = if checked(&mut parts)? {
            Reply::empty()
        } else {
            Reply::rest(None, body, self.limit(), Arc::clone(&self.name), deadline)
        };
        Ok(http::Response::from_parts(parts, reply))
    }

    /// Sends a request on the next connection.
    async fn exchange(
        &self,
        mut request: http::Request<Outgoing>,
        deadline: Option<Instant>,
        waiting: &AtomicBool,
    ) -> Result<Sent, Status> {
        waiting.store(true, Ordering::Relaxed);
        let picked = self.pool.pick(self.settings.fail_fast).await;
        let mut link = picked.map_err(|why| details::unreachable(&self.name, &why))?;
        waiting.store(false, Ordering::Relaxed);
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        if let Some(at) = deadline {
            let left = at.saturating_duration_since(Instant::now());
            request
                .headers_mut()
                .insert(deadline::HEADER, deadline::write(left));
        }
        match link.sender.try_send_request(request).await {
            Ok(response) => {
                link.prove();
                Ok(Sent::Answered(response))
            }
            Err(mut error) => match error.take_message() {
                Some(unsent) => {
                    tokio::task::yield_now().await; // so that the connection can say that it has ended
                    Ok(Sent::Back(unsent))
                }
                None => self.broken(&Lost::from(error.error())),
            },
        }
    }

    fn broken(&self, lost: &Lost) -> Result<Sent, Status> {
        let status = details::broken(&self.name, lost);
        if lost.unprocessed {
            Ok(Sent::Refused(status))
        } else {
            Err(status)
        }
    }

    async fn answer(
        &self,
        call: &Prepared,
        response: http::Response<Incoming>,
    ) -> Result<Response, Status> {
        let (mut parts, body) = response.into_parts();
        let ended = checked(&mut parts)?;
        let reply = if ended {
            Reply::empty()
        } else if call.kind == Kind::Unary {
            Reply::whole(body, self.limit(), &self.name).await?
        } else {
            let name = Arc::clone(&self.name);
            Reply::begun(body, self.limit(), name, Some(call.deadline)).await?
        };
        Ok(http::Response::from_parts(parts, reply))
    }

    fn limit(&self) -> Limit {
        Limit::new(self.settings.message_bytes_max)
    }

    /// The deadline has passed: while the call waited for a connection, or for an answer.
    fn late(&self, waiting: &AtomicBool) -> Status {
        if waiting.load(Ordering::Relaxed) {
            return details::unreachable(&self.name, &self.pool.problem());
        }
        late()
    }
}
