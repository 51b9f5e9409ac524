package stubtail

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

const (
	callsPerSecond = 1000
	block          = 250 // calls of one kind before the other kind has its turn
)

// BenchmarkAddedCost compares the processor time of this process for a call through the client with that
// of a call through the raw stub, with a deadline as every caller should set one, at 1,000 calls a second.
// Both take turns, so that a noisy machine treats them alike: `make bench-clients`.
func BenchmarkAddedCost(b *testing.B) {
	client := connected(b)
	connection, err := grpc.NewClient(os.Getenv("STUBTAIL_TEST_SERVER"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	stub := pb.NewScoringServiceClient(connection)
	row := []float32{1, 0}
	kinds := []func() error{
		func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := stub.Score(ctx, &pb.ScoreRequest{
				Model: "risk", Rows: &pb.ScoreRequest_Dense{Dense: &pb.DenseRows{Values: row}},
			})
			return err
		},
		func() error {
			_, err := client.Score(context.Background(), "risk", Dense(row))
			return err
		},
	}
	for _, kind := range kinds { // connects
		if err := kind(); err != nil {
			b.Fatal(err)
		}
	}
	var spent [2]time.Duration
	var calls [2]int
	b.ResetTimer()
	for done := 0; done < b.N; done += 2 * block {
		for i, kind := range kinds {
			before := processorTime(b)
			next := time.Now()
			for range block {
				next = next.Add(time.Second / callsPerSecond)
				time.Sleep(time.Until(next))
				if err := kind(); err != nil {
					b.Fatal(err)
				}
			}
			spent[i] += processorTime(b) - before
			calls[i] += block
		}
	}
	each := func(i int) float64 { return float64(spent[i].Microseconds()) / float64(calls[i]) }
	b.ReportMetric(each(0), "raw-cpu-us/call")
	b.ReportMetric(each(1), "client-cpu-us/call")
	b.ReportMetric(100*(each(1)/each(0)-1), "added-%")
}

// processorTime is what this process has used so far, in and for itself.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
