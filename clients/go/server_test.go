package stubtail

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// scripted answers each Score with the next of its functions, and the last one for ever.
type scripted struct {
	pb.UnimplementedScoringServiceServer
	pb.UnimplementedLlmServiceServer

	mu      sync.Mutex
	answers []func(context.Context, *pb.ScoreRequest) (*pb.ScoreResponse, error)
	calls   []metadata.MD
	end     *pb.ChatEnd
}

func (s *scripted) Score(ctx context.Context, request *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	s.mu.Lock()
	md, _ := metadata.FromIncomingContext(ctx)
	s.calls = append(s.calls, md)
	answer := s.answers[min(len(s.calls), len(s.answers))-1]
	s.mu.Unlock()
	return answer(ctx, request)
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func (s *scripted) ChatStream(_ *pb.ChatRequest, stream grpc.ServerStreamingServer[pb.ChatStreamResponse]) error {
	for _, text := range []string{"one ", "two"} {
		delta := &pb.ChatStreamResponse_Delta{Delta: &pb.ChatDelta{Text: text}}
		if err := stream.Send(&pb.ChatStreamResponse{Event: delta}); err != nil {
			return err
		}
	}
	if s.end == nil {
		return nil // without an End: not a whole answer
	}
	return stream.Send(&pb.ChatStreamResponse{Event: &pb.ChatStreamResponse_End{End: s.end}})
}

func (s *scripted) Chat(context.Context, *pb.ChatRequest) (*pb.ChatResponse, error) {
	return &pb.ChatResponse{Text: "one two", End: s.end}, nil
}

func good(_ context.Context, request *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	return &pb.ScoreResponse{Model: request.GetModel(), Version: "1", Scores: []float32{0.5}}, nil
}

// serve answers with a script on a free port of this machine, and gives a client of it.
func serve(t testing.TB, s *scripted, transport credentials.TransportCredentials, options ...Option) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var of []grpc.ServerOption
	if transport != nil {
		of = append(of, grpc.Creds(transport))
	}
	server := grpc.NewServer(of...)
	pb.RegisterScoringServiceServer(server, s)
	pb.RegisterLlmServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := New(listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// connected is a client of the server that `make test-clients` has started.
func connected(t testing.TB, options ...Option) *Client {
	t.Helper()
	address := os.Getenv("STUBTAIL_TEST_SERVER")
	if address == "" {
		t.Skip("STUBTAIL_TEST_SERVER is not set: run `make test-clients`")
	}
	client, err := New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
