package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health/grpc_health_v1" // its messages, found by name
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	stubtail "github.com/stubtail/stubtail/clients/go"
	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

type call struct {
	Method        string            `json:"method"`
	Request       json.RawMessage   `json:"request"`
	Requests      []json.RawMessage `json:"requests"`
	DenseValues   int               `json:"dense_values"`
	TimeoutMS     int64             `json:"timeout_ms"`
	CancelAfterMS int64             `json:"cancel_after_ms"`
	WaitMS        int64             `json:"wait_ms"`
	PauseMS       int64             `json:"pause_ms"`
	Concurrent    int               `json:"concurrent"`
	Repeat        int               `json:"repeat"`
	Read          int               `json:"read"`
	SizeOnly      bool              `json:"size_only"`
	Trace         string            `json:"trace"`
	Decode        string            `json:"decode"`
	Bytes         string            `json:"bytes"`
}

// seen is what the client reports of one call, or of many equal ones.
type seen struct {
	Status       string            `json:"status,omitempty"`
	Reason       string            `json:"reason"`
	Message      string            `json:"message,omitempty"`
	Violations   []violation       `json:"violations,omitempty"`
	RetryAfterMS float64           `json:"retry_after_ms"`
	Resource     string            `json:"resource"`
	ElapsedMS    float64           `json:"elapsed_ms"`
	Count        int               `json:"count"`
	ReplyBytes   int               `json:"reply_bytes,omitempty"`
	Replies      []json.RawMessage `json:"replies,omitempty"`
	Statuses     map[string]int    `json:"statuses,omitempty"`
}

type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// many makes a call once, many times, or many times at once.
func (c call) many(client *stubtail.Client) (seen, error) {
	if c.Concurrent == 0 && c.Repeat == 0 {
		return c.once(client)
	}
	total := seen{Statuses: map[string]int{}}
	var group sync.WaitGroup
	var lock sync.Mutex
	var failed error
	one := func() {
		report, err := c.once(client)
		lock.Lock()
		defer lock.Unlock()
		total.Statuses[report.Status]++
		failed = errors.Join(failed, err)
	}
	for range c.Concurrent {
		group.Go(one)
	}
	group.Wait()
	for range c.Repeat {
		one()
		time.Sleep(ms(c.PauseMS))
	}
	return total, failed
}

// once makes a call and reports it. An error is one of the runner, not of the call.
func (c call) once(client *stubtail.Client) (seen, error) {
	if c.Decode != "" {
		return c.decode()
	}
	method, err := find(c.Method)
	if err != nil {
		return seen{}, err
	}
	requests, err := c.requests(method)
	if err != nil {
		return seen{}, err
	}
	time.Sleep(ms(c.WaitMS))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.Trace != "" {
		ctx = stubtail.WithTrace(ctx, c.Trace, "")
	}
	if c.TimeoutMS > 0 {
		ctx, cancel = context.WithTimeout(ctx, ms(c.TimeoutMS))
		defer cancel()
	}
	if c.CancelAfterMS > 0 {
		defer time.AfterFunc(ms(c.CancelAfterMS), cancel).Stop()
	}
	start := time.Now()
	replies, err := c.replies(ctx, client, method, requests)
	report := told(err)
	report.ElapsedMS = float64(time.Since(start).Microseconds()) / 1000
	report.Count = len(replies)
	for _, reply := range replies {
		if c.SizeOnly {
			report.ReplyBytes += proto.Size(reply)
			continue
		}
		text, err := protojson.Marshal(reply)
		if err != nil {
			return seen{}, err
		}
		report.Replies = append(report.Replies, text)
	}
	return report, nil
}

func (c call) requests(method protoreflect.MethodDescriptor) ([]proto.Message, error) {
	texts := c.Requests
	if !method.IsStreamingClient() {
		texts = []json.RawMessage{c.Request}
	}
	var requests []proto.Message
	for _, text := range texts {
		request, err := message(method.Input().FullName())
		if err != nil {
			return nil, err
		}
		if len(text) > 0 {
			if err := protojson.Unmarshal(text, request); err != nil {
				return nil, err
			}
		}
		if score, ok := request.(*pb.ScoreRequest); ok && c.DenseValues > 0 {
			values := make([]float32, c.DenseValues)
			for i := range values {
				values[i] = 0.5
			}
			score.Rows = &pb.ScoreRequest_Dense{Dense: &pb.DenseRows{Values: values}}
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// replies makes the call through the client, as the stub of its service would.
func (c call) replies(ctx context.Context, client *stubtail.Client, method protoreflect.MethodDescriptor, requests []proto.Message) ([]proto.Message, error) {
	reply, err := message(method.Output().FullName())
	if err != nil {
		return nil, err
	}
	if !method.IsStreamingServer() {
		if err := client.Invoke(ctx, c.Method, requests[0], reply); err != nil {
			return nil, err
		}
		return []proto.Message{reply}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: method.IsStreamingClient()}
	stream, err := client.NewStream(ctx, desc, c.Method)
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err := stream.SendMsg(request); err != nil && err != io.EOF {
			return nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	var replies []proto.Message
	for {
		next := reply.ProtoReflect().New().Interface()
		if err := stream.RecvMsg(next); err == io.EOF {
			return replies, nil
		} else if err != nil {
			return replies, err
		}
		replies = append(replies, next)
		if len(replies) == c.Read {
			time.Sleep(ms(c.PauseMS))
			return replies, nil
		}
	}
}

func (c call) decode() (seen, error) {
	read, err := message(protoreflect.FullName(c.Decode))
	if err != nil {
		return seen{}, err
	}
	wire, err := hex.DecodeString(c.Bytes)
	if err != nil {
		return seen{}, err
	}
	if err := proto.Unmarshal(wire, read); err != nil {
		return seen{Status: "INVALID", Message: err.Error()}, nil
	}
	text, err := protojson.Marshal(read)
	return seen{Status: "OK", Replies: []json.RawMessage{text}}, err
}

// told is what the client's own error says.
func told(err error) seen {
	if err == nil {
		return seen{Status: "OK"}
	}
	var failure *stubtail.Error
	if !errors.As(err, &failure) {
		return seen{Status: "UNTYPED", Message: err.Error()}
	}
	report := seen{
		Status:       codeName(failure),
		Reason:       failure.Reason,
		Message:      failure.Message,
		RetryAfterMS: float64(failure.RetryAfter.Microseconds()) / 1000,
		Resource:     failure.Resource,
	}
	for _, one := range failure.Violations {
		report.Violations = append(report.Violations, violation{one.Field, one.Description})
	}
	return report
}

// codeName is the name of a status as gRPC's documents write it; Go's own are in camel case.
func codeName(failure *stubtail.Error) string {
	var name strings.Builder
	for i, letter := range failure.Code.String() {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	if name.String() == "Canceled" {
		return "CANCELLED"
	}
	return strings.ToUpper(name.String())
}

func find(path string) (protoreflect.MethodDescriptor, error) {
	name := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	method, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no method", path)
	}
	return method, nil
}

func message(name protoreflect.FullName) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return kind.New().Interface(), nil
}

func ms(count int64) time.Duration { return time.Duration(count) * time.Millisecond }
