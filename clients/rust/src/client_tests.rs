//! The client against scripts: retries, deadlines, hedges, traces.

use std::net::TcpListener;
use std::time::Duration;

use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::pb::{Priority, ScoreRequest, ScoreResponse};
use crate::scripted::{Line, client, good};
use crate::{Client, Question, Row};

fn score() -> ScoreResponse {
    ScoreResponse {
        model: "m".to_owned(),
        scores: vec![0.5],
        ..ScoreResponse::default()
    }
}

fn bad(code: Code) -> Line {
    Line::Bad(Status::new(code, "scripted"))
}

fn patient(options: crate::Builder) -> crate::Builder {
    options.timeout(Duration::from_secs(60))
}

#[tokio::test]
async fn lost_connections_are_retried() {
    let script = vec![
        Line::Lost,
        Line::Http(503),
        Line::Headers(vec![]),
        good(&score()),
    ];
    let (client, seen) = client(script, patient).await;
    let failure = client.score("m", [1.0]).await.unwrap_err(); // the third attempt ends without a status
    assert_eq!(failure.code(), Code::Cancelled);
    assert_eq!(seen.lock().unwrap().len(), 3);
    assert!(client.score("m", [1.0]).await.is_ok());
}

#[tokio::test]
async fn a_deadline_is_kept() {
    let (client, seen) = client(vec![Line::Hang], patient).await;
    let failure = client
        .within(Duration::from_millis(50))
        .score("m", [1.0])
        .await
        .unwrap_err();
    assert_eq!(failure.code(), Code::DeadlineExceeded, "{failure}");
    let sent = crate::deadline::read(&seen.lock().unwrap()[0].0).unwrap();
    assert!(sent <= Duration::from_millis(50), "{sent:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let of = || Client::builder(&address);
    for builder in [
        of().timeout(Duration::from_millis(300)),
        of().fail_fast().timeout(Duration::from_secs(60)),
    ] {
        let failure = builder
            .build()
            .unwrap()
            .score("m", [1.0])
            .await
            .unwrap_err();
        assert_eq!(
            (failure.code(), failure.reason()),
            (Code::Unavailable, "CONNECTION_FAILED")
        );
        assert!(failure.message().contains(&address), "{failure}");
    }
}

#[tokio::test]
async fn a_name_that_is_none() {
    let client = Client::builder("stubtail.invalid:1")
        .timeout(Duration::from_secs(60))
        .fail_fast()
        .build()
        .unwrap();
    let failure = client.score("m", [1.0]).await.unwrap_err();
    assert_eq!(failure.reason(), "CONNECTION_FAILED", "{failure}");
}

#[tokio::test]
async fn the_call_that_is_served_passes_its_trace_and_deadline_on() {
    let (client, seen) = client(vec![good(&score())], patient).await;
    let mut incoming = MetadataMap::new();
    for (key, value) in [
        ("traceparent", "00-a"),
        ("tracestate", "a=b"),
        ("grpc-timeout", "5S"),
        ("secret", "x"),
    ] {
        incoming.insert(key, value.parse().unwrap());
    }
    client
        .on_behalf_of(&incoming)
        .score("m", [1.0])
        .await
        .unwrap();
    client
        .on_behalf_of(&incoming)
        .with_trace("00-own", "")
        .unwrap()
        .score("m", [1.0])
        .await
        .unwrap();
    client.score("m", [1.0]).await.unwrap();
    assert!(client.with_trace("a\nb", "").is_err());
    let seen = seen.lock().unwrap();
    let first = &seen[0].0;
    assert_eq!(
        (&first["traceparent"], &first["tracestate"]),
        (&"00-a".parse().unwrap(), &"a=b".parse().unwrap())
    );
    assert!(first.get("secret").is_none());
    assert!(crate::deadline::read(first).unwrap() <= Duration::from_secs(5));
    assert_eq!(seen[1].0["traceparent"], "00-own");
    assert!(seen[1].0.get("tracestate").is_none() && seen[2].0.get("traceparent").is_none());
    assert!(crate::deadline::read(&seen[2].0).unwrap() > Duration::from_secs(5));
}

#[tokio::test]
async fn what_is_asked_is_sent() {
    let (client, seen) = client(vec![good(&score())], |options| {
        patient(options).metadata("x-a", "b")
    })
    .await;
    client
        .score("m@1", [1.0])
        .priority(Priority::Critical)
        .coverage(0.9)
        .reasons(3)
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    let sent = ScoreRequest::decode(&seen[0].1[5..]).unwrap();
    assert_eq!(
        (sent.model.as_str(), sent.priority(), sent.coverage),
        ("m@1", Priority::Critical, 0.9)
    );
    assert_eq!(sent.explain.unwrap().top, 3);
    assert_eq!(seen[0].0["x-a"], "b");
    assert!(
        seen[0].0["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("stubtail-rust/")
    );
}

#[tokio::test]
async fn hedging_takes_the_first_good_answer() {
    let after = |options: crate::Builder| {
        patient(options)
            .connections(2)
            .hedge_after(Duration::from_millis(30))
    };
    let (client, seen) = client(vec![Line::Hang, good(&score())], after).await;
    assert_eq!(client.score("m", [1.0]).await.unwrap().scores, [0.5]);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_definite_refusal_ends_a_hedged_call() {
    let after = |options: crate::Builder| patient(options).hedge_after(Duration::from_millis(30));
    let (client, seen) = client(vec![Line::Hang, bad(Code::NotFound)], after).await;
    let failure = client.score("m", [1.0]).await.unwrap_err();
    assert_eq!(
        (failure.code(), seen.lock().unwrap().len()),
        (Code::NotFound, 2)
    );
}

#[tokio::test]
async fn hedging_tells_the_failure() {
    let after = |options: crate::Builder| patient(options).hedge_after(Duration::from_secs(50));
    let (client, seen) = client(vec![bad(Code::Internal)], after).await;
    assert_eq!(
        client.score("m", [1.0]).await.unwrap_err().code(),
        Code::Internal
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_without_an_objective() {
    let (client, _) = client(vec![bad(Code::Internal)], patient).await;
    let failure = client
        .decide(Question::new("m", Row::new()))
        .await
        .unwrap_err();
    assert_eq!(failure.violations()[0].field, "objective");
}
