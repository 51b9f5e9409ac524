// What a client was built with.
package io.github.stubtail;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * What a client was built with; {@link StubtailClientBuilder} has the meaning and the bounds.
 *
 * @param target the server
 * @param timeout of calls that have none
 * @param chatTimeout the same for language models
 * @param connections how many to each address
 * @param hedgeAfter when a call is made a second time
 * @param messageBytesMax the largest request and reply
 * @param failFast whether calls fail at once without a connection
 * @param tls the files of TLS; empty for plain text
 * @param token the credential; empty for none
 * @param metadata what goes with every call
 * @param interceptors of the caller, around every attempt
 * @param executor where answers are handled; empty for gRPC's own threads
 * @param channel the last word on each connection
 */
record Settings(
    String target,
    Duration timeout,
    Duration chatTimeout,
    int connections,
    Optional<Duration> hedgeAfter,
    int messageBytesMax,
    boolean failFast,
    Optional<Tls> tls,
    Optional<TokenFile> token,
    Metadata metadata,
    List<ClientInterceptor> interceptors,
    Optional<Executor> executor,
    Consumer<ManagedChannelBuilder<?>> channel) {}
