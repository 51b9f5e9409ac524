package stubtail

import (
	"context"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Priority says how much a call matters when not everything can be answered in time.
type Priority = pb.Priority

// The classes of calls, the one that is refused last first. Without one, a call is Normal.
const (
	Critical = pb.Priority_PRIORITY_CRITICAL
	High     = pb.Priority_PRIORITY_HIGH
	Normal   = pb.Priority_PRIORITY_NORMAL
	Low      = pb.Priority_PRIORITY_LOW
)

// ScoreOption changes one call of Score.
type ScoreOption func(*pb.ScoreRequest)

// WithPriority sets the class of a call.
func WithPriority(priority Priority) ScoreOption {
	return func(r *pb.ScoreRequest) { r.Priority = priority }
}

// WithCoverage asks for bounds that hold the true value in this share of rows, such as 0.9.
func WithCoverage(share float64) ScoreOption {
	return func(r *pb.ScoreRequest) { r.Coverage = share }
}

// WithReasons asks which features moved each score most; 0 for all of them. A row with reasons costs as
// much as some hundred without.
func WithReasons(top uint32) ScoreOption {
	return func(r *pb.ScoreRequest) { r.Explain = &pb.Explain{Top: top} }
}

// Scores are the answers in the order of the rows, as the columns of the reply:
// scores.Scores[i] is the score of a row, scores.Version what answered.
type Scores struct{ *pb.ScoreResponse }

// Score scores rows with a model, "name" for its live version or "name@version".
func (c *Client) Score(ctx context.Context, model string, rows Rows, options ...ScoreOption) (Scores, error) {
	request, err := scoreRequest(rows, options)
	if err != nil {
		return Scores{}, err
	}
	request.Model = model
	reply, err := c.scoring.Score(ctx, request)
	if err != nil {
		return Scores{}, err
	}
	return Scores{reply}, checkLabels(reply)
}

// ScoreModels scores the same rows with 1 to 16 models in one trip. The answers are by the name that each
// was asked for; when one model fails, the call fails, and the error names it.
func (c *Client) ScoreModels(ctx context.Context, models []string, rows Rows, options ...ScoreOption) (map[string]Scores, error) {
	request, err := scoreRequest(rows, options)
	if err != nil {
		return nil, err
	}
	request.Models = models
	reply, err := c.scoring.Score(ctx, request)
	if err != nil {
		return nil, err
	}
	if len(reply.Results) != len(models) {
		return nil, malformed("Score", "%d results for %d models", len(reply.Results), len(models))
	}
	scores := make(map[string]Scores, len(models))
	for i, result := range reply.Results {
		if err := checkLabels(result); err != nil {
			return nil, err
		}
		scores[models[i]] = Scores{result}
	}
	return scores, nil
}

// Label is the predicted class of a row, by the model's threshold; empty where the model has no classes.
func (s Scores) Label(row int) string {
	if len(s.LabelIndexes) == 0 {
		return ""
	}
	return s.Classes[s.LabelIndexes[row]]
}

// Level is the level of a row's score, such as "high"; empty where the model has none.
func (s Scores) Level(row int) string {
	if len(s.LevelIndexes) == 0 {
		return ""
	}
	return s.Levels[s.LevelIndexes[row]]
}

// Reason is one feature, or group of features, and how much it moved a score, in the unit of
// scores.Explanation.Link.
type Reason struct {
	Feature      string
	Contribution float32
}

// Reasons are those of a row, the largest first; none unless they were asked for.
func (s Scores) Reasons(row int) []Reason {
	e := s.Explanation
	top := int(e.GetTop())
	reasons := make([]Reason, 0, top)
	for i := row * top; i < (row+1)*top; i++ {
		reasons = append(reasons, Reason{e.Names[e.NameIndexes[i]], e.Contributions[i]})
	}
	return reasons
}

func scoreRequest(rows Rows, options []ScoreOption) (*pb.ScoreRequest, error) {
	if rows == nil {
		return nil, invalid("rows", "expected a Row, a Table or Dense")
	}
	request := &pb.ScoreRequest{}
	for _, option := range options {
		option(request)
	}
	if dense := rows.dense(); dense != nil {
		request.Rows = &pb.ScoreRequest_Dense{Dense: dense}
		return request, nil
	}
	named, err := rows.named()
	if err != nil {
		return nil, err
	}
	request.Rows = &pb.ScoreRequest_Named{Named: named}
	return request, nil
}

// checkLabels finds positions that lead nowhere, so that no method of Scores panics over a foreign reply.
func checkLabels(reply *pb.ScoreResponse) error {
	if !within(reply.LabelIndexes, len(reply.Classes)) || !within(reply.LevelIndexes, len(reply.Levels)) {
		return malformed("Score", "a position beyond the names")
	}
	e := reply.Explanation
	if e != nil && (!within(e.NameIndexes, len(e.Names)) || len(e.NameIndexes) != len(e.Contributions)) {
		return malformed("Score", "a position beyond the names")
	}
	return nil
}

func within(positions []uint32, count int) bool {
	for _, position := range positions {
		if int(position) >= count {
			return false
		}
	}
	return true
}
