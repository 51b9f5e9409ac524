package stubtail

import (
	"context"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Question is what Decide is asked: a row as it is, what could be changed in it, and what is wanted.
// clients/README.md tells of expressions.
type Question struct {
	Model    string
	Priority Priority
	// Context is the row as it is.
	Context Row
	// Parameters are values that expressions use and the model does not.
	Parameters Row
	// Grid asks for all combinations of its axes; see [Span], [OneOf] and [NumberIn].
	Grid []*pb.Axis
	// Candidates are tried one by one instead. NaN and "" leave the context's value.
	Candidates Table
	// Maximise or Minimise is an expression; exactly one of them, or Objective.
	Maximise, Minimise string
	// Objective is any other form, such as revenue.
	Objective *pb.Objective
	// Constraints must hold; see [AtMost], [AtLeast], [Between] and [MaxChange].
	Constraints []*pb.Constraint
	// Coverage asks for bounds of the outcome, such as 0.9.
	Coverage float64
	// Top is how many of the best to return; 0 means 10.
	Top uint32
}

// Span is an axis of numbers at equal distances, both ends included.
func Span(name string, first, last float64, steps uint32) *pb.Axis {
	return &pb.Axis{Name: name, Values: &pb.Axis_Range{Range: &pb.Range{First: first, Last: last, Steps: steps}}}
}

// OneOf is an axis of categories.
func OneOf(name string, values ...string) *pb.Axis {
	return &pb.Axis{Name: name, Values: &pb.Axis_Texts{Texts: &pb.Texts{Values: values}}}
}

// NumberIn is an axis of these numbers.
func NumberIn(name string, values ...float64) *pb.Axis {
	return &pb.Axis{Name: name, Values: &pb.Axis_Numbers{Numbers: &pb.Numbers{Values: values}}}
}

// AtMost keeps an expression down.
func AtMost(expression string, most float64) *pb.Constraint {
	return &pb.Constraint{Kind: &pb.Constraint_Limit{Limit: &pb.Limit{Expression: expression, AtMost: &most}}}
}

// AtLeast keeps an expression up.
func AtLeast(expression string, least float64) *pb.Constraint {
	return &pb.Constraint{Kind: &pb.Constraint_Limit{Limit: &pb.Limit{Expression: expression, AtLeast: &least}}}
}

// Between keeps a feature or parameter between two numbers.
func Between(name string, minimum, maximum float64) *pb.Constraint {
	bounds := &pb.Bounds{Name: name, Minimum: &minimum, Maximum: &maximum}
	return &pb.Constraint{Kind: &pb.Constraint_Bounds{Bounds: bounds}}
}

// MaxChange keeps a feature or parameter within a share of its value in the context: 0.1 is 10 %.
func MaxChange(name string, share float64) *pb.Constraint {
	change := &pb.MaxChange{Name: name, Change: &pb.MaxChange_Relative{Relative: share}}
	return &pb.Constraint{Kind: &pb.Constraint_MaxChange{MaxChange: change}}
}

// Decision is the reply with its columns; Ranked has them as rows.
type Decision struct{ *pb.DecideResponse }

// Choice is one candidate and what is predicted for it.
type Choice struct {
	// Position is that in the question, from 0.
	Position uint32
	// Values are what the candidate changes: float64 or string.
	Values Row
	// Predicted is the main output of the model.
	Predicted float64
	// Lower and Upper bound it; 0 without a coverage.
	Lower, Upper float64
	// Objective is what orders the candidates.
	Objective float64
}

// Decide scores every candidate with the model in one run and ranks those that keep all constraints. That
// none does is an answer: then Ranked is empty, and decision.Nearest says what comes closest.
func (c *Client) Decide(ctx context.Context, question Question) (Decision, error) {
	request, err := question.request()
	if err != nil {
		return Decision{}, err
	}
	reply, err := c.decision.Decide(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	return Decision{reply}, nil
}

// Ranked are the best candidates, best first.
func (d Decision) Ranked() []Choice {
	outcomes := d.GetRanked()
	choices := make([]Choice, len(outcomes.GetPositions()))
	for i := range choices {
		choices[i] = Choice{
			Position:  outcomes.Positions[i],
			Values:    make(Row, len(outcomes.Changes)),
			Predicted: at(outcomes.Predicted, i),
			Lower:     at(outcomes.Lower, i),
			Upper:     at(outcomes.Upper, i),
			Objective: at(outcomes.Objective, i),
		}
		for _, column := range outcomes.Changes {
			if i < len(column.Numbers) {
				choices[i].Values[column.Name] = column.Numbers[i]
			} else if i < len(column.Strings) {
				choices[i].Values[column.Name] = column.Strings[i]
			}
		}
	}
	return choices
}

func at(values []float64, i int) float64 {
	if i < len(values) {
		return values[i]
	}
	return 0
}

func (q Question) request() (*pb.DecideRequest, error) {
	context, err := q.Context.values("context")
	if err != nil {
		return nil, err
	}
	parameters, err := q.Parameters.values("parameters")
	if err != nil {
		return nil, err
	}
	request := &pb.DecideRequest{
		Model: q.Model, Priority: q.Priority, Context: context, Parameters: parameters,
		Objective: q.Objective, Constraints: q.Constraints, Coverage: q.Coverage, Top: q.Top,
	}
	switch {
	case q.Objective != nil:
	case q.Maximise != "":
		request.Objective = objective(pb.Direction_DIRECTION_MAXIMISE, q.Maximise)
	case q.Minimise != "":
		request.Objective = objective(pb.Direction_DIRECTION_MINIMISE, q.Minimise)
	default:
		return nil, invalid("objective", "expected Maximise, Minimise or Objective")
	}
	if len(q.Grid) > 0 {
		request.Candidates = &pb.DecideRequest_Grid{Grid: &pb.CandidateGrid{Axes: q.Grid}}
	} else {
		request.Candidates = &pb.DecideRequest_List{List: &pb.CandidateList{Columns: q.Candidates}}
	}
	return request, nil
}

func objective(direction pb.Direction, expression string) *pb.Objective {
	return &pb.Objective{Direction: direction, Objective: &pb.Objective_Expression{Expression: expression}}
}
