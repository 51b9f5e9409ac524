package stubtail

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

type outcome struct {
	reply proto.Message
	err   error
}

// hedged makes a call, and makes it a second time on another connection when the first has not been
// answered for a while. The first good answer counts, and so does a refusal that both would meet; the
// other attempt is cancelled.
func (c *Client) hedged(ctx context.Context, method string, args, reply any, options []grpc.CallOption) error {
	message, ok := reply.(proto.Message)
	if !ok || writes(options) {
		return c.attempts(ctx, method, args, reply, options)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, 2)
	start := func() {
		own := message.ProtoReflect().New().Interface()
		err := c.attempts(ctx, method, args, own, options)
		outcomes <- outcome{own, err}
	}
	go start()
	running := 1
	timer := time.NewTimer(c.settings.hedgeAfter)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			if c.hedges.take() {
				running++
				go start()
			}
		case done := <-outcomes:
			running--
			if done.err == nil {
				c.hedges.succeeded()
				proto.Reset(message)
				proto.Merge(message, done.reply)
				return nil
			}
			var failure *Error
			if running == 0 || errors.As(done.err, &failure) && definite(failure) {
				return done.err
			}
		}
	}
}

// writes says whether call options write to variables of the caller, which two attempts must not do.
func writes(options []grpc.CallOption) bool {
	for _, option := range options {
		switch option.(type) {
		case grpc.HeaderCallOption, grpc.TrailerCallOption, grpc.PeerCallOption, grpc.OnFinishCallOption:
			return true
		}
	}
	return false
}
