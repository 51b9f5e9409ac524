//! The messages by name: between protobuf's JSON, bytes, and the types of the crate.

use std::error::Error;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;
use stubtail::pb;
use stubtail::pb::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};

/// What is known of all messages and methods.
pub struct Messages(DescriptorPool);

impl Messages {
    /// Reads the descriptors, which `make stubs` writes.
    pub fn load() -> Result<Self, Box<dyn Error>> {
        let bytes: &[u8] = include_bytes!("descriptors.binpb");
        Ok(Self(DescriptorPool::decode(bytes)?))
    }

    /// The method of `/package.Service/Method`.
    pub fn method(&self, path: &str) -> Result<MethodDescriptor, String> {
        let (service, name) = path
            .trim_start_matches('/')
            .split_once('/')
            .ok_or("no path of a method")?;
        let service = self
            .0
            .get_service_by_name(service)
            .ok_or_else(|| format!("no service {service}"))?;
        let mut methods = service.methods();
        methods
            .find(|method| method.name() == name)
            .ok_or_else(|| format!("no method {path}"))
    }

    /// The message of a name.
    pub fn message(&self, name: &str) -> Result<MessageDescriptor, String> {
        self.0
            .get_message_by_name(name)
            .ok_or_else(|| format!("no message {name}"))
    }
}

/// A message of the crate from protobuf's JSON.
pub fn from_json<M: Message + Default>(
    kind: &MessageDescriptor,
    text: &Value,
) -> Result<M, Box<dyn Error>> {
    let read = DynamicMessage::deserialize(kind.clone(), text)?;
    Ok(M::decode(read.encode_to_vec().as_slice())?)
}

/// Protobuf's JSON of a message of the crate.
pub fn to_json<M: Message>(kind: &MessageDescriptor, message: &M) -> Result<Value, Box<dyn Error>> {
    let read = DynamicMessage::decode(kind.clone(), message.encode_to_vec().as_slice())?;
    Ok(serde_json::to_value(read)?)
}

/// Reads bytes as the type of the crate that has this name; none where they cannot be read.
pub fn decode(kind: &MessageDescriptor, bytes: &[u8]) -> Result<Option<Value>, Box<dyn Error>> {
    fn through<M: Message + Default>(
        kind: &MessageDescriptor,
        bytes: &[u8],
    ) -> Result<Option<Value>, Box<dyn Error>> {
        M::decode(bytes)
            .ok()
            .map(|message| to_json(kind, &message))
            .transpose()
    }
    macro_rules! types {
        ($($name:ident),*) => {
            match kind.name() {
                $(stringify!($name) => through::<pb::$name>(kind, bytes),)*
                "HealthCheckRequest" => through::<HealthCheckRequest>(kind, bytes),
                "HealthCheckResponse" => through::<HealthCheckResponse>(kind, bytes),
                "HealthListRequest" => through::<HealthListRequest>(kind, bytes),
                "HealthListResponse" => through::<HealthListResponse>(kind, bytes),
                other => Err(format!("no message {other}").into()),
            }
        };
    }
    types!(
        ChatRequest,
        ChatResponse,
        ChatStreamResponse,
        DecideRequest,
        DecideResponse,
        DetectRequest,
        DetectResponse,
        EmbedRequest,
        EmbedResponse,
        ForecastRequest,
        ForecastResponse,
        GetModelRequest,
        GetModelResponse,
        GetProviderHealthRequest,
        GetProviderHealthResponse,
        ListModelsRequest,
        ListModelsResponse,
        LlmServiceListModelsRequest,
        LlmServiceListModelsResponse,
        ScoreRequest,
        ScoreResponse,
        WatchRequest,
        WatchResponse
    )
}
