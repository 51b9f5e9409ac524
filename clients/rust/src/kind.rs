//! Which calls can be sent again.

/// What goes on between the two sides of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    /// One message there, a stream back.
    Answers,
    /// A stream there: it cannot be sent a second time.
    Stream,
}

impl Kind {
    pub fn of(path: &str) -> Self {
        match path {
            "/stubtail.v1.LlmService/ChatStream" | "/grpc.health.v1.Health/Watch" => Self::Answers,
            "/stubtail.v1.AnomalyService/Watch" => Self::Stream,
            _ if path.starts_with("/stubtail.v1.") || path.starts_with("/grpc.health.v1.") => {
                Self::Unary
            }
            _ => Self::Stream, // of a service that is not ours: passed on as it is
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_stubs() {
        let stubs = [
            include_str!("pb/stubtail.v1.rs"),
            include_str!("pb/grpc.health.v1.rs"),
        ];
        let mut count = 0;
        for call in stubs
            .iter()
            .flat_map(|text| text.split("from_static(").skip(1))
        {
            let path = call.split('"').nth(1).unwrap();
            let made = call.split(['.', '(']).map(str::trim);
            let kind = made.filter_map(|word| match word {
                "unary" => Some(Kind::Unary),
                "server_streaming" => Some(Kind::Answers),
                "client_streaming" | "streaming" => Some(Kind::Stream),
                _ => None,
            });
            assert_eq!(kind.take(1).collect::<Vec<_>>(), [Kind::of(path)], "{path}");
            count += 1;
        }
        assert!(count > 10, "{count} calls");
    }
}
