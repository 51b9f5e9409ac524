//! The client and its connections: what becomes of calls when one side leaves.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::pb::{WatchResponse, WatchVerdicts, watch_response};
use crate::scripted::{self, Line, framed};
use crate::{ChatStream, Client, Error, ScoreCall, Tls, WatchSender, Watcher};

const PATIENCE: Duration = Duration::from_secs(60);
/// An authority of nobody; its key is gone.
const CA: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBeTCCAR+gAwIBAgIUFxzClGLGF2Omocy10AywKub69powCgYIKoZIzj0EAwIw\n\
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMTIyMTA1OVoYDzIxMjYxMDI4MjIx\n\
MDU5WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n\
AAREALkNmq/cKIJHtYf0NgtYrtV2FEyp7Fl914HodA/I3V88jTSxhU8ptpKcZQGP\n\
NarJYlw+xAv34b6INvDusq3Co1MwUTAdBgNVHQ4EFgQUpXujGkXhWdf1Dp7N5xMJ\n\
L+gahC4wHwYDVR0jBBgwFoAUpXujGkXhWdf1Dp7N5xMJL+gahC4wDwYDVR0TAQH/\n\
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA6RwFOA+bZjxDG5Mv09Hujfs84p1g\n\
UI2bJYdI+OYoV4sCICKl/yT62xVG5dtDjHW3CLw0kWwVBPI+aYkQJhqKR/kU\n\
-----END CERTIFICATE-----\n";
type Server = Connection<TcpStream, Bytes>;

/// Serves each connection of a free port as it is told.
async fn serve<F>(each: impl Fn(Server) -> F + Send + Sync + 'static) -> Client
where
    F: Future<Output = Infallible> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let server = Builder::new().max_concurrent_streams(100).handshake(stream);
            tokio::spawn(each(server.await.unwrap()));
        }
    });
    let client = Client::builder(&address.to_string()).timeout(PATIENCE);
    client.build().unwrap()
}

fn head() -> Response<()> {
    let head = Response::builder().header("content-type", "application/grpc");
    head.body(()).unwrap()
}

/// Answers a call with an empty message.
async fn answer(mut request: Request<RecvStream>, mut reply: SendResponse<Bytes>) {
    while request.body_mut().data().await.is_some() {}
    let trailers = HeaderMap::from_iter([(
        "grpc-status".parse().unwrap(),
        HeaderValue::from_static("0"),
    )]);
    let Ok(mut stream) = reply.send_response(head(), false) else {
        return; // the caller has left
    };
    let _ = stream.send_data(framed(&()), false);
    let _ = stream.send_trailers(trailers);
}

/// Serves calls until there have been so many, and then takes leave.
async fn leave_after(calls: usize, mut server: Server) -> Infallible {
    let mut begun = 0;
    while let Some(Ok((request, reply))) = server.accept().await {
        begun += 1;
        if begun == calls {
            server.graceful_shutdown();
        }
        tokio::spawn(answer(request, reply));
    }
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_outlast_servers_that_leave() {
    let client = serve(|server| leave_after(500, server)).await;
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    client.score("m", [1.0]).await?;
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

/// Tells of each call how it was reset, and answers none.
async fn note(mut server: Server, resets: mpsc::UnboundedSender<Option<Reason>>) -> Infallible {
    while let Some(Ok((request, mut reply))) = server.accept().await {
        let resets = resets.clone();
        tokio::spawn(async move {
            let _ = resets.send(None);
            let reason = std::future::poll_fn(|context| reply.poll_reset(context)).await;
            let _ = resets.send(reason.ok());
            drop(request); // nothing of it was read
        });
    }
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_calls_end_and_leave_nothing() {
    let (resets, mut seen) = mpsc::unbounded_channel();
    let client = serve(move |server| note(server, resets.clone())).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let mut before = None;
    for _ in 0..20 {
        let large = vec![1.0; 1_000_000]; // more than fits into the window
        let call = tokio::spawn(client.score("m", large).into_future());
        assert_eq!(seen.recv().await, Some(None));
        call.abort();
        let reset = timeout(PATIENCE, seen.recv()).await.expect("goes on");
        assert_eq!(reset, Some(Some(Reason::CANCEL)));
        before.get_or_insert(metrics.num_alive_tasks());
    }
    assert!(
        metrics.num_alive_tasks() <= before.unwrap() + 2,
        "tasks are left"
    );
}

/// Answers the first points, and then waits for the end.
async fn judge(mut server: Server, resets: mpsc::UnboundedSender<Option<Reason>>) -> Infallible {
    while let Some(Ok((mut request, mut reply))) = server.accept().await {
        let resets = resets.clone();
        tokio::spawn(async move {
            request.body_mut().data().await.unwrap().unwrap();
            let mut stream = reply.send_response(head(), false).unwrap();
            let body = Some(watch_response::Body::Verdicts(WatchVerdicts::default()));
            let verdicts = framed(&WatchResponse { body });
            stream.send_data(verdicts, false).unwrap();
            let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await;
            let _ = resets.send(reason.ok());
        });
    }
    std::future::pending().await
}

#[tokio::test]
async fn a_dropped_watcher_ends_for_its_senders() {
    let (resets, mut seen) = mpsc::unbounded_channel();
    let client = serve(move |server| judge(server, resets.clone())).await;
    let mut watcher = client.watch(None, Vec::new()).await.unwrap();
    watcher.send(1, ["k"], [1.0]).await.unwrap();
    watcher.next().await.unwrap().unwrap();
    let sender = watcher.sender().unwrap();
    drop(watcher);
    let reset = timeout(PATIENCE, seen.recv()).await.expect("goes on");
    assert_eq!(reset, Some(Some(Reason::CANCEL)));
    assert!(sender.send(2, ["k"], [1.0]).await.is_err());
}

#[tokio::test]
async fn a_stream_that_ends_with_its_headers() {
    let ended = Line::Headers(vec![("grpc-status", "0")]);
    let (client, _) = scripted::client(vec![ended], |options| options.timeout(PATIENCE)).await;
    let mut watcher = client.watch(None, Vec::new()).await.unwrap();
    watcher.finish();
    let next = watcher.next().await;
    assert!(next.is_none(), "{next:?}");
}

#[test]
fn a_runtime_may_end_while_it_connects() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // and never says anything
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, CA).unwrap();
    let client = Client::builder(&address).tls(Tls::trusting(ca));
    let client = client.build().unwrap();
    for _ in 0..2 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let call = tokio::spawn(client.score("m", [1.0]).into_future());
            let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
            let connected = timeout(PATIENCE, listener.accept()).await;
            call.abort();
            connected.expect("nobody connects").unwrap();
        });
        runtime.shutdown_background();
    }
}

#[test]
fn tasks_may_share_and_move_what_there_is() {
    fn shared<T: Send + Sync + 'static>() {}
    fn moved<T: Send + 'static>(_: T) {}
    shared::<Client>();
    shared::<Error>();
    shared::<ScoreCall>();
    shared::<ChatStream>();
    shared::<Watcher>();
    shared::<WatchSender>();
    let client = Client::new("127.0.0.1:1").unwrap();
    moved(async move {
        client.models().await?;
        let mut watcher = client.watch(None, Vec::new()).await?;
        watcher.export().await?;
        let request = crate::pb::ChatRequest::default();
        client.chat_stream(request).await?.next().await;
        Ok::<(), Error>(())
    });
}
