// The key or token in a file, read again when it may have changed.
package io.github.stubtail;

import io.grpc.Metadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** The key or token in a file. It is read again when it is older than a second. */
final class TokenFile {
  static final long RELOAD_NS = TimeUnit.SECONDS.toNanos(1); // files are exchanged rarely
  static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Path path;
  private final LongSupplier clockNs;
  private String header;
  private long readNs;

  /**
   * Reads the file for the first time.
   *
   * @throws IOException it cannot be read, or is empty
   */
  TokenFile(Path path, LongSupplier clockNs) throws IOException {
    this.path = path;
    this.clockNs = clockNs;
    this.header = read();
    this.readNs = clockNs.getAsLong();
  }

  void put(Metadata headers) {
    headers.put(AUTHORIZATION, header());
  }

  synchronized String header() {
    long now = clockNs.getAsLong();
    if (now - readNs >= RELOAD_NS) {
      readNs = now;
      try {
        header = read();
      } catch (IOException error) {
        // It is being replaced: the old one counts until the server refuses it.
      }
    }
    return header;
  }

  private String read() throws IOException {
    String token = Files.readString(path).strip();
    if (token.isEmpty()) {
      throw new IOException("token: " + path + " is empty");
    }
    return "Bearer " + token;
  }
}
