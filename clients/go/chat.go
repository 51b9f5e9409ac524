package stubtail

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// User is a message of the person who asks.
func User(text string) *pb.ChatMessage {
	return &pb.ChatMessage{Role: pb.ChatRole_CHAT_ROLE_USER, Text: text}
}

// System is a message of the application.
func System(text string) *pb.ChatMessage {
	return &pb.ChatMessage{Role: pb.ChatRole_CHAT_ROLE_SYSTEM, Text: text}
}

// Assistant is an earlier answer of the model.
func Assistant(text string) *pb.ChatMessage {
	return &pb.ChatMessage{Role: pb.ChatRole_CHAT_ROLE_ASSISTANT, Text: text}
}

// Chat gets a whole answer. For one question: &pb.ChatRequest{Model: "fast", Messages:
// []*pb.ChatMessage{stubtail.User("Why is the sky blue?")}}.
func (c *Client) Chat(ctx context.Context, request *pb.ChatRequest) (*pb.ChatResponse, error) {
	reply, err := c.llm.Chat(ctx, request)
	if err != nil {
		return nil, err
	}
	if !hasEnded(reply.End) {
		return nil, malformed("Chat", "the answer has no end")
	}
	return reply, nil
}

// hasEnded tells whether the provider gave a reason of the end; whatever says that the answer is incomplete
// comes with an error, and is none.
func hasEnded(end *pb.ChatEnd) bool {
	switch end.GetFinishReason() {
	case pb.FinishReason_FINISH_REASON_STOP, pb.FinishReason_FINISH_REASON_LENGTH,
		pb.FinishReason_FINISH_REASON_TOOL_CALLS, pb.FinishReason_FINISH_REASON_CONTENT_FILTER:
		return true
	case pb.FinishReason_FINISH_REASON_UNSPECIFIED: // a word that the server does not know
		return end.GetRawFinishReason() != ""
	default:
		return false
	}
}

// ChatStream is an answer as it is written.
type ChatStream struct {
	stream grpc.ServerStreamingClient[pb.ChatStreamResponse]
	cancel context.CancelFunc
	text   strings.Builder
	start  *pb.ChatStart
	end    *pb.ChatEnd
}

// ChatStream begins an answer. Close it, or read it to its end.
func (c *Client) ChatStream(ctx context.Context, request *pb.ChatRequest) (*ChatStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.llm.ChatStream(ctx, request)
	if err != nil {
		cancel()
		return nil, err
	}
	return &ChatStream{stream: stream, cancel: cancel}, nil
}

// Recv is the next event; io.EOF after the end of a complete answer. Whatever else ends an answer is an
// error, and Text is what came of it.
func (s *ChatStream) Recv() (*pb.ChatStreamResponse, error) {
	event, err := s.stream.Recv()
	if err != nil {
		s.cancel()
		if errors.Is(err, io.EOF) && !hasEnded(s.end) {
			return nil, &Error{Code: codes.Internal, Reason: ReasonMalformedReply, Message: "the answer ended without an end"}
		}
		return nil, err
	}
	switch {
	case event.GetStart() != nil:
		s.start = event.GetStart()
	case event.GetRestart() != nil: // what came is void
		s.text.Reset()
		s.start = event.GetRestart().GetStart()
	case event.GetDelta() != nil:
		s.text.WriteString(event.GetDelta().GetText())
	case event.GetEnd() != nil:
		s.end = event.GetEnd()
	}
	return event, nil
}

// Texts are the pieces of the text, for `for piece, err := range stream.Texts()`. A loop that ends without
// an error has seen the whole answer, unless FinishReason of End is unspecified: then the provider gave a
// reason that nobody knows. One that is left early cancels the call.
func (s *ChatStream) Texts() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		defer s.cancel()
		for {
			event, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			if text := event.GetDelta().GetText(); text != "" && !yield(text, nil) {
				return
			}
		}
	}
}

// Text is the text so far.
func (s *ChatStream) Text() string { return s.text.String() }

// Start says who answers; nil before they do.
func (s *ChatStream) Start() *pb.ChatStart { return s.start }

// End says how the answer ended, with tokens and cost; nil before it has.
func (s *ChatStream) End() *pb.ChatEnd { return s.end }

// Close cancels the call, unless it has ended.
func (s *ChatStream) Close() { s.cancel() }

// Embed turns texts into vectors, in the order of the texts.
func (c *Client) Embed(ctx context.Context, model string, texts ...string) ([][]float32, error) {
	reply, err := c.llm.Embed(ctx, &pb.EmbedRequest{Model: model, Inputs: texts})
	if err != nil {
		return nil, err
	}
	if len(reply.Embeddings) != len(texts) {
		return nil, malformed("Embed", "%d vectors for %d texts", len(reply.Embeddings), len(texts))
	}
	vectors := make([][]float32, len(texts))
	for i, one := range reply.Embeddings {
		vectors[i] = one.Values
	}
	return vectors, nil
}
