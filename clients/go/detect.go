package stubtail

import (
	"context"
	"io"

	"google.golang.org/grpc"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// DetectOption changes one call of DetectRows or DetectSeries.
type DetectOption func(*pb.DetectRequest)

// FalseAlarmRate is the share of what is usual that is flagged all the same; 0.001 where it is not given.
func FalseAlarmRate(rate float64) DetectOption {
	return func(r *pb.DetectRequest) { r.FalseAlarmRate = rate }
}

// TopFeatures asks DetectRows for the features that drive each score.
func TopFeatures(count uint32) DetectOption {
	return func(r *pb.DetectRequest) { r.TopFeatures = count }
}

// DetectPriority sets the class of a call.
func DetectPriority(priority Priority) DetectOption {
	return func(r *pb.DetectRequest) { r.Priority = priority }
}

// DetectRows tells how unusual rows are, by a model of kind "anomaly".
func (c *Client) DetectRows(ctx context.Context, model string, rows Rows, options ...DetectOption) (*pb.DetectResponse, error) {
	request := &pb.DetectRequest{}
	for _, option := range options {
		option(request)
	}
	request.Model = model
	if dense := rows.dense(); dense != nil {
		request.Input = &pb.DetectRequest_Dense{Dense: dense}
		return c.anomaly.Detect(ctx, request)
	}
	named, err := rows.named()
	if err != nil {
		return nil, err
	}
	request.Input = &pb.DetectRequest_Named{Named: named}
	return c.anomaly.Detect(ctx, request)
}

// DetectSeries tells what is unusual in series, each against itself, without any training.
func (c *Client) DetectSeries(ctx context.Context, input *pb.DetectSeriesInput, options ...DetectOption) (*pb.DetectResponse, error) {
	request := &pb.DetectRequest{Input: &pb.DetectRequest_Series{Series: input}}
	for _, option := range options {
		option(request)
	}
	return c.anomaly.Detect(ctx, request)
}

// Watcher sends points of many keys as they happen and reads the verdicts. One goroutine may send while
// another one receives.
type Watcher struct {
	stream grpc.BidiStreamingClient[pb.WatchRequest, pb.WatchResponse]
	cancel context.CancelFunc
}

// Watch begins a stream, with the state of an earlier one if it is to go on. It lives as long as its
// context, which has no default deadline here. Close it.
func (c *Client) Watch(ctx context.Context, options *pb.WatchOptions, state ...*pb.WatchState) (*Watcher, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := c.anomaly.Watch(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &Watcher{stream, cancel}
	if options != nil {
		err = w.send(&pb.WatchRequest{Body: &pb.WatchRequest_Options{Options: options}})
	}
	for _, piece := range state {
		if err == nil {
			err = w.send(&pb.WatchRequest{Body: &pb.WatchRequest_State{State: piece}})
		}
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Send sends points: the key of each value, or one key for all of them. It waits while the server is
// behind. Each Send is answered by one Recv.
func (w *Watcher) Send(sequence uint64, keys []string, values []float64) error {
	points := &pb.WatchPoints{Keys: keys, Values: values, Sequence: sequence}
	return w.send(&pb.WatchRequest{Body: &pb.WatchRequest_Points{Points: points}})
}

// Recv is the verdicts on the next points; io.EOF after CloseSend once all are told.
func (w *Watcher) Recv() (*pb.WatchVerdicts, error) {
	for {
		response, err := w.stream.Recv()
		if err != nil {
			return nil, err
		}
		if verdicts := response.GetVerdicts(); verdicts != nil {
			return verdicts, nil
		}
	}
}

// Export asks for the state, to be sent into the next stream. Call it when all verdicts are received.
func (w *Watcher) Export() ([]*pb.WatchState, error) {
	if err := w.send(&pb.WatchRequest{Body: &pb.WatchRequest_Export{Export: &pb.WatchExport{}}}); err != nil {
		return nil, err
	}
	var pieces []*pb.WatchState
	for {
		response, err := w.stream.Recv()
		if err != nil {
			return nil, err
		}
		if piece := response.GetState(); piece != nil {
			pieces = append(pieces, piece)
			if piece.Last {
				return pieces, nil
			}
		}
	}
}

// CloseSend says that no more points come; read on until io.EOF.
func (w *Watcher) CloseSend() error { return w.stream.CloseSend() }

// Close ends the stream at once.
func (w *Watcher) Close() { w.cancel() }

// send sends one step; where the stream has ended, the error is that of the stream.
func (w *Watcher) send(request *pb.WatchRequest) error {
	err := w.stream.Send(request)
	if err != io.EOF {
		return err
	}
	for {
		if _, err := w.stream.Recv(); err != nil {
			return err
		}
	}
}
