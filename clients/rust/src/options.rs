//! How a client is made.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::client::Client;
use crate::credentials::{Tls, TokenFile};
use crate::error::{Error, Result};
use crate::target::Target;

const TIMEOUT: Duration = Duration::from_secs(1);
const CHAT_TIMEOUT: Duration = Duration::from_secs(60);
/// A call that nobody will wait for is a leak.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
const CONNECTIONS_MAX: usize = 256;
const MESSAGE_BYTES_MAX: usize = 64 << 20;
const MESSAGE_BYTES_LEAST: usize = 1024;

/// Makes a [`Client`]; begin with [`Client::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    target: String,
    timeout: Option<Duration>,
    connections: usize,
    hedge_after: Option<Duration>,
    message_bytes_max: usize,
    fail_fast: bool,
    tls: Option<Tls>,
    token_file: Option<PathBuf>,
    metadata: Vec<(String, String)>,
}

/// What a client keeps of its options.
#[derive(Debug)]
pub(crate) struct Settings {
    pub timeout: Duration,
    pub chat_timeout: Duration,
    pub hedge_after: Option<Duration>,
    pub message_bytes_max: usize,
    pub fail_fast: bool,
    pub token: Option<TokenFile>,
    pub metadata: Vec<(HeaderName, HeaderValue)>,
}

impl Builder {
    pub(crate) fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            timeout: None,
            connections: 1,
            hedge_after: None,
            message_bytes_max: MESSAGE_BYTES_MAX,
            fail_fast: false,
            tls: None,
            token_file: None,
            metadata: Vec::new(),
        }
    }

    /// How long a call may take that says nothing else: 1 s where it is not given, 1 min for calls of
    /// language models, which it bounds too. There is no way to wait for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Opens so many connections to each address, which take turns. The kernel gives each connection to
    /// one worker of the server: use at least as many as it has workers.
    #[must_use]
    pub fn connections(mut self, count: usize) -> Self {
        self.connections = count;
        self
    }

    /// Makes an unary call a second time when it has not been answered for so long, on the next
    /// connection, and takes the first answer. At most a tenth of the calls are made twice; calls of
    /// language models never are. A good time is the p95 of the calls.
    #[must_use]
    pub fn hedge_after(mut self, after: Duration) -> Self {
        self.hedge_after = Some(after);
        self
    }

    /// Bounds a request and a reply, 64 MiB where it is not given. The server has a bound of its own for
    /// requests, 16 MiB by default.
    #[must_use]
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Fails calls at once while the server cannot be reached. Without it they wait for a connection until
    /// their deadline, which rides over a restart of the server.
    #[must_use]
    pub fn fail_fast(mut self) -> Self {
        self.fail_fast = true;
        self
    }

    /// Encrypts.
    #[must_use]
    pub fn tls(mut self, files: Tls) -> Self {
        self.tls = Some(files);
        self
    }

    /// Sends the key or token in a file with every call. The file is read again when it is older than a
    /// second, so that a new token needs no restart. It is not sent in the clear but to this machine.
    #[must_use]
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = Some(path.into());
        self
    }

    /// Sends a pair of metadata with every call.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The client. Nothing is sent before the first call, which needs a runtime of tokio.
    ///
    /// # Errors
    ///
    /// What is wrong with the options, as [`tonic::Code::InvalidArgument`] with the violation.
    pub fn build(self) -> Result<Client> {
        let target = Target::parse(&self.target)?;
        let settings = self.settings(&target)?;
        Ok(Client::of(target, self.tls, self.connections, settings))
    }

    fn settings(&self, target: &Target) -> Result<Settings> {
        if let Some(timeout) = self
            .timeout
            .filter(|one| one.is_zero() || *one > TIMEOUT_MAX)
        {
            let most = TIMEOUT_MAX.as_secs() / 3600;
            return Err(Error::invalid(
                "timeout",
                format!("it is above 0 and at most {most} h, not {timeout:?}"),
            ));
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            let count = self.connections;
            return Err(Error::invalid(
                "connections",
                format!("they are 1 to {CONNECTIONS_MAX}, not {count}"),
            ));
        }
        if self.hedge_after.is_some_and(|after| after.is_zero()) {
            return Err(Error::invalid(
                "hedge_after",
                "hedging after nothing makes every call twice",
            ));
        }
        if self.message_bytes_max < MESSAGE_BYTES_LEAST {
            let what = format!(
                "a message of {} bytes holds nothing",
                self.message_bytes_max
            );
            return Err(Error::invalid("message_bytes_max", what));
        }
        if let Some(tls) = &self.tls {
            tls.config()
                .map_err(|error| Error::invalid("tls", error.to_string()))?;
        } else if self.token_file.is_some() && !target.is_loopback() {
            let what = format!(
                "a token is not sent to {} in the clear; give tls",
                target.text
            );
            return Err(Error::invalid("token_file", what));
        }
        Ok(Settings {
            timeout: self.timeout.unwrap_or(TIMEOUT),
            chat_timeout: self.timeout.unwrap_or(CHAT_TIMEOUT),
            hedge_after: self.hedge_after,
            message_bytes_max: self.message_bytes_max,
            fail_fast: self.fail_fast,
            token: self.token_file.clone().map(TokenFile::open).transpose()?,
            metadata: self.metadata.iter().map(pair).collect::<Result<_>>()?,
        })
    }
}

fn pair((key, value): &(String, String)) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Error::invalid("metadata", format!("{key}: {value} cannot be sent"));
    let name: HeaderName = key.parse().map_err(|_| wrong())?;
    if name.as_str().starts_with("grpc-") || name.as_str().ends_with("-bin") {
        return Err(wrong());
    }
    Ok((name, value.parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_wrong() {
        let of = || Client::builder("127.0.0.1:1");
        for (field, builder) in [
            ("timeout", of().timeout(Duration::ZERO)),
            ("timeout", of().timeout(Duration::MAX)),
            ("connections", of().connections(0)),
            ("connections", of().connections(1000)),
            ("hedge_after", of().hedge_after(Duration::ZERO)),
            ("message_bytes_max", of().message_bytes_max(1)),
            ("metadata", of().metadata("grpc-timeout", "1S")),
            ("metadata", of().metadata("ä", "1S")),
            ("target", Client::builder("nowhere")),
        ] {
            let failure = builder.build().unwrap_err();
            assert_eq!(failure.violations()[0].field, field, "{failure}");
        }
    }
}
