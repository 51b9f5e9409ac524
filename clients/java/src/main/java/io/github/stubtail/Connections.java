// The connections of one client as a channel: every call over it has the client's behaviour.
package io.github.stubtail;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The connections of one client, which take turns. */
final class Connections extends Channel implements AutoCloseable {
  // Above the 10 s that the server demands between pings, and none without a call.
  private static final Duration KEEPALIVE_TIME = Duration.ofSeconds(30);
  private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

  /** One connection: what is called, and what tells how it is. */
  record One(Channel channel, ManagedChannel managed) {
    boolean isReady() {
      return managed.getState(false) == ConnectivityState.READY;
    }
  }

  final Settings settings;
  final Budget retries = new Budget(Retries.TOKENS, Retries.TOKENS / 2, Retries.TOKEN_RATIO);
  final Budget hedges = new Budget(Retries.HEDGE_TOKENS, 1, Retries.TOKEN_RATIO);
  final ScheduledThreadPoolExecutor timer;

  /** Calls that wait for a retry: closing ends them. */
  final Set<AttemptsCall<?, ?>> waiting = ConcurrentHashMap.newKeySet();

  private final List<One> connections = new ArrayList<>();
  private final AtomicInteger turn = new AtomicInteger();
  private volatile boolean closed;

  Connections(Settings settings) throws IOException {
    this.settings = settings;
    timer = new ScheduledThreadPoolExecutor(1, Connections::timerThread);
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    ChannelCredentials credentials =
        settings.tls().isPresent()
            ? settings.tls().get().credentials()
            : InsecureChannelCredentials.create();
    for (int i = 0; i < settings.connections(); i++) {
      ManagedChannel managed = open(credentials);
      connections.add(
          new One(ClientInterceptors.intercept(managed, settings.interceptors()), managed));
      new Reconnect(managed, timer).start();
    }
  }

  private ManagedChannel open(ChannelCredentials credentials) {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(NameServer.target(settings.target()), credentials)
            .userAgent("stubtail-java/" + Version.VERSION)
            // The addresses of a name take turns; one address alone makes no difference.
            .defaultLoadBalancingPolicy("round_robin")
            .disableServiceConfigLookUp()
            .disableRetry() // gRPC's own, which cannot read RetryInfo
            .keepAliveTime(KEEPALIVE_TIME.toNanos(), TimeUnit.NANOSECONDS)
            .keepAliveTimeout(KEEPALIVE_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
            .maxInboundMessageSize(settings.messageBytesMax());
    settings.tls().flatMap(Tls::serverName).ifPresent(builder::overrideAuthority);
    settings.executor().ifPresent(builder::executor);
    settings.channel().accept(builder);
    return builder.build();
  }

  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    CallOptions own = options.withMaxOutboundMessageSize(settings.messageBytesMax());
    if (!settings.failFast()) {
      own = own.withWaitForReady();
    }
    if (!method.getType().clientSendsOneMessage()) {
      return new StreamCall<>(this, method, own);
    }
    if (options.getDeadline() == null && Context.current().getDeadline() == null) {
      Duration timeout =
          Retries.asksLanguageModels(method.getServiceName())
              ? settings.chatTimeout()
              : settings.timeout();
      own = own.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }
    return new AttemptsCall<>(this, method, own);
  }

  @Override
  public String authority() {
    return connections.get(0).channel().authority();
  }

  /** The connection whose turn it is. */
  One next() {
    int count = connections.size();
    return connections.get(count == 1 ? 0 : Math.floorMod(turn.getAndIncrement(), count));
  }

  /** A failure with what this client knows of its connections. */
  Failure told(Failure failure, One connection, boolean over) {
    if (!failure.reason().isEmpty()) {
      return failure;
    }
    return switch (failure.status().getCode()) {
      case UNAVAILABLE -> {
        if (closed) {
          yield failure.ofClosedClient();
        }
        yield failure.withoutConnection(settings.target(), over);
      }
      case DEADLINE_EXCEEDED ->
          connection.isReady() ? failure : failure.withoutConnection(settings.target(), true);
      default -> failure;
    };
  }

  /** Ends calls under way with CANCELLED, and waits a little for the connections to close. */
  @Override
  public void close() {
    closed = true;
    timer.shutdown();
    waiting.forEach(AttemptsCall::closed);
    for (One one : connections) {
      one.managed().shutdownNow();
    }
    try {
      long end = System.nanoTime() + CLOSE_PATIENCE.toNanos();
      for (One one : connections) {
        one.managed().awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private static Thread timerThread(Runnable work) {
    Thread thread = new Thread(work, "stubtail-timer");
    thread.setDaemon(true);
    return thread;
  }
}
