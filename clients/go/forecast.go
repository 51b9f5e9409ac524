package stubtail

import (
	"context"
	"slices"
	"time"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Series is what is known of one series: values at equal distances, the oldest first; NaN is missing.
type Series struct {
	// ID comes back with the answer.
	ID     string
	Values []float64
	// Start is when the first value was measured; the zero time where it is not known.
	Start time.Time
	// Covariates are known of every step, the future ones included.
	Covariates []*pb.Covariate
}

// Outlook is what Forecast is asked.
type Outlook struct {
	// Model is who forecasts; empty for "auto".
	Model    string
	Priority Priority
	// Horizon is the number of steps, 1 to 1,024.
	Horizon uint32
	// Levels are those of the quantiles, ascending, such as 0.1 and 0.9.
	Levels []float64
	// Frequency is the time between two values, such as "h" or "5min"; empty where it is not known.
	Frequency string
	// Seasons are their lengths in steps; none lets the server find them.
	Seasons []float64
	// NonNegative and Integer say what values can be.
	NonNegative, Integer bool
	Series               []Series
}

// Forecast is the reply; its methods take the series and the level by position.
type Forecast struct{ *pb.ForecastResponse }

// Forecast forecasts series; none of them changes the answer of another one.
func (c *Client) Forecast(ctx context.Context, outlook Outlook) (Forecast, error) {
	request := &pb.ForecastRequest{
		Model: outlook.Model, Priority: outlook.Priority, Horizon: outlook.Horizon,
		QuantileLevels: outlook.Levels, Frequency: outlook.Frequency, SeasonLengths: outlook.Seasons,
		NonNegative: outlook.NonNegative, Integer: outlook.Integer,
	}
	for _, one := range outlook.Series {
		series := &pb.Series{Id: one.ID, Values: one.Values, Covariates: one.Covariates}
		if !one.Start.IsZero() {
			start := one.Start.UnixMilli()
			series.StartMs = &start
		}
		request.Series = append(request.Series, series)
	}
	reply, err := c.forecasting.Forecast(ctx, request)
	if err != nil {
		return Forecast{}, err
	}
	steps := len(reply.Series) * int(reply.Horizon)
	times := len(reply.TimestampsMs)
	if len(reply.Points) != steps || len(reply.Quantiles) != steps*len(reply.QuantileLevels) || (times != 0 && times != steps) {
		return Forecast{}, malformed("Forecast", "%d points for %d series of %d steps", len(reply.Points), len(reply.Series), reply.Horizon)
	}
	return Forecast{reply}, nil
}

// Points is the likeliest course of a series.
func (f Forecast) Points(series int) []float64 {
	horizon := int(f.Horizon)
	return f.GetPoints()[series*horizon : (series+1)*horizon]
}

// Quantiles is the course of a series at one of the levels that were asked for; nil at any other.
func (f Forecast) Quantiles(series int, level float64) []float64 {
	position := slices.Index(f.QuantileLevels, level)
	if position < 0 {
		return nil
	}
	horizon := int(f.Horizon)
	start := (series*len(f.QuantileLevels) + position) * horizon
	return f.GetQuantiles()[start : start+horizon]
}

// Times are those of the steps; nil unless the series had a start and a known frequency.
func (f Forecast) Times(series int) []time.Time {
	if len(f.TimestampsMs) == 0 {
		return nil
	}
	horizon := int(f.Horizon)
	times := make([]time.Time, horizon)
	for i := range times {
		times[i] = time.UnixMilli(f.TimestampsMs[series*horizon+i]).UTC()
	}
	return times
}
