// Command go-scoring is a web service that scores on its hot path: it has 10 ms to say whether a customer
// is likely to leave, and goes on without an answer where it gets none in time.
//
//	go run . -server 127.0.0.1:8500 -listen 127.0.0.1:8080
//	curl 127.0.0.1:8080/offer -d '{"tenure": 3, "contract": "Month-to-month", ...}'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	stubtail "github.com/stubtail/stubtail/clients/go"
)

const bodyBytesMax = 64 << 10 // of one customer

func main() {
	server := flag.String("server", "127.0.0.1:8500", "where stubtail answers; dns:///name:port for several")
	listen := flag.String("listen", "127.0.0.1:8080", "where this service answers")
	budget := flag.Duration("budget", 10*time.Millisecond, "how long a request may wait for its score")
	flag.Parse()

	// One client for the life of the service. Two connections reach two workers of the server, and what has
	// taken half of the budget is asked a second time: the slowest calls are most often slow by chance.
	client, err := stubtail.New(*server, stubtail.WithConnections(2), stubtail.WithHedging(*budget/2))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	web := &http.Server{Addr: *listen, Handler: handler(client, *budget), ReadHeaderTimeout: time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = web.Shutdown(context.Background()) // requests under way end first
	}()
	if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// offer is what the service answers.
type offer struct {
	// Discount is whether to offer one.
	Discount bool `json:"discount"`
	// Score is how likely the customer is to leave; null where there was no answer in time.
	Score *float32 `json:"score"`
	// Reason is why there is no score.
	Reason string `json:"reason,omitempty"`
}

// handler answers POST /offer with a customer as JSON: features by name.
func handler(client *stubtail.Client, budget time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /offer", func(w http.ResponseWriter, r *http.Request) {
		var customer stubtail.Row
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax)).Decode(&customer); err != nil {
			http.Error(w, "the body is no JSON object of features: "+err.Error(), http.StatusBadRequest)
			return
		}
		answer, failure := score(r.Context(), client, customer, budget)
		if failure != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(failure.Violations)
			return
		}
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}

// score asks the model within the budget. A customer that the model cannot take is the caller's fault and
// told; everything else is ours, and the service goes on without a score.
func score(ctx context.Context, client *stubtail.Client, customer stubtail.Row, budget time.Duration) (offer, *stubtail.Error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	scores, err := client.Score(ctx, "churn", customer, stubtail.WithPriority(stubtail.Critical))
	if err == nil {
		return offer{Discount: scores.Label(0) == "leave", Score: &scores.Scores[0]}, nil
	}
	var failure *stubtail.Error
	if errors.As(err, &failure) && len(failure.Violations) > 0 {
		return offer{}, failure
	}
	log.Printf("no score: %v", err)
	return offer{Reason: "no score in time"}, nil
}
