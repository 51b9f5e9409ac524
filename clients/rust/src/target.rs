//! Where calls go: `host:port`, `dns:///name:port` or `dns://resolver:port/name:port`.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

use crate::error::{Error, Result};

/// A target, read.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As it was given.
    pub text: String,
    /// The name or address without brackets.
    pub host: String,
    pub port: u16,
    /// Who resolves the name; none for the resolver of this machine.
    pub resolver: Option<SocketAddr>,
    /// `host:port` as requests have it.
    pub authority: Authority,
}

impl Target {
    /// Reads a target; nothing is resolved.
    pub fn parse(text: &str) -> Result<Self> {
        let (resolver, rest) = match text.strip_prefix("dns://") {
            None => (None, text),
            Some(rest) => match rest.split_once('/') {
                Some(("", name)) => (None, name),
                Some((server, name)) => (Some(resolver(text, server)?), name),
                None => return Err(wrong(text)),
            },
        };
        let authority: Authority = rest.parse().map_err(|_| wrong(text))?;
        let port = authority.port_u16().ok_or_else(|| wrong(text))?;
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() || rest.contains('@') {
            return Err(wrong(text));
        }
        Ok(Self {
            text: text.to_owned(),
            host: host.to_owned(),
            port,
            resolver,
            authority,
        })
    }

    /// The address, where the target is none by name.
    pub fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// Whether it is this machine's own by its looks: a name server may say of any name what it likes.
    pub fn is_loopback(&self) -> bool {
        let named = self.host == "localhost" && self.resolver.is_none();
        named || self.literal().is_some_and(|one| one.ip().is_loopback())
    }
}

fn resolver(text: &str, server: &str) -> Result<SocketAddr> {
    let with_port = server.parse().ok();
    let address = with_port.or_else(|| {
        let bare = server.trim_start_matches('[').trim_end_matches(']');
        bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 53))
    });
    address.ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> Error {
    let forms = "expected \"host:port\", \"dns:///name:port\" or \"dns://resolver:port/name:port\"";
    Error::invalid("target", format!("{forms}, not {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, host, loopback) in [
            ("127.0.0.1:8500", "127.0.0.1", true),
            ("localhost:8500", "localhost", true),
            ("dns:///localhost:8500", "localhost", true),
            ("[::1]:8500", "::1", true),
            ("scores.example:8500", "scores.example", false),
            ("dns:///10.0.0.1:8500", "10.0.0.1", false),
            ("dns://127.0.0.1:5353/scores:8500", "scores", false),
            ("dns://10.0.0.1/localhost:8500", "localhost", false),
            ("127.example:8500", "127.example", false),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!((target.host.as_str(), target.port), (host, 8500), "{text}");
            assert_eq!(target.is_loopback(), loopback, "{text}");
        }
        let named = Target::parse("dns://127.0.0.1:5353/scores:8500").unwrap();
        assert_eq!(named.resolver, "127.0.0.1:5353".parse().ok());
        let usual = Target::parse("dns://127.0.0.1/scores:8500").unwrap();
        assert_eq!(usual.resolver, "127.0.0.1:53".parse().ok());
        let sixth = Target::parse("dns://[::1]/scores:8500").unwrap();
        assert_eq!(sixth.resolver, "[::1]:53".parse().ok());
        for text in [
            "",
            "host",
            "host:x",
            ":1",
            "dns://x",
            "dns://name/a:1",
            "u@h:1",
            "http://a:1",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
