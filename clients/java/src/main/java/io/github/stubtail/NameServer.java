// Targets that name their DNS server, dns://SERVER/NAME:PORT: gRPC for Java passes over that
// server.
package io.github.stubtail;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.naming.Context;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.directory.InitialDirContext;

/** Asks the DNS server in the target for the addresses of a name, by the JDK's own DNS client. */
final class NameServer extends NameResolver {
  private static final String SCHEME = "stubtail-dns";
  private static final String STANDARD = "dns://";
  private static final String TIMEOUT_MS = "1000"; // doubled for each further try
  private static final String TRIES = "3";
  // One question for each: many servers refuse the one for everything (RFC 8482).
  private static final List<String> KINDS = List.of("A", "AAAA");
  private static final AtomicBoolean REGISTERED = new AtomicBoolean();

  private final String server;
  private final String host;
  private final int port;
  private final Args args;
  private Listener2 listener;
  private boolean asking;
  private boolean again;
  private boolean ended;

  private NameServer(URI target, Args args) {
    URI name = URI.create("//" + target.getPath().substring(1));
    this.server = target.getAuthority();
    this.host = name.getHost();
    this.port = name.getPort() < 0 ? args.getDefaultPort() : name.getPort();
    this.args = args;
  }

  /** The target as gRPC's registry finds this resolver, where it names a server; else as it is. */
  static String target(String target) {
    if (!target.startsWith(STANDARD) || target.startsWith(STANDARD + "/")) {
      return target;
    }
    if (REGISTERED.compareAndSet(false, true)) {
      NameResolverRegistry.getDefaultRegistry().register(new Provider());
    }
    return SCHEME + target.substring(STANDARD.indexOf(':'));
  }

  @Override
  public String getServiceAuthority() {
    return host + ":" + port;
  }

  @Override
  public synchronized void start(Listener2 told) {
    listener = told;
    refresh();
  }

  @Override
  public synchronized void refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    Executor executor = args.getOffloadExecutor();
    if (executor != null) {
      executor.execute(this::ask);
    } else {
      new Thread(this::ask, "stubtail-dns").start();
    }
  }

  @Override
  public synchronized void shutdown() {
    ended = true;
  }

  private void ask() {
    StatusOr<List<EquivalentAddressGroup>> found;
    try {
      found = StatusOr.fromValue(addresses());
    } catch (NamingException | IOException error) {
      String why = "the name server " + server + " does not know " + host + ": " + error;
      found = StatusOr.fromStatus(Status.UNAVAILABLE.withDescription(why).withCause(error));
    }
    ResolutionResult result = ResolutionResult.newBuilder().setAddressesOrError(found).build();
    boolean repeat;
    synchronized (this) {
      asking = false;
      repeat = again && !ended;
      again = false;
      if (ended) {
        return;
      }
    }
    args.getSynchronizationContext().execute(() -> listener.onResult2(result));
    if (repeat) {
      refresh();
    }
  }

  private List<EquivalentAddressGroup> addresses() throws NamingException, IOException {
    Hashtable<String, String> settings = new Hashtable<>();
    settings.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
    settings.put(Context.PROVIDER_URL, STANDARD + server);
    settings.put("com.sun.jndi.dns.timeout.initial", TIMEOUT_MS);
    settings.put("com.sun.jndi.dns.timeout.retries", TRIES);
    InitialDirContext directory = new InitialDirContext(settings);
    try {
      List<EquivalentAddressGroup> found = new ArrayList<>();
      for (String kind : KINDS) {
        Attribute values = directory.getAttributes(host, new String[] {kind}).get(kind);
        for (int i = 0; values != null && i < values.size(); i++) {
          InetAddress address = InetAddress.getByName(values.get(i).toString());
          found.add(new EquivalentAddressGroup(new InetSocketAddress(address, port)));
        }
      }
      if (found.isEmpty()) {
        throw new IOException("it has no address");
      }
      return found;
    } finally {
      directory.close();
    }
  }

  /**
   * Makes resolvers of this scheme; the scheme is our own, so that nobody else's targets change.
   */
  private static final class Provider extends NameResolverProvider {
    @Override
    public NameResolver newNameResolver(URI target, Args args) {
      return SCHEME.equals(target.getScheme()) ? new NameServer(target, args) : null;
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 0; // below all others: it is never the default
    }
  }
}
