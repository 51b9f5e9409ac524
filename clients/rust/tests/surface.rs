//! Every method against a real server, which `make test-clients` starts.

use std::time::{Duration, SystemTime};

use stubtail::pb::{DetectSeries, DetectSeriesInput, WatchOptions};
use stubtail::{Client, Code, Outlook, Priority, Question, Row, Rows, Series, Table, Value};

/// A client of the server, with patience for a busy machine.
fn connected() -> Option<Client> {
    let Ok(server) = std::env::var("STUBTAIL_TEST_SERVER") else {
        eprintln!("SKIPPED: STUBTAIL_TEST_SERVER is not set: run `make test-clients`");
        return None;
    };
    let builder = Client::builder(&server)
        .connections(2)
        .timeout(Duration::from_secs(60));
    Some(builder.build().unwrap())
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-5
}

/// What the model `risk` answers: see clients/conformance/models.py.
fn risk(amount: f64, plus: f64) -> f64 {
    1.0 / (1.0 + (-(0.4 * amount - 0.5 + 1.5 * plus)).exp())
}

#[tokio::test]
async fn score_in_every_form() {
    let Some(client) = connected() else { return };
    let table = Table::new()
        .numbers("amount", [1.0, 3.0])
        .strings("plan", ["basic", "plus"]);
    for rows in [Rows::from([1.0, 0.0, 3.0, 1.0]), Rows::from(table)] {
        let scores = client
            .score("risk", rows)
            .coverage(0.9)
            .reasons(1)
            .priority(Priority::High)
            .await
            .unwrap();
        assert!(near(scores.scores[0].into(), risk(1.0, 0.0)), "{scores:?}");
        assert!(near(scores.scores[1].into(), risk(3.0, 1.0)), "{scores:?}");
        assert_eq!(
            (scores.label(0), scores.label(1)),
            (Some("stay"), Some("leave"))
        );
        assert_eq!(
            (scores.level(0), scores.version.as_str()),
            (Some("low"), "1")
        );
        let reasons: Vec<_> = scores.reasons(1).collect();
        assert_eq!((reasons.len(), reasons[0].feature), (1, "plan"));
        assert!(reasons[0].contribution > 0.0);
        assert!(scores.lower[0] <= scores.scores[0] && scores.label(2).is_none());
    }
    let row = Row::new().set("amount", 1).set("plan", "basic");
    let one = client.score("risk@1", row).await.unwrap();
    assert!(near(one.scores[0].into(), risk(1.0, 0.0)), "{one:?}");
    let several = client
        .score_models(&["risk", "shop"], [1.0, 0.0])
        .await
        .unwrap();
    assert!(near(several["shop"].scores[0].into(), 8.0));
    assert_eq!(several["risk"].label(0), Some("stay"));
}

#[tokio::test]
async fn score_of_what_is_wrong() {
    let Some(client) = connected() else { return };
    let row = Row::from([("amonut", 1.into()), ("plan", "basic".into())]);
    let failure = client.score("risk", row).await.unwrap_err();
    assert_eq!(failure.code(), Code::InvalidArgument);
    assert_eq!(failure.violations()[0].field, "named.columns[amonut]");
    let failure = client.score("nothing", [1.0]).await.unwrap_err();
    assert_eq!(
        (failure.reason(), failure.resource()),
        ("MODEL_NOT_FOUND", "nothing")
    );
    let failure = client.score("risk", Row::new()).await.unwrap_err();
    assert_eq!(failure.violations()[0].field, "rows");
}

#[tokio::test]
async fn decide() {
    let Some(client) = connected() else { return };
    let context = Row::from([("price", 2.0.into()), ("plan", "basic".into())]);
    let question = Question::new("shop", context.clone())
        .parameters(Row::from([("cost", 1.into())]))
        .span("price", 1.0, 5.0, 5)
        .one_of("plan", ["basic", "plus"])
        .maximise("score * (price - cost)");
    let decision = client
        .decide(
            question
                .clone()
                .at_least("score", 4.0)
                .between("price", 1.0, 9.0),
        )
        .await
        .unwrap();
    let best = &decision.ranked()[0];
    assert_eq!(best.values.get("price"), Some(&Value::Number(4.0)));
    assert_eq!(
        best.values.get("plan"),
        Some(&Value::Text("plus".to_owned()))
    );
    assert!(
        near(best.predicted, 5.0) && near(best.objective, 15.0) && best.bounds.is_none(),
        "{best:?}"
    );
    let none = question
        .at_least("score", 100.0)
        .max_change("price", 0.5)
        .at_most("price", 9.0);
    let decision = client.decide(none).await.unwrap();
    assert!(!decision.feasible && decision.ranked().is_empty() && decision.nearest.is_some());
    let listed =
        Question::new("shop", context).candidates(Table::new().numbers("price", [1.0, 3.0]));
    let decision = client
        .decide(listed.clone().minimise("score"))
        .await
        .unwrap();
    assert_eq!(
        decision.ranked()[0].values.get("price"),
        Some(&Value::Number(3.0))
    );
    assert!(
        client.decide(listed).await.is_err(),
        "decided without an objective"
    );
}

