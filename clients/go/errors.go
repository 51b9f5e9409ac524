package stubtail

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const pushbackKey = "grpc-retry-pushback-ms"

// Reasons that come from the client itself; those of the server are the names of
// [stubtailpb.ErrorReason] without their prefix, such as "QUEUE_FULL".
const (
	ReasonConnectionFailed = "CONNECTION_FAILED"
	ReasonInvalidField     = "INVALID_FIELD"
	ReasonMalformedReply   = "MALFORMED_REPLY"
)

// Error is what every failed call returns; get it with [errors.As]:
//
//	var failure *stubtail.Error
//	if errors.As(err, &failure) && failure.Code == codes.NotFound { ... }
//
// [errors.Is] finds context.DeadlineExceeded and context.Canceled in it.
type Error struct {
	// Code is the gRPC status.
	Code codes.Code
	// Reason is the published name of what went wrong, such as "MODEL_NOT_FOUND"; empty where nobody gave one.
	Reason string
	// Message says what to change.
	Message string
	// Violations names the fields that are wrong; only with codes.InvalidArgument.
	Violations []FieldViolation
	// RetryAfter is when a retry makes sense; 0 where the server named no time.
	RetryAfter time.Duration
	// Metadata has the values in the message, for programs.
	Metadata map[string]string
	// Resource is what was not found; only with codes.NotFound.
	Resource string

	never  bool // the server says: not again
	late   bool // the time of the call was spent on getting a connection
	closed bool // Close has ended the call
	status *status.Status
}

// FieldViolation is one thing that is wrong with a request.
type FieldViolation struct {
	// Field is the feature or the field of the request.
	Field string
	// Description is what was expected there.
	Description string
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("stubtail: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("stubtail: %s (%s): %s", e.Code, e.Reason, e.Message)
}

// GRPCStatus is the status with its details, for [status.FromError] and for servers that pass it on.
func (e *Error) GRPCStatus() *status.Status {
	if e.status != nil && e.status.Code() == e.Code {
		return e.status
	}
	return status.New(e.Code, e.Message)
}

// Is makes errors.Is find the errors of contexts.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded || e.late
	case context.Canceled:
		return e.Code == codes.Canceled
	default:
		return false
	}
}

// newError reads what gRPC reports of a failed call.
func newError(err error, trailer metadata.MD) *Error {
	reported := status.Convert(err)
	e := &Error{Code: reported.Code(), Message: reported.Message(), status: reported}
	for _, detail := range reported.Details() { // those that are unknown or damaged are passed over
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.Metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		case *errdetails.ResourceInfo:
			e.Resource = d.GetResourceName()
		case *errdetails.BadRequest:
			for _, violation := range d.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	if values := trailer.Get(pushbackKey); len(values) > 0 {
		ms, err := strconv.Atoi(values[0])
		if err != nil || ms < 0 {
			e.never, e.RetryAfter = true, 0
		} else if e.RetryAfter == 0 {
			e.RetryAfter = max(time.Duration(ms)*time.Millisecond, time.Nanosecond)
		}
	}
	return e
}

// invalid is the refusal of what cannot be sent, in the form that the server would use.
func invalid(field, format string, args ...any) *Error {
	description := fmt.Sprintf(format, args...)
	return &Error{
		Code:       codes.InvalidArgument,
		Reason:     ReasonInvalidField,
		Message:    field + ": " + description,
		Violations: []FieldViolation{{field, description}},
	}
}

// malformed is a reply that is not what the method returns.
func malformed(method, format string, args ...any) *Error {
	what := fmt.Sprintf(format, args...)
	message := fmt.Sprintf("the reply to %s is malformed: %s; is a stubtail server listening there?", method, what)
	return &Error{Code: codes.Internal, Reason: ReasonMalformedReply, Message: message}
}
