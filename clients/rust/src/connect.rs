//! Opens one connection: TCP, TLS where it is wanted, HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::credentials::Tls;
use crate::target::Target;

/// Above the 10 s that the server demands between pings; none without a call.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that goes out: one message, which can be sent again, or a stream of them.
pub(crate) type Outgoing = Either<Full<Bytes>, tonic::body::Body>;
pub(crate) type Sender = SendRequest<Outgoing>;
pub(crate) type Driver = Connection<TokioIo<Box<dyn Wire>>, Outgoing, TokioExecutor>;

pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Connects to one address of a target.
pub(crate) async fn open(
    address: SocketAddr,
    target: &Target,
    tls: Option<&Tls>,
) -> io::Result<(Sender, Driver)> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let wire: Box<dyn Wire> = match tls {
        None => Box::new(tcp),
        Some(tls) => Box::new(encrypt(tcp, target, tls).await?),
    };
    Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(false)
        .handshake(TokioIo::new(wire))
        .await
        .map_err(io::Error::other)
}

async fn encrypt(tcp: TcpStream, target: &Target, tls: &Tls) -> io::Result<impl Wire + use<>> {
    let files = tls.clone(); // they are read anew, beside the calls
    let config = tokio::task::spawn_blocking(move || files.config())
        .await
        .map_err(io::Error::other)??;
    let name = tls
        .server_name
        .clone()
        .unwrap_or_else(|| target.host.clone());
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
}
