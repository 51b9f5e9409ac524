//! The client against scripts: what it makes of replies and errors.

use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use crate::Error;
use crate::details::{BadRequest, ErrorInfo, FieldViolation, Packed, RetryInfo, RpcStatus, Span};
use crate::pb::{self, ChatEnd, ChatRequest, FinishReason, ScoreResponse};
use crate::scripted::{Line, client, framed, good};

fn score() -> ScoreResponse {
    ScoreResponse {
        model: "m".to_owned(),
        scores: vec![0.5],
        ..ScoreResponse::default()
    }
}

fn patient(options: crate::Builder) -> crate::Builder {
    options.timeout(Duration::from_secs(60))
}

fn packed(name: &str, value: Vec<u8>) -> Packed {
    Packed {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value,
    }
}

#[tokio::test]
async fn errors_are_typed() {
    let info = ErrorInfo {
        reason: "INVALID_FIELD".to_owned(),
        domain: "stubtail".to_owned(),
        metadata: [("a".to_owned(), "b".to_owned())].into(),
    };
    let violation = FieldViolation {
        field: "tenure".to_owned(),
        description: "must be a number".to_owned(),
    };
    let request = BadRequest {
        violations: vec![violation],
    };
    let delay = Some(Span {
        seconds: 1,
        nanos: 500_000_000,
    });
    let details = RpcStatus {
        code: 3,
        message: String::new(),
        details: vec![
            packed("SomethingNew", vec![1, 2, 3]),
            packed("ResourceInfo", vec![255, 255]), // damaged
            packed("ErrorInfo", info.encode_to_vec()),
            packed("BadRequest", request.encode_to_vec()),
            packed("RetryInfo", RetryInfo { delay }.encode_to_vec()),
        ],
    };
    let told = Status::with_details(
        Code::InvalidArgument,
        "tenure: must be a number",
        details.encode_to_vec().into(),
    );
    let (client, _) = client(vec![Line::Bad(told)], patient).await;
    let failure = client.score("m", [1.0]).await.unwrap_err();
    assert_eq!(
        (failure.code(), failure.reason()),
        (Code::InvalidArgument, "INVALID_FIELD")
    );
    assert_eq!(failure.metadata()["a"], "b");
    assert_eq!(failure.violations()[0].field, "tenure");
    assert_eq!(failure.retry_after(), Some(Duration::from_millis(1500)));
    assert_eq!(
        failure.to_string(),
        "stubtail: InvalidArgument (INVALID_FIELD): tenure: must be a number"
    );
    let passed_on = Error::from(Status::from(failure));
    assert_eq!(passed_on.violations().len(), 1);
}

#[tokio::test]
async fn details_that_are_no_base64_do_not_panic() {
    let broken = [
        ("grpc-status", "5"),
        ("grpc-message", "gone"),
        ("grpc-status-details-bin", "=?"),
    ];
    let (client, _) = client(vec![Line::Headers(broken.to_vec())], patient).await;
    let failure = client.score("m", [1.0]).await.unwrap_err();
    assert_eq!(
        (failure.code(), failure.message(), failure.reason()),
        (Code::NotFound, "gone", "")
    );
}

#[tokio::test]
async fn replies_that_are_none() {
    let positions = ScoreResponse {
        label_indexes: vec![7],
        classes: vec!["a".to_owned()],
        ..score()
    };
    let no_label = [good(&positions)];
    for (script, code, reason) in [
        (no_label.to_vec(), Code::Internal, "MALFORMED_REPLY"),
        (vec![Line::Http(200)], Code::Internal, "MALFORMED_REPLY"),
        (vec![Line::Http(404)], Code::Unimplemented, ""),
        (vec![Line::Http(431)], Code::Internal, ""),
    ] {
        let (client, seen) = client(script, patient).await;
        let failure = client.score("m", [1.0]).await.unwrap_err();
        assert_eq!(
            (failure.code(), failure.reason()),
            (code, reason),
            "{failure}"
        );
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
    let (client, _) = client(vec![Line::Good(vec![])], patient).await;
    assert!(
        client.forecast(crate::Outlook::default()).await.is_err(),
        "no message"
    );
}

#[tokio::test]
async fn messages_are_bounded() {
    let (client, seen) = client(vec![good(&score())], |options| {
        patient(options).message_bytes_max(1024)
    })
    .await;
    let failure = client.score("m", vec![1.0; 300]).await.unwrap_err();
    assert_eq!(failure.code(), Code::ResourceExhausted);
    assert!(seen.lock().unwrap().is_empty(), "it was sent");
}

#[tokio::test]
async fn an_answer_is_whole_only_with_its_end() {
    use pb::chat_stream_response::Event;
    let event = |event| {
        framed(&pb::ChatStreamResponse {
            event: Some(event),
            ..pb::ChatStreamResponse::default()
        })
    };
    let delta = |text: &str| {
        event(Event::Delta(pb::ChatDelta {
            text: text.to_owned(),
            ..pb::ChatDelta::default()
        }))
    };
    let end = |reason: FinishReason, raw: &str| ChatEnd {
        finish_reason: reason.into(),
        raw_finish_reason: raw.to_owned(),
        ..ChatEnd::default()
    };
    for (end, whole) in [
        (None, false),
        (Some(end(FinishReason::Stop, "stop")), true),
        (Some(end(FinishReason::Unspecified, "new")), true),
        (Some(end(FinishReason::Unspecified, "")), false),
        (Some(end(FinishReason::Stalled, "")), false),
    ] {
        let mut messages = vec![
            delta("one "),
            event(Event::Restart(pb::ChatRestart::default())),
            delta("two"),
        ];
        messages.extend(end.clone().map(|end| event(Event::End(end))));
        let (streaming, _) = client(vec![Line::Good(messages)], patient).await;
        let mut stream = streaming
            .chat_stream(ChatRequest::new("m", Vec::new()))
            .await
            .unwrap();
        let mut failed = false;
        while let Some(piece) = stream.next().await {
            failed |= piece.is_err();
        }
        assert_eq!((failed, stream.text()), (!whole, "two"), "{end:?}");
        let reply = pb::ChatResponse {
            text: "two".to_owned(),
            end,
            ..pb::ChatResponse::default()
        };
        let (asking, _) = client(vec![good(&reply)], patient).await;
        assert_eq!(
            asking.chat(ChatRequest::new("m", Vec::new())).await.is_ok(),
            whole
        );
    }
}
