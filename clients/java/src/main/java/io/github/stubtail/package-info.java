/**
 * Calls a stubtail inference server: scores, decisions, forecasts, anomalies and language models
 * over gRPC, with a deadline on every call.
 *
 * <p>Start at {@link io.github.stubtail.StubtailClient}. The messages of the API and its stubs are
 * in {@code io.github.stubtail.v1}. What every client of every language does alike is in
 * clients/README.md of the repository.
 */
package io.github.stubtail;
