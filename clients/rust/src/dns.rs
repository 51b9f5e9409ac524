//! Asks a name server that a target names, over UDP and, for long answers, TCP (RFC 1035).
//!
//! The resolver of this machine does without it: only `dns://resolver/name` comes here.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const WAIT: Duration = Duration::from_secs(2); // of one question, which may be lost on its way
const TRIES: u32 = 3;
const UDP_BYTES_MAX: usize = 4096;
const A: u16 = 1;
const AAAA: u16 = 28;
const IN: u16 = 1;
const HEADER: usize = 12;

/// The addresses of a name, IPv4 first.
pub(crate) async fn resolve(server: SocketAddr, name: &str) -> io::Result<Vec<IpAddr>> {
    let (four, six) = tokio::join!(ask(server, name, A), ask(server, name, AAAA));
    let mut found = match (four, six) {
        (Err(error), Err(_)) => return Err(error),
        (four, six) => [four.unwrap_or_default(), six.unwrap_or_default()].concat(),
    };
    found.dedup();
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{name} has no address"),
        ));
    }
    Ok(found)
}

async fn ask(server: SocketAddr, name: &str, kind: u16) -> io::Result<Vec<IpAddr>> {
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..TRIES {
        let question = question(name, kind, random())?;
        match timeout(WAIT, over_udp(server, &question, kind)).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => return timeout(WAIT, over_tcp(server, &question, kind)).await?,
            Ok(Err(error)) => last = error,
            Err(_) => {}
        }
    }
    Err(last)
}

/// The answer over UDP; none where it is too long for that.
async fn over_udp(
    server: SocketAddr,
    question: &[u8],
    kind: u16,
) -> io::Result<Option<Vec<IpAddr>>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?; // so that nobody else can answer
    socket.send(question).await?;
    let mut answer = [0; UDP_BYTES_MAX];
    loop {
        let count = socket.recv(&mut answer).await?;
        if let Some(read) = read(&answer[..count], question, kind) {
            return read;
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8], kind: u16) -> io::Result<Vec<IpAddr>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(|_| damaged())?;
    stream
        .write_all(&[&length.to_be_bytes(), question].concat())
        .await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    match read(&answer, question, kind) {
        Some(Ok(Some(found))) => Ok(found),
        Some(Err(error)) => Err(error),
        _ => Err(damaged()),
    }
}

fn question(name: &str, kind: u16, id: u16) -> io::Result<Vec<u8>> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]); // recursion desired, one question
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=63).contains(length));
        bytes.push(length.ok_or_else(|| io::Error::other(format!("{name} is no name")))?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(IN.to_be_bytes());
    Ok(bytes)
}

/// Reads an answer: none where it is one to another question, `Ok(None)` where it is cut off.
fn read(answer: &[u8], question: &[u8], kind: u16) -> Option<io::Result<Option<Vec<IpAddr>>>> {
    let header = answer.get(..HEADER)?;
    let ours = header[..2] == question[..2] && header[2] & 0x80 != 0;
    let asked = answer.get(HEADER..question.len())?;
    if !ours || !asked.eq_ignore_ascii_case(&question[HEADER..]) {
        return None;
    }
    if header[2] & 0x02 != 0 {
        return Some(Ok(None));
    }
    let code = header[3] & 0x0f;
    if code != 0 {
        return Some(Err(io::Error::other(format!(
            "the name server answers with code {code}"
        ))));
    }
    let count = u16::from_be_bytes([header[6], header[7]]);
    let found = records(answer, question.len(), count, kind);
    Some(found.map(Some).ok_or_else(damaged))
}

/// The addresses in the records of an answer, whatever the name: aliases come before them.
fn records(answer: &[u8], mut at: usize, count: u16, kind: u16) -> Option<Vec<IpAddr>> {
    let mut found = Vec::new();
    for _ in 0..count {
        at = after_name(answer, at)?;
        let fixed = answer.get(at..at + 10)?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let data = answer.get(at + 10..at + 10 + length)?;
        at += 10 + length;
        if fixed[..2] != kind.to_be_bytes() || fixed[2..4] != IN.to_be_bytes() {
            continue;
        }
        if let Ok(four) = <[u8; 4]>::try_from(data) {
            found.push(Ipv4Addr::from(four).into());
        } else if let Ok(six) = <[u8; 16]>::try_from(data) {
            found.push(Ipv6Addr::from(six).into());
        }
    }
    Some(found)
}

/// Where a name ends, which may end in a pointer.
fn after_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length if length & 0xc0 == 0 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the answer of the name server is damaged",
    )
}

/// A number that nobody can guess, so that nobody can answer in the place of the server.
fn random() -> u16 {
    let [first, second, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    u16::from_be_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &[u8], records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] |= 0x80;
        bytes[7] = u8::try_from(records.len()).unwrap();
        bytes.extend(records.concat());
        bytes
    }

    #[test]
    fn answers_are_read() {
        let question = question("two.test", A, 7).unwrap();
        let alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 3, 1, b'x', 0];
        let four = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 2];
        let whole = answer(&question, &[&alias, &four]);
        let found = read(&whole, &question, A).unwrap().unwrap().unwrap();
        assert_eq!(found, [IpAddr::from([127, 0, 0, 2])]);
        for end in HEADER..whole.len() {
            let cut = read(&whole[..end], &question, A);
            assert!(!matches!(cut, Some(Ok(Some(_)))), "cut at {end}");
        }
        let mut foreign = whole.clone();
        foreign[1] = 8;
        assert!(read(&foreign, &question, A).is_none());
        let mut long = whole.clone();
        long[2] |= 2;
        assert!(matches!(read(&long, &question, A), Some(Ok(None))));
        let mut unknown = whole;
        unknown[3] |= 3;
        assert!(matches!(read(&unknown, &question, A), Some(Err(_))));
    }

    #[test]
    fn names_that_are_none() {
        assert!(question("a..b", A, 1).is_err());
        assert!(question(&"a".repeat(64), A, 1).is_err());
    }

    #[tokio::test]
    async fn a_name_server_is_asked() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            loop {
                let (count, caller) = server.recv_from(&mut bytes).await.unwrap();
                let kind = bytes[count - 3];
                let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 3];
                let records: &[&[u8]] = if kind == 1 { &[&record] } else { &[] };
                let reply = answer(&bytes[..count], records);
                server.send_to(&reply, caller).await.unwrap();
            }
        });
        let found = resolve(address, "three.test").await.unwrap();
        assert_eq!(found, [IpAddr::from([127, 0, 0, 3])]);
    }
}
