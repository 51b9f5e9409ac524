// What a client can be told: deadlines, connections, credentials, limits.
package io.github.stubtail;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** Builds a {@link StubtailClient}. Whatever is not set has the default that its method names. */
public final class StubtailClientBuilder {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final Duration CHAT_TIMEOUT = Duration.ofMinutes(1);
  // A call that nobody will wait for is a leak.
  private static final Duration TIMEOUT_MAX = Duration.ofDays(1);
  private static final int CONNECTIONS_MAX = 256;
  private static final int MESSAGE_BYTES_MAX = 64 << 20;
  private static final int MESSAGE_BYTES_LEAST = 1024;
  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(?:dns:///|passthrough:///|ipv4:|ipv6:)?"
              + "(?:localhost|127(?:\\.\\d{1,3}){3}|\\[::1\\]|::1)(?::\\d+)?"
              + "|unix:.*|unix-abstract:.*");

  private final String target;
  private final Metadata metadata = new Metadata();
  private final List<ClientInterceptor> interceptors = new ArrayList<>();
  private Duration timeout = TIMEOUT;
  private Duration chatTimeout = CHAT_TIMEOUT;
  private int connections = 1;
  private Optional<Duration> hedgeAfter = Optional.empty();
  private int messageBytesMax = MESSAGE_BYTES_MAX;
  private boolean failFast;
  private Optional<Tls> tls = Optional.empty();
  private Optional<Path> tokenFile = Optional.empty();
  private Optional<Executor> executor = Optional.empty();
  private Consumer<ManagedChannelBuilder<?>> channel = builder -> {};

  StubtailClientBuilder(String target) {
    this.target = Objects.requireNonNull(target, "target");
  }

  /**
   * For calls without a deadline of their own: 1 s where it is not given, 1 min for calls of
   * language models, which it bounds too. There is no way to wait for ever.
   */
  public StubtailClientBuilder timeout(Duration wait) {
    timeout = bounded(wait);
    chatTimeout = timeout;
    return this;
  }

  /**
   * Opens so many connections to each address, which take turns; 1 where it is not given. The
   * kernel gives each connection to one worker of the server: use at least as many as it has
   * workers.
   */
  public StubtailClientBuilder connections(int count) {
    if (count < 1 || count > CONNECTIONS_MAX) {
      throw new IllegalArgumentException(
          "connections are 1 to " + CONNECTIONS_MAX + ", not " + count);
    }
    connections = count;
    return this;
  }

  /**
   * Makes an unary call a second time when it has not been answered for so long, on the next
   * connection, and takes the first good answer. At most a tenth of the calls are made twice; those
   * of language models never are. A good time is the p95 of the calls.
   */
  public StubtailClientBuilder hedgeAfter(Duration wait) {
    hedgeAfter = Optional.of(bounded(wait));
    return this;
  }

  /**
   * Bounds a request and a reply, 64 MiB where it is not given. The server has a bound of its own
   * for requests, 16 MiB by default.
   */
  public StubtailClientBuilder messageBytesMax(int bytes) {
    if (bytes < MESSAGE_BYTES_LEAST) {
      throw new IllegalArgumentException("a message of " + bytes + " bytes holds nothing");
    }
    messageBytesMax = bytes;
    return this;
  }

  /**
   * Fails calls at once while the server cannot be reached. Without it they wait for a connection
   * until their deadline, which rides over a restart of the server.
   */
  public StubtailClientBuilder failFast() {
    failFast = true;
    return this;
  }

  /** Encrypts. */
  public StubtailClientBuilder tls(Tls files) {
    tls = Optional.of(files);
    return this;
  }

  /**
   * Sends the key or token in a file with every call. The file is read again when it is older than
   * a second. It is not sent in the clear but to this machine.
   */
  public StubtailClientBuilder tokenFile(Path file) {
    tokenFile = Optional.of(file);
    return this;
  }

  /** Sends a pair of key and value with every call. */
  public StubtailClientBuilder metadata(String key, String value) {
    metadata.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value);
    return this;
  }

  /** Adds an interceptor around every attempt, such as that of OpenTelemetry. */
  public StubtailClientBuilder interceptor(ClientInterceptor interceptor) {
    interceptors.add(interceptor);
    return this;
  }

  /** Completes futures and calls subscribers here instead of on gRPC's own threads. */
  public StubtailClientBuilder executor(Executor threads) {
    executor = Optional.of(threads);
    return this;
  }

  /** Has the last word on each connection, for what this builder does not offer. */
  public StubtailClientBuilder channel(Consumer<ManagedChannelBuilder<?>> last) {
    channel = last;
    return this;
  }

  /**
   * Makes the client. Nothing is sent before the first call.
   *
   * @throws IOException a file cannot be read, or is not what it should be
   * @throws IllegalArgumentException a token would be sent in the clear to another machine
   */
  public StubtailClient build() throws IOException {
    if (tokenFile.isPresent() && tls.isEmpty() && !isLoopback(target)) {
      throw new IllegalArgumentException(
          "a token is not sent to " + target + " in the clear; give tls(..)");
    }
    Optional<TokenFile> token = Optional.empty();
    if (tokenFile.isPresent()) {
      token = Optional.of(new TokenFile(tokenFile.get(), System::nanoTime));
    }
    Metadata own = new Metadata(); // the builder may go on
    own.merge(metadata);
    Settings settings =
        new Settings(
            target,
            timeout,
            chatTimeout,
            connections,
            hedgeAfter,
            messageBytesMax,
            failFast,
            tls,
            token,
            own,
            List.copyOf(interceptors),
            executor,
            channel);
    return new StubtailClient(new Connections(settings), Options.NONE);
  }

  static Duration bounded(Duration wait) {
    if (wait.isNegative() || wait.isZero() || wait.compareTo(TIMEOUT_MAX) > 0) {
      throw new IllegalArgumentException(
          "a time is above 0 and at most " + TIMEOUT_MAX + ", not " + wait);
    }
    return wait;
  }

  /** Whether a target is this machine's own by its looks; nothing is resolved. */
  static boolean isLoopback(String target) {
    return LOOPBACK.matcher(target).matches();
  }
}
