package stubtail

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// stream is one stream with the client's errors. While nothing has come of a server's stream, it is
// begun anew where an unary call would be.
type stream struct {
	client  *Client
	ctx     context.Context
	cancel  context.CancelFunc
	desc    *grpc.StreamDesc
	method  string
	options []grpc.CallOption

	mu         sync.Mutex // of what follows, for Header and Trailer of other goroutines
	current    grpc.ClientStream
	connection *grpc.ClientConn
	request    any
	closed     bool
	attempt    int
	begun      bool
}

func (s *stream) open() error {
	for {
		s.attempt++
		connection := s.client.next()
		current, err := connection.NewStream(s.ctx, s.desc, s.method, s.options...)
		if err == nil {
			s.mu.Lock()
			s.current, s.connection = current, connection
			s.mu.Unlock()
			return nil
		}
		failure := s.client.failure(s.ctx, err, nil, connection)
		if !s.client.again(s.ctx, failure, s.attempt) {
			return failure
		}
	}
}

func (s *stream) now() grpc.ClientStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// RecvMsg is the next message; io.EOF after the last one, [*Error] where it failed.
func (s *stream) RecvMsg(message any) error {
	for {
		err := s.now().RecvMsg(message)
		switch {
		case err == nil:
			s.begun = true
			return nil
		case errors.Is(err, io.EOF):
			s.client.retries.succeeded()
			s.cancel()
			return io.EOF
		}
		failure := s.client.failure(s.ctx, err, s.now().Trailer(), s.connection)
		if s.begun || s.desc.ClientStreams || !s.client.again(s.ctx, failure, s.attempt) {
			s.cancel()
			return failure
		}
		if err := s.reopen(); err != nil {
			s.cancel()
			return err
		}
	}
}

func (s *stream) reopen() error {
	if err := s.open(); err != nil {
		return err
	}
	// An error of sending is told again, with its status, by the next RecvMsg.
	if s.request != nil {
		_ = s.now().SendMsg(s.request)
	}
	if s.closed {
		_ = s.now().CloseSend()
	}
	return nil
}

// SendMsg sends one message. As in grpc, io.EOF says that RecvMsg has the status.
func (s *stream) SendMsg(message any) error {
	if !s.desc.ClientStreams {
		s.request = message
	}
	err := s.now().SendMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.client.failure(s.ctx, err, nil, s.connection)
}

func (s *stream) CloseSend() error {
	s.closed = true
	return s.now().CloseSend()
}

func (s *stream) Header() (metadata.MD, error) { return s.now().Header() }
func (s *stream) Trailer() metadata.MD         { return s.now().Trailer() }
func (s *stream) Context() context.Context     { return s.now().Context() }
