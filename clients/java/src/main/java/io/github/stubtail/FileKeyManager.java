// The client's own certificate, read from its files for each connection.
package io.github.stubtail;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/** A key manager of one certificate in files, so that a new one needs no restart. */
final class FileKeyManager extends X509ExtendedKeyManager {
  private static final String ALIAS = "stubtail";

  private record Pair(X509Certificate[] chain, PrivateKey key) {}

  private final Path certFile;
  private final Path keyFile;
  private volatile Pair pair;

  /**
   * Reads the files for the first time.
   *
   * @throws IOException they cannot be read, or are not what they should be
   */
  FileKeyManager(Path certFile, Path keyFile) throws IOException {
    this.certFile = certFile;
    this.keyFile = keyFile;
    this.pair = read();
  }

  private Pair read() throws IOException {
    return new Pair(Pem.certificates(certFile), Pem.privateKey(keyFile));
  }

  private String fresh() {
    try {
      pair = read();
    } catch (IOException error) {
      // It is being replaced: the old one counts until the server refuses it.
    }
    return ALIAS;
  }

  @Override
  public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
    return fresh();
  }

  @Override
  public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
    return fresh();
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return pair.chain().clone();
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return pair.key();
  }

  @Override
  public String[] getClientAliases(String type, Principal[] issuers) {
    return new String[] {ALIAS};
  }

  @Override
  public String[] getServerAliases(String type, Principal[] issuers) {
    return new String[0];
  }

  @Override
  public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
    return null;
  }
}
