//! The time that a call has: `grpc-timeout`, read and written.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

pub(crate) const HEADER: &str = "grpc-timeout";
const DIGITS_MAX: u128 = 99_999_999; // eight of them, by gRPC's protocol

/// The time in a header; nothing where there is none, or none that can be read.
pub(crate) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "n" => Duration::from_nanos(count),
        "u" => Duration::from_micros(count),
        "m" => Duration::from_millis(count),
        "S" => Duration::from_secs(count),
        "M" => Duration::from_secs(count.checked_mul(60)?),
        "H" => Duration::from_secs(count.checked_mul(3600)?),
        _ => return None,
    })
}

/// A time as a header, rounded down where eight digits are not enough.
pub(crate) fn write(left: Duration) -> HeaderValue {
    let text = match (left.as_micros().max(1), left.as_millis()) {
        (us, _) if us <= DIGITS_MAX => format!("{us}u"),
        (_, ms) if ms <= DIGITS_MAX => format!("{ms}m"),
        _ => format!("{}S", u128::from(left.as_secs()).min(DIGITS_MAX)),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("1u"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_headers() {
        for (left, text) in [
            (Duration::ZERO, "1u"),
            (Duration::from_millis(300), "300000u"),
            (Duration::from_secs(1000), "1000000m"),
            (Duration::from_secs(86_400 * 365), "31536000S"),
            (Duration::MAX, "99999999S"),
        ] {
            let value = write(left);
            assert_eq!(value, text);
            let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), value)]);
            let again = read(&headers).unwrap();
            assert!(again <= left.max(Duration::from_micros(1)));
        }
        for text in ["", "u", "1", "1x", "-1S", "é"] {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(
                read(&HeaderMap::from_iter([(HEADER.parse().unwrap(), value)])),
                None
            );
        }
    }
}
