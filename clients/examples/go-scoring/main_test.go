package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	stubtail "github.com/stubtail/stubtail/clients/go"
)

const customer = `{
	"senior_citizen": 0, "tenure": 3, "phone_service": 1, "multiple_lines": "No", "internet_service": "Fiber optic",
	"online_security": "No", "online_backup": "No", "device_protection": "No", "tech_support": "No", "streaming_tv": "Yes",
	"streaming_movies": "No", "contract": "Month-to-month", "paperless_billing": 1, "payment_method": "Electronic check",
	"monthly_charges": 79.9, "total_charges": 241.3}`

func ask(t *testing.T, server, body string, budget time.Duration) (int, string) {
	t.Helper()
	client, err := stubtail.New(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	reply := httptest.NewRecorder()
	handler(client, budget).ServeHTTP(reply, httptest.NewRequest(http.MethodPost, "/offer", strings.NewReader(body)))
	return reply.Code, reply.Body.String()
}

func TestOffers(t *testing.T) {
	server := os.Getenv("STUBTAIL_TEST_SERVER")
	if server == "" {
		t.Skip("STUBTAIL_TEST_SERVER is not set: run `make test-clients`")
	}
	status, body := ask(t, server, customer, time.Minute) // on a busy machine
	var answer offer
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || !answer.Discount || answer.Score == nil {
		t.Errorf("%d %s", status, body)
	}
	status, body = ask(t, server, strings.Replace(customer, "Month-to-month", "Three year", 1), time.Minute)
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "contract") {
		t.Errorf("%d %s", status, body)
	}
	if status, body = ask(t, server, "[]", time.Minute); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, body)
	}
}

func TestGoesOnWithoutAServer(t *testing.T) {
	status, body := ask(t, "127.0.0.1:1", customer, 10*time.Millisecond)
	if status != http.StatusOK || !strings.Contains(body, "no score in time") {
		t.Errorf("%d %s", status, body)
	}
}
