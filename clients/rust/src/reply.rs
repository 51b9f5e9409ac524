//! What comes back: bodies of replies, bounded and in time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use crate::details;
use crate::ends::{Lost, cut_off, late, mend, refused};

const PREFIX: usize = 5; // of a message of gRPC: a flag and the length

/// Finds messages above the client's limit before they are in memory.
#[derive(Debug)]
pub(crate) struct Limit {
    most: usize,
    prefix: [u8; PREFIX],
    have: usize,
    left: usize,
}

impl Limit {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            prefix: [0; PREFIX],
            have: 0,
            left: 0,
        }
    }

    /// Looks at the next bytes of a body.
    pub fn check(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            if self.left > 0 {
                let count = self.left.min(data.len());
                self.left -= count;
                data = &data[count..];
                continue;
            }
            let count = (PREFIX - self.have).min(data.len());
            self.prefix[self.have..self.have + count].copy_from_slice(&data[..count]);
            self.have += count;
            data = &data[count..];
            if self.have == PREFIX {
                let [_, length @ ..] = self.prefix;
                self.left = u32::from_be_bytes(length) as usize;
                self.have = 0;
                if self.left > self.most {
                    return Err(too_large("a reply", self.left, self.most));
                }
            }
        }
        Ok(())
    }
}

/// The refusal of a message that is too large for this client.
pub(crate) fn too_large(what: &str, bytes: usize, most: usize) -> Status {
    let message = format!(
        "{what} of {bytes} bytes is above this client's limit of {most}: ask for less at a time, or raise message_bytes_max"
    );
    Status::resource_exhausted(message)
}

/// The body of a reply, for generated stubs.
#[derive(Debug)]
pub struct Reply(Kind);

#[derive(Debug)]
enum Kind {
    Whole {
        data: Option<Bytes>,
        trailers: Option<HeaderMap>,
    },
    Rest(Box<Rest>),
}

#[derive(Debug)]
struct Rest {
    first: Option<Frame<Bytes>>,
    body: Incoming,
    limit: Limit,
    deadline: Option<Pin<Box<Sleep>>>,
    target: Arc<str>,
    /// The trailers have come.
    ended: bool,
}

impl Reply {
    /// All of an unary reply; the error where its trailers tell of one.
    pub(crate) async fn whole(
        mut body: Incoming,
        mut limit: Limit,
        target: &str,
    ) -> Result<Self, Status> {
        let mut data: Option<Bytes> = None;
        let mut more: Option<BytesMut> = None;
        loop {
            let Some(frame) = body.frame().await else {
                return Err(cut_off());
            };
            let frame = frame.map_err(|error| details::broken(target, &Lost::from(&error)))?;
            match frame.into_data() {
                Ok(piece) => {
                    limit.check(&piece)?;
                    match (&mut more, data.take()) {
                        (Some(all), _) => all.extend_from_slice(&piece),
                        (None, None) => data = Some(piece),
                        (None, Some(first)) => {
                            let mut all = BytesMut::from(first);
                            all.extend_from_slice(&piece);
                            more = Some(all);
                        }
                    }
                }
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    mend(&mut trailers);
                    refused(&trailers)?;
                    return Ok(Self(Kind::Whole {
                        data: more.map(BytesMut::freeze).or(data),
                        trailers: Some(trailers),
                    }));
                }
            }
        }
    }

    /// A stream whose first frame is here; the error where that tells of one.
    pub(crate) async fn begun(
        mut body: Incoming,
        mut limit: Limit,
        target: Arc<str>,
        deadline: Option<Instant>,
    ) -> Result<Self, Status> {
        let first = match body.frame().await {
            None => return Err(cut_off()),
            Some(Err(error)) => return Err(details::broken(&target, &Lost::from(&error))),
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    mend(trailers);
                    refused(trailers)?;
                }
                if let Some(data) = frame.data_ref() {
                    limit.check(data)?;
                }
                Some(frame)
            }
        };
        Ok(Self::rest(first, body, limit, target, deadline))
    }

    /// A stream of which nothing may have come yet.
    pub(crate) fn rest(
        first: Option<Frame<Bytes>>,
        body: Incoming,
        limit: Limit,
        target: Arc<str>,
        deadline: Option<Instant>,
    ) -> Self {
        Self(Kind::Rest(Box::new(Rest {
            first,
            body,
            limit,
            deadline: deadline.map(|at| Box::pin(sleep_until(at))),
            target,
            ended: false,
        })))
    }

    /// Nothing: the headers have said it all.
    pub(crate) fn empty() -> Self {
        Self(Kind::Whole {
            data: None,
            trailers: None,
        })
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut self.get_mut().0 {
            Kind::Whole { data, trailers } => {
                let data = data.take().map(Frame::data);
                let next = data.or_else(|| trailers.take().map(Frame::trailers));
                Poll::Ready(next.map(Ok))
            }
            Kind::Rest(rest) => rest.poll(context),
        }
    }
}

impl Rest {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(first) = self.first.take() {
            self.ended = first.is_trailers();
            return Poll::Ready(Some(Ok(first)));
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Some(Err(late())));
        }
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            let ended = std::mem::replace(&mut self.ended, true);
            return Poll::Ready((!ended).then(|| Err(cut_off())));
        };
        Poll::Ready(Some(self.looked_at(frame)))
    }

    fn looked_at(
        &mut self,
        frame: Result<Frame<Bytes>, hyper::Error>,
    ) -> Result<Frame<Bytes>, Status> {
        let mut frame =
            frame.map_err(|error| details::broken(&self.target, &Lost::from(&error)))?;
        if let Some(trailers) = frame.trailers_mut() {
            mend(trailers);
            self.ended = true;
        }
        if let Some(data) = frame.data_ref() {
            self.limit.check(data)?;
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn message(bytes: u32) -> Vec<u8> {
        let mut all = vec![0];
        all.extend(bytes.to_be_bytes());
        all.resize(PREFIX + bytes as usize, 7);
        all
    }

    #[test]
    fn messages_are_bounded_however_they_are_cut() {
        let small = [message(3), message(0), message(10)].concat();
        let large = [small.clone(), message(11)].concat();
        for piece in 1..large.len() {
            let mut limit = Limit::new(10);
            assert!(
                small.chunks(piece).all(|part| limit.check(part).is_ok()),
                "{piece}"
            );
            let mut limit = Limit::new(10);
            assert!(
                large.chunks(piece).any(|part| limit.check(part).is_err()),
                "{piece}"
            );
        }
    }

    #[test]
    fn the_limit_is_told() {
        let told = Limit::new(10).check(&message(11)).unwrap_err();
        assert_eq!(told.code(), Code::ResourceExhausted);
        assert!(told.message().contains("11 bytes"), "{told}");
    }
}
