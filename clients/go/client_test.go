package stubtail

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

type answer = func(context.Context, *pb.ScoreRequest) (*pb.ScoreResponse, error)

func failing(code codes.Code) answer {
	return func(context.Context, *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		return nil, status.Error(code, "scripted")
	}
}

func hanging(ctx context.Context, _ *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func TestErrorsAreTyped(t *testing.T) {
	told, err := status.New(codes.InvalidArgument, "tenure: must be a number").WithDetails(
		&errdetails.ErrorInfo{Reason: "INVALID_FIELD", Domain: "stubtail", Metadata: map[string]string{"a": "b"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "tenure", Description: "must be a number"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
	)
	if err != nil {
		t.Fatal(err)
	}
	client := serve(t, &scripted{answers: []answer{func(context.Context, *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		return nil, told.Err()
	}}}, nil)
	_, err = client.Score(context.Background(), "m", Dense{1})
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v is no *Error", err)
	}
	if failure.Code != codes.InvalidArgument || failure.Reason != "INVALID_FIELD" || failure.Metadata["a"] != "b" {
		t.Errorf("%+v", failure)
	}
	if len(failure.Violations) != 1 || failure.Violations[0] != (FieldViolation{"tenure", "must be a number"}) {
		t.Errorf("violations %v", failure.Violations)
	}
	if failure.RetryAfter != 1500*time.Millisecond {
		t.Errorf("retry after %v", failure.RetryAfter)
	}
	if passed := status.Convert(err); passed.Code() != codes.InvalidArgument || len(passed.Details()) != 3 {
		t.Errorf("a server that passes it on would say %v", passed)
	}
}

func TestErrorsOfContexts(t *testing.T) {
	client := serve(t, &scripted{answers: []answer{hanging}}, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Score(ctx, "m", Dense{1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no context.DeadlineExceeded", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := client.Score(ctx, "m", Dense{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is no context.Canceled", err)
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	for name, options := range map[string][]Option{
		"waits until the deadline": {WithTimeout(300 * time.Millisecond)},
		"fails fast":               {WithFailFast()},
	} {
		client, err := New(address, options...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Score(context.Background(), "m", Dense{1})
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != codes.Unavailable || failure.Reason != ReasonConnectionFailed {
			t.Errorf("%s: %v", name, err)
		}
		_ = client.Close()
	}
}

func TestAClosedClientIsNotRetried(t *testing.T) {
	client := serve(t, &scripted{answers: []answer{good}}, nil)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client.Score(context.Background(), "m", Dense{1})
	if status.Code(err) != codes.Canceled || client.retries.thousandths.Load() != client.retries.most {
		// A retry would have taken a token of the budget.
		t.Errorf("%v, %d tokens", err, client.retries.thousandths.Load())
	}
}

func TestTraceOfTheCallBeingServedGoesOn(t *testing.T) {
	s := &scripted{answers: []answer{good}}
	client := serve(t, s, nil)
	const served = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	incoming := metadata.NewIncomingContext(context.Background(), metadata.Pairs("traceparent", served, "tracestate", "a=b", "secret", "x"))
	own := WithTrace(incoming, "00-own", "")
	for _, ctx := range []context.Context{incoming, own} {
		if _, err := client.Score(ctx, "m", Dense{1}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.calls[0]; got.Get("traceparent")[0] != served || got.Get("tracestate")[0] != "a=b" || got.Get("secret") != nil {
		t.Errorf("passed on %v", got)
	}
	if got := s.calls[1].Get("traceparent"); len(got) != 1 || got[0] != "00-own" {
		t.Errorf("the caller's own trace became %v", got)
	}
}

func TestPriorityAndOptions(t *testing.T) {
	var got *pb.ScoreRequest
	client := serve(t, &scripted{answers: []answer{func(ctx context.Context, r *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		got = r
		return good(ctx, r)
	}}}, nil)
	if _, err := client.Score(context.Background(), "m@1", Dense{1}, WithPriority(Critical), WithCoverage(0.9), WithReasons(3)); err != nil {
		t.Fatal(err)
	}
	if got.Model != "m@1" || got.Priority != Critical || got.Coverage != 0.9 || got.Explain.GetTop() != 3 {
		t.Errorf("sent %v", got)
	}
}

func TestHedgingTakesTheFirstGoodAnswer(t *testing.T) {
	s := &scripted{answers: []answer{hanging, good}}
	client := serve(t, s, nil, WithHedging(30*time.Millisecond), WithConnections(2))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	scores, err := client.Score(ctx, "m", Dense{1})
	if err != nil || scores.Scores[0] != 0.5 || s.count() != 2 {
		t.Errorf("%v %v after %d attempts", scores, err, s.count())
	}
}

// afterTheOther answers as soon as a second call has come.
func afterTheOther(s *scripted, then answer) answer {
	return func(ctx context.Context, request *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		for s.count() < 2 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		return then(ctx, request)
	}
}

func TestADefiniteRefusalEndsAHedgedCall(t *testing.T) {
	first, second := &scripted{}, &scripted{answers: []answer{hanging, failing(codes.InvalidArgument)}}
	first.answers = []answer{afterTheOther(first, failing(codes.InvalidArgument)), hanging}
	for _, s := range []*scripted{first, second} {
		client := serve(t, s, nil, WithHedging(30*time.Millisecond), WithTimeout(time.Minute))
		_, err := client.Score(context.Background(), "m", Dense{1})
		if status.Code(err) != codes.InvalidArgument || s.count() != 2 {
			t.Errorf("%v after %d attempts", err, s.count())
		}
	}
}

func TestAHedgedCallOutlivesTheFailureOfOneServer(t *testing.T) {
	later := func(ctx context.Context, request *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		time.Sleep(50 * time.Millisecond) // the failure of the other comes first
		return good(ctx, request)
	}
	s := &scripted{}
	s.answers = []answer{afterTheOther(s, failing(codes.Internal)), later}
	client := serve(t, s, nil, WithHedging(30*time.Millisecond), WithTimeout(time.Minute))
	if scores, err := client.Score(context.Background(), "m", Dense{1}); err != nil || scores.Scores[0] != 0.5 {
		t.Errorf("%v after %d attempts", err, s.count())
	}
}

func TestHedgingTellsTheLastFailure(t *testing.T) {
	s := &scripted{answers: []answer{failing(codes.Internal)}}
	client := serve(t, s, nil, WithHedging(time.Minute))
	if _, err := client.Score(context.Background(), "m", Dense{1}); status.Code(err) != codes.Internal || s.count() != 1 {
		t.Errorf("%v after %d attempts", err, s.count())
	}
}

func TestForeignRepliesAreErrors(t *testing.T) {
	client := serve(t, &scripted{answers: []answer{func(context.Context, *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		return &pb.ScoreResponse{LabelIndexes: []uint32{7}, Classes: []string{"a"}}, nil
	}}}, nil)
	_, err := client.Score(context.Background(), "m", Dense{1})
	var failure *Error
	if !errors.As(err, &failure) || failure.Reason != ReasonMalformedReply {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerWithoutAnEndIsNone(t *testing.T) {
	client := serve(t, &scripted{}, nil)
	stream, err := client.ChatStream(context.Background(), &pb.ChatRequest{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range stream.Texts() {
		last = err
	}
	var failure *Error
	if !errors.As(last, &failure) || failure.Reason != ReasonMalformedReply || stream.Text() != "one two" {
		t.Errorf("%v after %q", last, stream.Text())
	}
}

func TestWhichEndsAreOnes(t *testing.T) {
	for _, one := range []struct {
		end  *pb.ChatEnd
		good bool
	}{
		{nil, false},
		{&pb.ChatEnd{}, false},
		{&pb.ChatEnd{FinishReason: pb.FinishReason_FINISH_REASON_STALLED}, false},
		{&pb.ChatEnd{FinishReason: pb.FinishReason_FINISH_REASON_STOP}, true},
		{&pb.ChatEnd{RawFinishReason: "max_time"}, true},
	} {
		client := serve(t, &scripted{end: one.end}, nil)
		_, whole := client.Chat(context.Background(), &pb.ChatRequest{Model: "m"})
		stream, err := client.ChatStream(context.Background(), &pb.ChatRequest{Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range stream.Texts() {
			last = err
		}
		if (whole == nil) != one.good || (last == nil) != one.good {
			t.Errorf("%v: %v, %v", one.end, whole, last)
		}
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	client := serve(t, &scripted{answers: []answer{good}}, nil)
	for name, rows := range map[string]Rows{"nothing": nil, "an empty row": Row{}, "a slice": Row{"a": []int{1}}} {
		_, err := client.Score(context.Background(), "m", rows)
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != codes.InvalidArgument || len(failure.Violations) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, option := range map[string]Option{
		"no time": WithTimeout(0), "two days": WithTimeout(48 * time.Hour), "no connections": WithConnections(0),
		"every call twice": WithHedging(0), "no bytes": WithMessageBytesMax(0), "half a pair": WithMetadata("a"),
	} {
		if _, err := New("127.0.0.1:1", option); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
