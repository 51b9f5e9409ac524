//! Language models: whole answers, answers as they are written, vectors of texts.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tonic::Streaming;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::pb::chat_stream_response::Event;
use crate::pb::{self, ChatRole, FinishReason};

/// A message of the person who asks.
#[must_use]
pub fn user(text: impl Into<String>) -> pb::ChatMessage {
    message(ChatRole::User, text.into())
}

/// A message of the application.
#[must_use]
pub fn system(text: impl Into<String>) -> pb::ChatMessage {
    message(ChatRole::System, text.into())
}

/// An earlier answer of the model.
#[must_use]
pub fn assistant(text: impl Into<String>) -> pb::ChatMessage {
    message(ChatRole::Assistant, text.into())
}

fn message(role: ChatRole, text: String) -> pb::ChatMessage {
    pb::ChatMessage {
        role: role.into(),
        text,
        ..pb::ChatMessage::default()
    }
}

impl pb::ChatRequest {
    /// Messages to a model or alias; its other fields are those of the protocol.
    #[must_use]
    pub fn new(model: impl Into<String>, messages: Vec<pb::ChatMessage>) -> Self {
        Self {
            model: model.into(),
            messages,
            ..Self::default()
        }
    }
}

impl Client {
    /// Gets a whole answer.
    ///
    /// # Errors
    ///
    /// What the server or the provider refuses, or that the answer is not whole.
    pub async fn chat(&self, request: pb::ChatRequest) -> Result<pb::ChatResponse> {
        let reply = self.llm().chat(request).await?.into_inner();
        if !has_ended(reply.end.as_ref()) {
            return Err(Error::malformed("Chat", "the answer has no end"));
        }
        Ok(reply)
    }

    /// Begins an answer. Dropping the stream cancels the call.
    ///
    /// # Errors
    ///
    /// What the server or the provider refuses before the answer begins.
    pub async fn chat_stream(&self, request: pb::ChatRequest) -> Result<ChatStream> {
        let events = self.llm().chat_stream(request).await?.into_inner();
        Ok(ChatStream {
            events: Some(events),
            text: String::new(),
            start: None,
            end: None,
        })
    }

    /// Turns texts into vectors, in the order of the texts.
    ///
    /// # Errors
    ///
    /// What the server or the provider refuses.
    pub async fn embed<T: Into<String>>(
        &self,
        model: &str,
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Vec<f32>>> {
        let request = pb::EmbedRequest {
            model: model.to_owned(),
            inputs: texts.into_iter().map(Into::into).collect(),
            ..pb::EmbedRequest::default()
        };
        let count = request.inputs.len();
        let reply = self.llm().embed(request).await?.into_inner();
        if reply.embeddings.len() != count {
            let what = format!("{} vectors for {count} texts", reply.embeddings.len());
            return Err(Error::malformed("Embed", what));
        }
        Ok(reply.embeddings.into_iter().map(|one| one.values).collect())
    }
}

/// Whether the provider gave a reason of the end; whatever says that the answer is incomplete comes with an
/// error, and is none.
fn has_ended(end: Option<&pb::ChatEnd>) -> bool {
    end.is_some_and(|end| match end.finish_reason() {
        FinishReason::Stop
        | FinishReason::Length
        | FinishReason::ToolCalls
        | FinishReason::ContentFilter => true,
        FinishReason::Unspecified => !end.raw_finish_reason.is_empty(), // a word that the server does not know
        FinishReason::UpstreamError | FinishReason::Stalled | FinishReason::Deadline => false,
    })
}

/// An answer as it is written: a [`Stream`] of the pieces of its text.
///
/// One that ends without an error is the whole answer, unless the finish reason of its end is unspecified:
/// then the provider gave a reason that nobody knows. Dropping it cancels the call.
#[derive(Debug)]
pub struct ChatStream {
    events: Option<Streaming<pb::ChatStreamResponse>>,
    text: String,
    start: Option<pb::ChatStart>,
    end: Option<pb::ChatEnd>,
}

impl ChatStream {
    /// The next piece of the text; nothing after the end of a whole answer. Whatever else ends it is an error,
    /// and [`ChatStream::text`] is what came. Nothing is lost where the future is dropped, as by `select!`.
    pub async fn next(&mut self) -> Option<Result<String>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The next event, of any kind: reasoning, calls of tools and probabilities come only here.
    pub async fn next_event(&mut self) -> Option<Result<Event>> {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who answers; nothing before they do.
    #[must_use]
    pub fn start(&self) -> Option<&pb::ChatStart> {
        self.start.as_ref()
    }

    /// How the answer ended, with tokens and cost; nothing before it has.
    #[must_use]
    pub fn end(&self) -> Option<&pb::ChatEnd> {
        self.end.as_ref()
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        loop {
            let Some(events) = &mut self.events else {
                return Poll::Ready(None);
            };
            match ready!(Pin::new(events).poll_next(context)) {
                Some(Ok(response)) => {
                    if let Some(event) = response.event {
                        self.note(&event);
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                Some(Err(status)) => {
                    self.events = None;
                    return Poll::Ready(Some(Err(status.into())));
                }
                None => {
                    self.events = None;
                    let whole = has_ended(self.end.as_ref());
                    let broken = || {
                        Err(Error::malformed(
                            "ChatStream",
                            "the answer ended without an end",
                        ))
                    };
                    return Poll::Ready((!whole).then(broken));
                }
            }
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Start(start) => self.start = Some(start.clone()),
            Event::Restart(restart) => {
                self.text.clear(); // what came is void
                self.start.clone_from(&restart.start);
            }
            Event::Delta(delta) => self.text.push_str(&delta.text),
            Event::End(end) => self.end = Some(end.clone()),
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.poll_event(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(Event::Delta(delta))) if !delta.text.is_empty() => {
                    return Poll::Ready(Some(Ok(delta.text)));
                }
                Some(Ok(_)) => {}
            }
        }
    }
}
