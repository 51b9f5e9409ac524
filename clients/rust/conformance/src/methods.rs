//! Each method through the client, by the generated stub of its service.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use prost::Message;
use prost_reflect::MethodDescriptor;
use serde_json::Value;
use stubtail::Client;
use stubtail::pb::{self, health};
use tokio::time::sleep;
use tonic::Request;

use crate::call::{Call, Failed, Replies};
use crate::messages;

/// A stream of requests that are all there.
struct Ready<M>(std::vec::IntoIter<M>);

impl<M: Unpin> futures_core::Stream for Ready<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<M>> {
        Poll::Ready(self.0.next())
    }
}

/// A stub that leaves the bound on messages to the client.
macro_rules! stub {
    ($client:expr, $($path:ident)::+) => {
        $($path)::+::new($client).max_decoding_message_size(usize::MAX)
    };
}

macro_rules! unary {
    ($stub:expr, $method:ident, $call:expr, $replies:expr) => {{
        let request = Request::new(message($replies.method, &$call.request)?);
        let reply = $stub.$method(request).await?;
        $replies.take(reply.get_ref()).map(|_| ())
    }};
}

macro_rules! stream {
    ($stub:expr, $method:ident, $request:expr, $call:expr, $replies:expr) => {{
        let mut stream = $stub.$method($request).await?.into_inner();
        while let Some(reply) = stream.message().await? {
            if $replies.take(&reply)? == $call.read {
                sleep(Duration::from_millis($call.pause_ms)).await;
                break;
            }
        }
        Ok(())
    }};
}

/// Makes a call. An error that is no status is one of the runner.
pub async fn make(call: &Call, client: Client, replies: &Replies<'_>) -> Result<(), Failed> {
    match replies.method.parent_service().name() {
        "LlmService" => llm(call, client, replies).await,
        "AnomalyService" => anomaly(call, client, replies).await,
        "Health" => health(call, client, replies).await,
        _ => other(call, client, replies).await,
    }
}

async fn llm(call: &Call, client: Client, replies: &Replies<'_>) -> Result<(), Failed> {
    let mut stub = stub!(client, pb::llm_service_client::LlmServiceClient);
    match replies.method.name() {
        "Chat" => unary!(stub, chat, call, replies),
        "ChatStream" => {
            let request: pb::ChatRequest = message(replies.method, &call.request)?;
            stream!(stub, chat_stream, request, call, replies)
        }
        "Embed" => unary!(stub, embed, call, replies),
        "ListModels" => unary!(stub, list_models, call, replies),
        "GetProviderHealth" => unary!(stub, get_provider_health, call, replies),
        name => unknown(name),
    }
}

async fn anomaly(call: &Call, client: Client, replies: &Replies<'_>) -> Result<(), Failed> {
    let mut stub = stub!(client, pb::anomaly_service_client::AnomalyServiceClient);
    match replies.method.name() {
        "Detect" => unary!(stub, detect, call, replies),
        "Watch" => {
            let requests = call
                .requests
                .iter()
                .map(|text| message(replies.method, text));
            let requests: Vec<pb::WatchRequest> = requests.collect::<Result<_, Failed>>()?;
            stream!(stub, watch, Ready(requests.into_iter()), call, replies)
        }
        name => unknown(name),
    }
}

async fn health(call: &Call, client: Client, replies: &Replies<'_>) -> Result<(), Failed> {
    let mut stub = stub!(client, health::health_client::HealthClient);
    match replies.method.name() {
        "Check" => unary!(stub, check, call, replies),
        "List" => unary!(stub, list, call, replies),
        "Watch" => {
            let request: health::HealthCheckRequest = message(replies.method, &call.request)?;
            stream!(stub, watch, request, call, replies)
        }
        name => unknown(name),
    }
}

async fn other(call: &Call, client: Client, replies: &Replies<'_>) -> Result<(), Failed> {
    match replies.method.name() {
        "Score" => {
            let mut stub = stub!(client, pb::scoring_service_client::ScoringServiceClient);
            let mut request: pb::ScoreRequest = message(replies.method, &call.request)?;
            if call.dense_values > 0 {
                let values = vec![0.5; call.dense_values];
                request.rows = Some(pb::score_request::Rows::Dense(pb::DenseRows { values }));
            }
            let reply = stub.score(request).await?;
            replies.take(reply.get_ref()).map(|_| ())
        }
        "Decide" => {
            let mut stub = stub!(client, pb::decision_service_client::DecisionServiceClient);
            unary!(stub, decide, call, replies)
        }
        "Forecast" => {
            let mut stub = stub!(
                client,
                pb::forecasting_service_client::ForecastingServiceClient
            );
            unary!(stub, forecast, call, replies)
        }
        "ListModels" => {
            let mut stub = stub!(client, pb::model_service_client::ModelServiceClient);
            unary!(stub, list_models, call, replies)
        }
        "GetModel" => {
            let mut stub = stub!(client, pb::model_service_client::ModelServiceClient);
            unary!(stub, get_model, call, replies)
        }
        name => unknown(name),
    }
}

fn unknown(name: &str) -> Result<(), Failed> {
    Err(format!("the runner does not know {name}").into())
}

fn message<M: Message + Default>(method: &MethodDescriptor, text: &Value) -> Result<M, Failed> {
    if text.is_null() {
        return Ok(M::default());
    }
    messages::from_json(&method.input(), text)
}
