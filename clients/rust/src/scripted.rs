//! A server for tests that answers each call with the next line of a script, and the last one for ever.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpListener;
use tonic::Status;

use crate::client::Client;
use crate::options::Builder as Options;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What becomes of a call.
#[derive(Clone)]
pub(crate) enum Line {
    /// These messages, and OK.
    Good(Vec<Bytes>),
    Bad(Status),
    /// These headers and nothing else.
    Headers(Vec<(&'static str, &'static str)>),
    /// A status of HTTP, of no gRPC.
    Http(u16),
    Hang,
    /// The connection ends.
    Lost,
}

/// A message as a line.
pub(crate) fn good(message: &impl Message) -> Line {
    Line::Good(vec![framed(message)])
}

pub(crate) fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &bytes].concat().into()
}

/// What the server has seen: the headers and the message of each call.
pub(crate) type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Serves a script on a free port of this machine.
pub(crate) async fn serve(script: Vec<Line>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (script, seen) = (script.clone(), Arc::clone(&noted));
            let ended = Arc::new(tokio::sync::Notify::new());
            let end = Arc::clone(&ended);
            let service = service_fn(move |request| {
                answer(request, script.clone(), Arc::clone(&seen), Arc::clone(&end))
            });
            let connection =
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                tokio::select! {
                    _ = connection => {}
                    () = ended.notified() => {}
                }
            });
        }
    });
    (address, seen)
}

/// A client of a script.
pub(crate) async fn client(
    script: Vec<Line>,
    options: impl FnOnce(Options) -> Options,
) -> (Client, Seen) {
    let (address, seen) = serve(script).await;
    let client = options(Client::builder(&address.to_string()))
        .build()
        .unwrap();
    (client, seen)
}

async fn answer(
    request: Request<Incoming>,
    script: Vec<Line>,
    seen: Seen,
    end: Arc<tokio::sync::Notify>,
) -> Result<Response<Body>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let message = body.collect().await?.to_bytes();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push((parts.headers, message));
        seen.len()
    };
    let empty = || Empty::new().boxed_unsync();
    let mut response = match &script[number.min(script.len()) - 1] {
        Line::Hang => std::future::pending().await,
        Line::Lost => {
            end.notify_one();
            std::future::pending().await
        }
        Line::Http(status) => {
            let mut response = Response::new(empty());
            *response.status_mut() = http::StatusCode::from_u16(*status).unwrap();
            return Ok(response);
        }
        Line::Bad(status) => {
            return Ok(status
                .clone()
                .into_http::<tonic::body::Body>()
                .map(|_| empty()));
        }
        Line::Headers(pairs) => {
            let mut response = Response::new(empty());
            for (name, value) in pairs {
                response
                    .headers_mut()
                    .append(*name, HeaderValue::from_static(value));
            }
            response
        }
        Line::Good(messages) => {
            let trailers = HeaderMap::from_iter([(
                "grpc-status".parse().unwrap(),
                HeaderValue::from_static("0"),
            )]);
            let body = Full::new(Bytes::from(messages.concat()));
            Response::new(
                body.with_trailers(async move { Some(Ok(trailers)) })
                    .boxed_unsync(),
            )
        }
    };
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}
