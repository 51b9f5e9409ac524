package stubtail

import (
	"context"

	"google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Models lists every version that the server knows, ready or not, by name.
func (c *Client) Models(ctx context.Context) ([]*pb.ModelSummary, error) {
	reply, err := c.models.ListModels(ctx, &pb.ListModelsRequest{})
	return reply.GetModels(), err
}

// Model describes "name" (its live version) or "name@version" with its features, in the order of Dense.
func (c *Client) Model(ctx context.Context, name string) (*pb.GetModelResponse, error) {
	return c.models.GetModel(ctx, &pb.GetModelRequest{Model: name})
}

// LanguageModels lists what Chat and Embed can be asked for.
func (c *Client) LanguageModels(ctx context.Context) (*pb.LlmServiceListModelsResponse, error) {
	return c.llm.ListModels(ctx, &pb.LlmServiceListModelsRequest{})
}

// Serving tells whether the server ("") or one of its services or models serves.
func (c *Client) Serving(ctx context.Context, name string) (bool, error) {
	request := &grpc_health_v1.HealthCheckRequest{Service: name}
	reply, err := grpc_health_v1.NewHealthClient(c).Check(ctx, request)
	return reply.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING, err
}
