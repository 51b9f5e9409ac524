package stubtail

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// patience is for tests on a busy machine; what waits for less says so.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func near(one, other float64) bool { return math.Abs(one-other) < 1e-5 }

// risk is what the model `risk` answers: see clients/conformance/models.py.
func risk(amount, plus float64) float64 { return 1 / (1 + math.Exp(-(0.4*amount - 0.5 + 1.5*plus))) }

func TestScoreInEveryForm(t *testing.T) {
	client := connected(t, WithConnections(2))
	for name, rows := range map[string]Rows{
		"dense": Dense{1, 0, 3, 1},
		"table": Table{Numbers("amount", 1, 3), Strings("plan", "basic", "plus")},
	} {
		scores, err := client.Score(patience(t), "risk", rows, WithCoverage(0.9), WithReasons(1))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !near(float64(scores.Scores[0]), risk(1, 0)) || !near(float64(scores.Scores[1]), risk(3, 1)) {
			t.Errorf("%s: %v", name, scores.Scores)
		}
		if scores.Label(0) != "stay" || scores.Label(1) != "leave" || scores.Level(0) != "low" || scores.Version != "1" {
			t.Errorf("%s: %v", name, scores)
		}
		if reasons := scores.Reasons(1); len(reasons) != 1 || reasons[0].Feature != "plan" || reasons[0].Contribution <= 0 {
			t.Errorf("%s: reasons %v", name, reasons)
		}
	}
	one, err := client.Score(patience(t), "risk@1", Row{"amount": 1, "plan": "basic"})
	if err != nil || !near(float64(one.Scores[0]), risk(1, 0)) {
		t.Errorf("one row: %v %v", one, err)
	}
	several, err := client.ScoreModels(patience(t), []string{"risk", "shop"}, Dense{1, 0})
	if err != nil || !near(float64(several["shop"].Scores[0]), 8) || several["risk"].Label(0) != "stay" {
		t.Errorf("several models: %v %v", several, err)
	}
}

func TestScoreOfWhatIsWrong(t *testing.T) {
	client := connected(t)
	_, err := client.Score(patience(t), "risk", Row{"amonut": 1, "plan": "basic"})
	var failure *Error
	if !errors.As(err, &failure) || failure.Code != codes.InvalidArgument || failure.Violations[0].Field != "named.columns[amonut]" {
		t.Errorf("%v", err)
	}
	_, err = client.Score(patience(t), "nothing", Dense{1})
	if !errors.As(err, &failure) || failure.Reason != "MODEL_NOT_FOUND" || failure.Resource != "nothing" {
		t.Errorf("%v", err)
	}
}

func TestDecide(t *testing.T) {
	client := connected(t)
	question := Question{
		Model: "shop", Context: Row{"price": 2.0, "plan": "basic"}, Parameters: Row{"cost": 1},
		Grid:     []*pb.Axis{Span("price", 1, 5, 5), OneOf("plan", "basic", "plus")},
		Maximise: "score * (price - cost)", Constraints: []*pb.Constraint{AtLeast("score", 4), Between("price", 1, 9)},
	}
	decision, err := client.Decide(patience(t), question)
	if err != nil {
		t.Fatal(err)
	}
	best := decision.Ranked()[0]
	if best.Values["price"] != 4.0 || best.Values["plan"] != "plus" || !near(best.Predicted, 5) || !near(best.Objective, 15) {
		t.Errorf("best %+v", best)
	}
	question.Constraints = []*pb.Constraint{AtLeast("score", 100), MaxChange("price", 0.5), AtMost("price", 9)}
	decision, err = client.Decide(patience(t), question)
	if err != nil || decision.Feasible || len(decision.Ranked()) != 0 || decision.Nearest == nil {
		t.Errorf("%v %v", decision, err)
	}
	question.Grid, question.Maximise, question.Minimise = nil, "", "score"
	question.Constraints, question.Candidates = nil, Table{Numbers("price", 1, 3)}
	if decision, err = client.Decide(patience(t), question); err != nil || decision.Ranked()[0].Values["price"] != 3.0 {
		t.Errorf("%v %v", decision, err)
	}
	question.Minimise = ""
	if _, err = client.Decide(patience(t), question); err == nil {
		t.Error("decided without an objective")
	}
}