#[tokio::test]
async fn forecast() {
    let Some(client) = connected() else { return };
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_571_200);
    let values = [1.0, 2.0, 3.0, 4.0].repeat(4);
    let series = |id: &str| Series {
        id: id.to_owned(),
        values: values.clone(),
        start: Some(start),
        ..Series::default()
    };
    let outlook = Outlook {
        model: "seasonal-naive".to_owned(),
        horizon: 4,
        levels: vec![0.1, 0.9],
        frequency: "h".to_owned(),
        seasons: vec![4.0],
        series: vec![series("a"), series("b")],
        ..Outlook::default()
    };
    let forecast = client.forecast(outlook).await.unwrap();
    for (step, want) in values[..4].iter().enumerate() {
        assert!(near(forecast.points(1)[step], *want), "{forecast:?}");
        assert!(
            near(forecast.quantiles(0, 0.9).unwrap()[step], *want),
            "{forecast:?}"
        );
    }
    assert_eq!(forecast.times(1)[0], start + Duration::from_secs(16 * 3600));
    assert!(forecast.quantiles(0, 0.5).is_none() && forecast.points(2).is_empty());
}

#[tokio::test]
async fn detect_and_watch() {
    let Some(client) = connected() else { return };
    let mut values: Vec<f64> = [10.0, 11.0, 12.0].repeat(22);
    values[50] = 1000.0;
    let series = DetectSeries {
        name: "load".to_owned(),
        season_length: 1,
        values,
        ..DetectSeries::default()
    };
    let input = DetectSeriesInput {
        series: vec![series],
        ..DetectSeriesInput::default()
    };
    let found = client
        .detect_series(input)
        .false_alarm_rate(0.001)
        .priority(Priority::Low)
        .await
        .unwrap();
    assert_eq!(found.series[0].anomalies[0].peak, 50, "{found:?}");
    assert!(
        client
            .detect_rows("nothing", [1.0])
            .top_features(2)
            .await
            .is_err()
    );

    let options = WatchOptions {
        warm_up: 8,
        ..WatchOptions::default()
    };
    let mut watcher = client.watch(Some(options), Vec::new()).await.unwrap();
    let points = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 50.0];
    watcher.send(7, ["k"], points).await.unwrap();
    let verdicts = watcher.next().await.unwrap().unwrap();
    assert_eq!(
        (
            verdicts.sequence,
            verdicts.alarms.len(),
            verdicts.alarms[0].index
        ),
        (7, 1, 10)
    );
    let state = watcher.export().await.unwrap();
    assert_eq!(state.len(), 1);
    watcher.finish();
    assert!(watcher.next().await.is_none() && watcher.next().await.is_none());
    assert!(watcher.send(9, ["k"], [1.0]).await.is_err() && watcher.sender().is_err());

    let mut again = client.watch(Some(options), state).await.unwrap();
    let sender = again.sender().unwrap();
    let sent = tokio::spawn(async move { sender.send(8, ["k"], [60.0]).await });
    let verdicts = again.next().await.unwrap().unwrap();
    assert_eq!(verdicts.alarms.len(), 1, "what was learned did not go on");
    sent.await.unwrap().unwrap();

    let wrong = WatchOptions {
        false_alarm_rate: 3.0,
        ..options
    };
    let mut refused = client.watch(Some(wrong), Vec::new()).await.unwrap();
    let failure = refused.next().await.unwrap().unwrap_err();
    assert_eq!(failure.violations()[0].field, "options.false_alarm_rate");
    let told = refused.send(1, ["k"], [1.0]).await.unwrap_err();
    assert_eq!(told.code(), Code::InvalidArgument, "{told}");
}

#[tokio::test]
async fn language_models() {
    use stubtail::pb::ChatRequest;
    const SAID: &str = "Grüße aus 東京 🦀.";
    let Some(client) = connected() else { return };
    let talk = vec![
        stubtail::system("Be brief."),
        stubtail::user("Hi"),
        stubtail::assistant("Yes?"),
        stubtail::user("Go on"),
    ];
    let request = ChatRequest::new("fast", talk);
    let answer = client.chat(request.clone()).await.unwrap();
    assert_eq!(answer.text, SAID);
    assert_eq!(
        answer.end.unwrap().usage.unwrap().cost_nano_usd,
        Some(15000)
    );
    let mut stream = client.chat_stream(request.clone()).await.unwrap();
    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        text += &piece.unwrap();
    }
    assert_eq!((text.as_str(), stream.text()), (SAID, SAID));
    assert_eq!(stream.start().unwrap().provider, "said");
    assert!(stream.end().is_some() && stream.next_event().await.is_none());

    let breaking = ChatRequest {
        model: "said/breaking".to_owned(),
        ..request
    };
    let mut stream = client.chat_stream(breaking).await.unwrap();
    let failure = loop {
        match stream.next().await.expect("an error") {
            Ok(_) => {}
            Err(failure) => break failure,
        }
    };
    assert_eq!(
        (failure.reason(), stream.text()),
        ("ANSWER_INTERRUPTED", "Grüße aus ")
    );
    assert!(stream.next().await.is_none());

    let vectors = client.embed("fast", ["ab", "жжж"]).await.unwrap();
    assert_eq!((vectors.len(), vectors[1][0]), (2, 3.0));
    assert_eq!(client.language_models().await.unwrap().models.len(), 3);
}

#[tokio::test]
async fn models_and_health() {
    let Some(client) = connected() else { return };
    assert!(client.models().await.unwrap().len() >= 6);
    assert_eq!(client.model("risk").await.unwrap().features[1].name, "plan");
    assert!(client.serving("").await.unwrap());
    assert!(!client.serving("off").await.unwrap());
    assert_eq!(
        client.serving("nobody").await.unwrap_err().code(),
        Code::NotFound
    );
}
