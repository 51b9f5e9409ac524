//! What the server has, and whether it serves.

use crate::client::Client;
use crate::error::Result;
use crate::pb;
use crate::pb::health::HealthCheckRequest;
use crate::pb::health::health_check_response::ServingStatus;
use crate::pb::health::health_client::HealthClient;

impl Client {
    /// Lists every version that the server knows, ready or not, by name.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub async fn models(&self) -> Result<Vec<pb::ModelSummary>> {
        Ok(self
            .model_stub()
            .list_models(pb::ListModelsRequest {})
            .await?
            .into_inner()
            .models)
    }

    /// Describes `name` (its live version) or `name@version` with its features, in the order of dense rows.
    ///
    /// # Errors
    ///
    /// There is no such model, or the server cannot be reached.
    pub async fn model(&self, name: &str) -> Result<pb::GetModelResponse> {
        let model = name.to_owned();
        Ok(self
            .model_stub()
            .get_model(pb::GetModelRequest { model })
            .await?
            .into_inner())
    }

    /// Lists what [`Client::chat`] and [`Client::embed`] can be asked for.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub async fn language_models(&self) -> Result<pb::LlmServiceListModelsResponse> {
        Ok(self
            .llm()
            .list_models(pb::LlmServiceListModelsRequest {})
            .await?
            .into_inner())
    }

    /// Whether the server ("") or one of its services or models serves.
    ///
    /// # Errors
    ///
    /// There is no such name, or the server cannot be reached.
    pub async fn serving(&self, name: &str) -> Result<bool> {
        let service = name.to_owned();
        let reply = HealthClient::new(self.clone())
            .check(HealthCheckRequest { service })
            .await?;
        Ok(reply.into_inner().status() == ServingStatus::Serving)
    }
}
