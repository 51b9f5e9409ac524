package stubtail

import (
	"maps"
	"slices"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Rows are what is scored: [Row], [Table] or [Dense].
type Rows interface {
	named() (*pb.NamedRows, error)
	dense() *pb.DenseRows
}

// Row is one row: features by name. Values are numbers, strings or bools (0 or 1). A feature that is left
// out is missing.
type Row map[string]any

// Table is rows as columns of one length; see [Numbers] and [Strings].
type Table []*pb.Column

// Dense are rows of all features in the order of GetModel, row after row; a category by its position, NaN
// for what is missing. The form for hot paths. The order belongs to a version: name it ("churn@1").
type Dense []float32

// Numbers is a column; NaN is missing.
func Numbers(feature string, values ...float64) *pb.Column {
	return &pb.Column{Name: feature, Numbers: values}
}

// Strings is a column of categories.
func Strings(feature string, values ...string) *pb.Column {
	return &pb.Column{Name: feature, Strings: values}
}

func (r Row) named() (*pb.NamedRows, error) {
	if len(r) == 0 {
		return nil, invalid("rows", "expected at least one feature")
	}
	columns := make([]*pb.Column, 0, len(r))
	for _, feature := range slices.Sorted(maps.Keys(r)) {
		number, text, err := value(feature, r[feature])
		if err != nil {
			return nil, err
		}
		if text != nil {
			columns = append(columns, Strings(feature, *text))
		} else {
			columns = append(columns, Numbers(feature, number))
		}
	}
	return &pb.NamedRows{Columns: columns}, nil
}

func (t Table) named() (*pb.NamedRows, error) { return &pb.NamedRows{Columns: t}, nil }
func (d Dense) named() (*pb.NamedRows, error) { return nil, nil }
func (r Row) dense() *pb.DenseRows            { return nil }
func (t Table) dense() *pb.DenseRows          { return nil }
func (d Dense) dense() *pb.DenseRows          { return &pb.DenseRows{Values: d} }

// values are a row as DecideRequest has it.
func (r Row) values(field string) (map[string]*pb.Value, error) {
	found := make(map[string]*pb.Value, len(r))
	for name, one := range r {
		number, text, err := value(name, one)
		if err != nil {
			return nil, invalid(field+"."+name, "expected a number, a string or a bool, not %T", one)
		}
		if text != nil {
			found[name] = &pb.Value{Kind: &pb.Value_Text{Text: *text}}
		} else {
			found[name] = &pb.Value{Kind: &pb.Value_Number{Number: number}}
		}
	}
	return found, nil
}

// value is a number, or a string where the second result is one.
func value(feature string, one any) (float64, *string, error) {
	switch v := one.(type) {
	case float64:
		return v, nil, nil
	case float32:
		return float64(v), nil, nil
	case int:
		return float64(v), nil, nil
	case int64:
		return float64(v), nil, nil
	case int32:
		return float64(v), nil, nil
	case uint:
		return float64(v), nil, nil
	case uint64:
		return float64(v), nil, nil
	case uint32:
		return float64(v), nil, nil
	case bool:
		if v {
			return 1, nil, nil
		}
		return 0, nil, nil
	case string:
		return 0, &v, nil
	default:
		return 0, nil, invalid(feature, "expected a number, a string or a bool, not %T", one)
	}
}
