//! Points of many keys as they happen, and the verdicts on them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::{Response, Status, Streaming};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::pb::{self, watch_request, watch_response};

/// Messages that wait for their turn on the connection; more make the sender wait.
const WAITING: usize = 4;

type Opening = JoinHandle<std::result::Result<Response<Streaming<pb::WatchResponse>>, Status>>;

/// A stream of points there and of verdicts back; begin with [`Client::watch`]. Dropping it ends the stream
/// at once, for all its senders.
#[derive(Debug)]
pub struct Watcher {
    sender: Option<WatchSender>,
    replies: Replies,
    /// Dropped with this, which ends what is sent, whoever else could still send.
    _open: oneshot::Sender<Infallible>,
}

/// The way in, for a task of its own; clones share the stream.
#[derive(Clone, Debug)]
pub struct WatchSender(mpsc::Sender<pb::WatchRequest>);

#[derive(Debug)]
enum Replies {
    /// The server answers when the first points are there, so somebody else must wait for it.
    Opening(Opening),
    Open(Box<Streaming<pb::WatchResponse>>),
    Ended(Option<Error>),
}

/// What is sent, as a stream that tonic takes.
struct Outgoing {
    requests: mpsc::Receiver<pb::WatchRequest>,
    dropped: oneshot::Receiver<Infallible>,
}

impl Stream for Outgoing {
    type Item = pb::WatchRequest;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if Pin::new(&mut self.dropped).poll(context).is_ready() {
            self.requests.close();
            return Poll::Ready(None);
        }
        self.requests.poll_recv(context)
    }
}

impl Client {
    /// Begins a stream, with the state of an earlier one if it is to go on; nothing otherwise. It has no
    /// deadline unless [`Client::within`] gives one, and is not begun anew when it breaks: points are not
    /// sent twice. Needs a runtime of tokio.
    ///
    /// # Errors
    ///
    /// The stream has ended before the state was sent.
    pub async fn watch(
        &self,
        options: Option<pb::WatchOptions>,
        state: Vec<pb::WatchState>,
    ) -> Result<Watcher> {
        let (sender, requests) = mpsc::channel(WAITING);
        let (open, dropped) = oneshot::channel();
        let outgoing = Outgoing { requests, dropped };
        let mut stub = self.anomaly();
        let opening = tokio::spawn(async move { stub.watch(outgoing).await });
        let mut watcher = Watcher {
            sender: Some(WatchSender(sender)),
            replies: Replies::Opening(opening),
            _open: open,
        };
        let options = options.map(watch_request::Body::Options);
        for body in options
            .into_iter()
            .chain(state.into_iter().map(watch_request::Body::State))
        {
            watcher.step(body).await?;
        }
        Ok(watcher)
    }
}

impl WatchSender {
    /// Sends points: the key of each value, or one key for all of them. It waits while the server is behind.
    /// Each is answered by one of [`Watcher::next`].
    ///
    /// # Errors
    ///
    /// The stream has ended; [`Watcher::next`] says why.
    pub async fn send<K: Into<String>>(
        &self,
        sequence: u64,
        keys: impl IntoIterator<Item = K>,
        values: impl Into<Vec<f64>>,
    ) -> Result<()> {
        let points = pb::WatchPoints {
            keys: keys.into_iter().map(Into::into).collect(),
            values: values.into(),
            sequence,
        };
        self.step(watch_request::Body::Points(points)).await
    }

    async fn step(&self, body: watch_request::Body) -> Result<()> {
        let request = pb::WatchRequest { body: Some(body) };
        let sent = self.0.send(request).await;
        sent.map_err(|_| Status::cancelled("the stream has ended; its verdicts say why").into())
    }
}

impl Watcher {
    /// Sends points: the key of each value, or one key for all of them. It waits while the server is behind.
    /// Each is answered by one of [`Watcher::next`].
    ///
    /// # Errors
    ///
    /// What has ended the stream.
    pub async fn send<K: Into<String>>(
        &mut self,
        sequence: u64,
        keys: impl IntoIterator<Item = K>,
        values: impl Into<Vec<f64>>,
    ) -> Result<()> {
        let points = pb::WatchPoints {
            keys: keys.into_iter().map(Into::into).collect(),
            values: values.into(),
            sequence,
        };
        self.step(watch_request::Body::Points(points)).await
    }

    /// The way in, for a task of its own.
    ///
    /// # Errors
    ///
    /// [`Watcher::finish`] has closed it.
    pub fn sender(&self) -> Result<WatchSender> {
        self.sender.clone().ok_or_else(finished)
    }

    /// The verdicts on the next points; nothing after [`Watcher::finish`] once all are told. Nothing is lost
    /// where the future is dropped, as by `select!`.
    pub async fn next(&mut self) -> Option<Result<pb::WatchVerdicts>> {
        loop {
            match self.body().await? {
                Ok(watch_response::Body::Verdicts(verdicts)) => return Some(Ok(verdicts)),
                Ok(watch_response::Body::State(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Asks for the state, to be given to the next stream. Call it when all verdicts are received.
    ///
    /// # Errors
    ///
    /// What has ended the stream.
    pub async fn export(&mut self) -> Result<Vec<pb::WatchState>> {
        self.step(watch_request::Body::Export(pb::WatchExport {}))
            .await?;
        let mut pieces = Vec::new();
        while let Some(body) = self.body().await {
            if let watch_response::Body::State(piece) = body? {
                let last = piece.last;
                pieces.push(piece);
                if last {
                    return Ok(pieces);
                }
            }
        }
        Err(Error::malformed(
            "Watch",
            "the stream ended before its state",
        ))
    }

    /// Says that no more points come; go on with [`Watcher::next`] until nothing comes. Senders of other tasks
    /// keep the stream open.
    pub fn finish(&mut self) {
        self.sender = None;
    }

    /// Sends one step; where the stream has ended, the error is that of the stream.
    async fn step(&mut self, body: watch_request::Body) -> Result<()> {
        let sender = self.sender.clone().ok_or_else(finished)?;
        // What carries the points away may not have heard of it yet.
        if let Replies::Ended(Some(error)) = &self.replies {
            return Err(error.clone());
        }
        let Err(ended) = sender.step(body).await else {
            return Ok(());
        };
        while let Some(body) = self.body().await {
            body?;
        }
        Err(ended)
    }

    async fn body(&mut self) -> Option<Result<watch_response::Body>> {
        loop {
            match self.replies.next().await? {
                Err(error) => return Some(Err(error)),
                Ok(response) => {
                    if let Some(body) = response.body {
                        return Some(Ok(body));
                    }
                }
            }
        }
    }
}

impl Replies {
    /// The next message; the error of the stream again and again once it has failed.
    async fn next(&mut self) -> Option<Result<pb::WatchResponse>> {
        if let Self::Opening(opening) = self {
            *self = match opening.await {
                Ok(Ok(response)) => Self::Open(Box::new(response.into_inner())),
                Ok(Err(status)) => Self::Ended(Some(status.into())),
                Err(_) => Self::Ended(Some(Status::cancelled("the runtime has shut down").into())),
            };
        }
        let ended = match self {
            Self::Open(stream) => match stream.message().await {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) => None,
                Err(status) => Some(Error::from(status)),
            },
            Self::Ended(error) => error.take(),
            Self::Opening(_) => None,
        };
        *self = Self::Ended(ended.clone());
        ended.map(Err)
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        if let Self::Opening(opening) = self {
            opening.abort();
        }
    }
}

fn finished() -> Error {
    Error::invalid("points", "finish has said that no more come")
}
