// TLS from files in PEM form: authorities, and the client's own certificate, which is read again.
package io.github.stubtail;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Encryption, with files in PEM form. {@code new Tls()} trusts the authorities of this Java.
 *
 * @param ca the authorities that the server's certificate may come from
 * @param cert the client's own certificate, for servers that demand one
 * @param key its private key, PKCS#8, PKCS#1 or SEC1
 * @param serverName the name in the server's certificate, where it is not that of the target
 */
public record Tls(
    Optional<Path> ca, Optional<Path> cert, Optional<Path> key, Optional<String> serverName) {
  /** Trusts the authorities of this Java. */
  public Tls() {
    this(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** Trusts the authorities in a file instead. */
  public Tls withCa(Path file) {
    return new Tls(Optional.of(file), cert, key, serverName);
  }

  /** Shows an own certificate. Both files are read again for each connection. */
  public Tls withCertificate(Path certFile, Path keyFile) {
    return new Tls(ca, Optional.of(certFile), Optional.of(keyFile), serverName);
  }

  /** Expects this name in the server's certificate. */
  public Tls withServerName(String name) {
    return new Tls(ca, cert, key, Optional.of(name));
  }

  /**
   * The same as gRPC takes it.
   *
   * @throws IOException a file cannot be read, or is not what it should be
   */
  ChannelCredentials credentials() throws IOException {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    if (ca.isPresent()) {
      builder.trustManager(Pem.trust(ca.get()));
    }
    if (cert.isPresent() != key.isPresent()) {
      throw new IOException("TLS: a certificate and its key come together");
    }
    if (cert.isPresent()) {
      builder.keyManager(new FileKeyManager(cert.get(), key.get()));
    }
    return builder.build();
  }
}