func TestForecast(t *testing.T) {
	client := connected(t)
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	values := []float64{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}
	forecast, err := client.Forecast(patience(t), Outlook{
		Model: "seasonal-naive", Horizon: 4, Levels: []float64{0.1, 0.9}, Frequency: "h", Seasons: []float64{4},
		Series: []Series{{ID: "a", Values: values, Start: start}, {ID: "b", Values: values, Start: start}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range values[:4] {
		if !near(forecast.Points(1)[i], want) || !near(forecast.Quantiles(0, 0.9)[i], want) {
			t.Errorf("step %d: %v, want %v", i, forecast.Points(1)[i], want)
		}
	}
	if times := forecast.Times(1); !times[0].Equal(start.Add(16 * time.Hour)) {
		t.Errorf("begins at %v", times[0])
	}
	if forecast.Quantiles(0, 0.5) != nil {
		t.Error("a level that nobody asked for")
	}
}

func TestDetectAndWatch(t *testing.T) {
	client := connected(t)
	values := make([]float64, 64)
	for i := range values {
		values[i] = 10 + float64(i%3)
	}
	values[50] = 1000
	input := &pb.DetectSeriesInput{Series: []*pb.DetectSeries{{Name: "load", SeasonLength: 1, Values: values}}}
	found, err := client.DetectSeries(patience(t), input, FalseAlarmRate(0.001), DetectPriority(Low))
	if err != nil || len(found.Series[0].Anomalies) == 0 || found.Series[0].Anomalies[0].Peak != 50 {
		t.Fatalf("%v %v", found, err)
	}
	if _, err := client.DetectRows(patience(t), "nothing", Dense{1}, TopFeatures(2)); err == nil {
		t.Error("detected without a model")
	}

	watcher, err := client.Watch(patience(t), &pb.WatchOptions{WarmUp: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	if err := watcher.Send(7, []string{"k"}, []float64{1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 50}); err != nil {
		t.Fatal(err)
	}
	verdicts, err := watcher.Recv()
	if err != nil || verdicts.Sequence != 7 || len(verdicts.Alarms) != 1 || verdicts.Alarms[0].Index != 10 {
		t.Fatalf("%v %v", verdicts, err)
	}
	state, err := watcher.Export()
	if err != nil || len(state) != 1 {
		t.Fatalf("%v %v", state, err)
	}
	if err := watcher.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := watcher.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("%v is no end", err)
	}
	again, err := client.Watch(patience(t), &pb.WatchOptions{WarmUp: 8}, state...)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Send(8, []string{"k"}, []float64{60}); err != nil {
		t.Fatal(err)
	}
	if verdicts, err = again.Recv(); err != nil || len(verdicts.Alarms) != 1 {
		t.Errorf("what was learned did not go on: %v %v", verdicts, err)
	}
}

func TestLanguageModels(t *testing.T) {
	client := connected(t)
	const said = "Grüße aus 東京 🦀."
	request := &pb.ChatRequest{Model: "fast", Messages: []*pb.ChatMessage{System("Be brief."), User("Hi"), Assistant("Yes?"), User("Go on")}}
	answer, err := client.Chat(patience(t), request)
	if err != nil || answer.Text != said || answer.End.Usage.GetCostNanoUsd() != 15000 {
		t.Errorf("%v %v", answer, err)
	}
	stream, err := client.ChatStream(patience(t), request)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for piece, err := range stream.Texts() {
		if err != nil {
			t.Fatal(err)
		}
		text += piece
	}
	if text != said || stream.Text() != said || stream.Start().GetProvider() != "said" || stream.End() == nil {
		t.Errorf("%q", text)
	}
	request.Model = "said/breaking"
	if stream, err = client.ChatStream(patience(t), request); err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var failure *Error
	for _, err := range stream.Texts() {
		_ = errors.As(err, &failure)
	}
	if failure == nil || failure.Reason != "ANSWER_INTERRUPTED" || stream.Text() != "Grüße aus " {
		t.Errorf("%v after %q", failure, stream.Text())
	}
	vectors, err := client.Embed(patience(t), "fast", "ab", "жжж")
	if err != nil || len(vectors) != 2 || vectors[1][0] != 3 {
		t.Errorf("%v %v", vectors, err)
	}
	models, err := client.LanguageModels(patience(t))
	if err != nil || len(models.Models) != 3 {
		t.Errorf("%v %v", models, err)
	}
}

func TestModelsAndHealth(t *testing.T) {
	client := connected(t)
	models, err := client.Models(patience(t))
	if err != nil || len(models) < 6 {
		t.Errorf("%v %v", models, err)
	}
	model, err := client.Model(patience(t), "risk")
	if err != nil || model.Features[1].Name != "plan" {
		t.Errorf("%v %v", model, err)
	}
	if serving, err := client.Serving(patience(t), ""); err != nil || !serving {
		t.Errorf("%v %v", serving, err)
	}
	if serving, err := client.Serving(patience(t), "off"); err != nil || serving {
		t.Errorf("a model that is off: %v %v", serving, err)
	}
	if _, err := client.Serving(patience(t), "nobody"); err == nil {
		t.Error("a service that is not there")
	}
}
