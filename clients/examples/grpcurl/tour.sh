#!/usr/bin/env bash
# A tour of a server by grpcurl, without a client and without a file: `tour.sh 127.0.0.1:8500`.
set -euo pipefail
server=${1:-127.0.0.1:8500}
grpcurl=${2:-grpcurl}

ask() { # SERVICE/METHOD JSON
  echo "== $1"
  "$grpcurl" -plaintext -max-time 10 -d "$2" "$server" "$1"
}

echo "== what there is"
"$grpcurl" -plaintext "$server" list
ask grpc.health.v1.Health/Check '{"service": "churn"}'
ask stubtail.v1.ModelService/ListModels '{}'
ask stubtail.v1.ModelService/GetModel '{"model": "churn"}'

customer='{"columns": [
  {"name": "senior_citizen", "numbers": [0]}, {"name": "tenure", "numbers": [3]},
  {"name": "phone_service", "numbers": [1]}, {"name": "multiple_lines", "strings": ["No"]},
  {"name": "internet_service", "strings": ["Fiber optic"]}, {"name": "online_security", "strings": ["No"]},
  {"name": "online_backup", "strings": ["No"]}, {"name": "device_protection", "strings": ["No"]},
  {"name": "tech_support", "strings": ["No"]}, {"name": "streaming_tv", "strings": ["Yes"]},
  {"name": "streaming_movies", "strings": ["No"]}, {"name": "contract", "strings": ["Month-to-month"]},
  {"name": "paperless_billing", "numbers": [1]}, {"name": "payment_method", "strings": ["Electronic check"]},
  {"name": "monthly_charges", "numbers": [79.9]}, {"name": "total_charges", "numbers": [241.3]}]}'
ask stubtail.v1.ScoringService/Score "{\"model\": \"churn\", \"explain\": {\"top\": 3}, \"named\": $customer}"

ask stubtail.v1.DecisionService/Decide '{
  "model": "churn", "top": 2,
  "context": {"senior_citizen": {"number": 0}, "tenure": {"number": 3}, "phone_service": {"number": 1},
    "multiple_lines": {"text": "No"}, "internet_service": {"text": "Fiber optic"},
    "online_security": {"text": "No"}, "online_backup": {"text": "No"}, "device_protection": {"text": "No"},
    "tech_support": {"text": "No"}, "streaming_tv": {"text": "Yes"}, "streaming_movies": {"text": "No"},
    "contract": {"text": "Month-to-month"}, "paperless_billing": {"number": 1},
    "payment_method": {"text": "Electronic check"}, "monthly_charges": {"number": 79.9},
    "total_charges": {"number": 241.3}},
  "grid": {"axes": [{"name": "tech_support", "texts": {"values": ["No", "Yes"]}}]},
  "objective": {"direction": "DIRECTION_MINIMISE", "expression": "score"}}'

echo "== an error says what to change"
wrong=$("$grpcurl" -plaintext -format-error -d '{"model": "churn", "dense": {"values": [1, 2]}}' \
  "$server" stubtail.v1.ScoringService/Score 2>&1) && { echo "it was taken" >&2; exit 1; }
echo "$wrong"
