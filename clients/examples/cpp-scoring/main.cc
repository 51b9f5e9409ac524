// Scores one customer over the generated stub: a deadline, a priority, retries by gRPC itself, and errors
// with what the server says about them. There is no client of ours for C++; this is all that one needs.
//
//   cpp-scoring 127.0.0.1:8500 [contract]      prints the score and the label

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "stubtail/v1/scoring.grpc.pb.h"

namespace {

using stubtail::v1::NamedRows;
using stubtail::v1::ScoreRequest;
using stubtail::v1::ScoreResponse;
using stubtail::v1::ScoringService;

constexpr auto kTimeout = std::chrono::seconds(5);

// Calls wait for a connection, and what the server refuses for now is tried again when it says.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{"name": [{}], "waitForReady": true, "retryPolicy": {
    "maxAttempts": 3, "initialBackoff": "0.02s", "maxBackoff": "0.2s", "backoffMultiplier": 8,
    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]}}],
  "retryThrottling": {"maxTokens": 50, "tokenRatio": 0.1}})";

void Number(NamedRows* rows, const std::string& name, double value) {
  auto* column = rows->add_columns();
  column->set_name(name);
  column->add_numbers(value);
}

void Text(NamedRows* rows, const std::string& name, const std::string& value) {
  auto* column = rows->add_columns();
  column->set_name(name);
  column->add_strings(value);
}

ScoreRequest Customer(const std::string& contract) {
  ScoreRequest request;
  request.set_model("churn");
  request.set_priority(stubtail::v1::PRIORITY_CRITICAL);
  NamedRows* rows = request.mutable_named();
  Number(rows, "senior_citizen", 0);
  Number(rows, "tenure", 3);
  Number(rows, "phone_service", 1);
  Text(rows, "multiple_lines", "No");
  Text(rows, "internet_service", "Fiber optic");
  Text(rows, "online_security", "No");
  Text(rows, "online_backup", "No");
  Text(rows, "device_protection", "No");
  Text(rows, "tech_support", "No");
  Text(rows, "streaming_tv", "Yes");
  Text(rows, "streaming_movies", "No");
  Text(rows, "contract", contract);
  Number(rows, "paperless_billing", 1);
  Text(rows, "payment_method", "Electronic check");
  Number(rows, "monthly_charges", 79.9);
  Number(rows, "total_charges", 241.3);
  return request;
}

// The reason, the fields that are wrong, and when to come back: google.rpc.Status in the trailers.
void Explain(const grpc::Status& status) {
  std::cerr << "status " << status.error_code() << ": " << status.error_message() << "\n";
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return;
  for (const auto& packed : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (packed.UnpackTo(&info)) {
      std::cerr << "reason " << info.reason() << "\n";
    } else if (packed.UnpackTo(&bad)) {
      for (const auto& one : bad.field_violations()) {
        std::cerr << "field " << one.field() << ": " << one.description() << "\n";
      }
    } else if (packed.UnpackTo(&retry)) {
      using google::protobuf::util::TimeUtil;
      std::cerr << "again in " << TimeUtil::DurationToMilliseconds(retry.retry_delay()) << " ms\n";
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string server = argc > 1 ? argv[1] : "127.0.0.1:8500";
  const std::string contract = argc > 2 ? argv[2] : "Month-to-month";

  // One channel for the life of the program: it holds the connection.
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  auto channel = grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
  auto stub = ScoringService::NewStub(channel);

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);  // gRPC has none by default
  ScoreResponse reply;
  const grpc::Status status = stub->Score(&context, Customer(contract), &reply);
  if (!status.ok()) {
    Explain(status);
    return EXIT_FAILURE;
  }
  const int label = static_cast<int>(reply.label_indexes(0));
  std::cout << reply.scores(0) << " " << reply.classes(label) << " " << reply.version() << "\n";
  return EXIT_SUCCESS;
}
