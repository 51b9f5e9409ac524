// TLS, tokens and keys from files, read again.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CredentialsTest {
  private static final char[] PASSWORD = "changeit".toCharArray();
  private static final int PKCS8_AROUND_RSA = 26; // bytes before the PKCS#1 key of 2,048 bits

  @TempDir private Path folder;

  /** Writes a certificate for this machine, which is its own authority, and its key. */
  private void certify() throws Exception {
    Path store = folder.resolve("store.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "own",
                "-keyalg",
                "RSA",
                "-keysize",
                "2048",
                "-dname",
                "CN=test",
                "-ext",
                "san=ip:127.0.0.1,dns:localhost",
                "-keystore",
                store.toString(),
                "-storepass",
                new String(PASSWORD))
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes());
    assertEquals(0, keytool.waitFor(), said);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream read = new FileInputStream(store.toFile())) {
      keys.load(read, PASSWORD);
    }
    PrivateKey key = (PrivateKey) keys.getKey("own", PASSWORD);
    X509Certificate certificate = (X509Certificate) keys.getCertificate("own");
    byte[] pkcs8 = key.getEncoded();
    write("own.pem", "CERTIFICATE", certificate.getEncoded());
    write("own.key", "PRIVATE KEY", pkcs8);
    byte[] pkcs1 = Arrays.copyOfRange(pkcs8, PKCS8_AROUND_RSA, pkcs8.length);
    write("old.key", "RSA PRIVATE KEY", pkcs1);
  }

  private void write(String name, String kind, byte[] der) throws IOException {
    String text = Base64.getMimeEncoder().encodeToString(der);
    Files.writeString(
        folder.resolve(name),
        "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n".formatted(kind, text));
  }

  @Test
  void mutualTlsAndTokenFromFiles() throws Exception {
    certify();
    Path cert = folder.resolve("own.pem");
    Path token = Files.writeString(folder.resolve("token"), "first\n");
    try (ScriptedServer server =
        new ScriptedServer(
            TlsServerCredentials.newBuilder()
                .keyManager(cert.toFile(), folder.resolve("own.key").toFile())
                .trustManager(cert.toFile())
                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                .build())) {
      for (String key : new String[] {"own.key", "old.key"}) {
        Tls files = new Tls().withCa(cert).withCertificate(cert, folder.resolve(key));
        try (StubtailClient client =
            server.client(
                builder -> builder.tls(files).tokenFile(token).timeout(Duration.ofMinutes(1)))) {
          client.score("m", Rows.dense(1));
        }
      }
      assertEquals("Bearer first", server.headers.get(0).get(TokenFile.AUTHORIZATION));
      try (StubtailClient stranger =
          server.client(
              builder ->
                  builder.tls(new Tls().withCa(cert)).failFast().timeout(Duration.ofMinutes(1)))) {
        StubtailException error =
            assertThrows(StubtailException.class, () -> stranger.score("m", Rows.dense(1)));
        assertEquals(Status.Code.UNAVAILABLE, error.code());
      }
    }
  }

  @Test
  void aNewCertificateNeedsNoRestart() throws Exception {
    certify();
    Path cert = folder.resolve("own.pem");
    Path key = Files.copy(folder.resolve("own.key"), folder.resolve("live.key"));
    FileKeyManager manager = new FileKeyManager(cert, key);
    PrivateKey first = manager.getPrivateKey("any");
    Files.writeString(key, "being written");
    manager.chooseEngineClientAlias(null, null, null);
    assertEquals(first, manager.getPrivateKey("any"));
    Files.delete(folder.resolve("store.p12"));
    certify();
    Files.copy(folder.resolve("own.key"), key, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    manager.chooseEngineClientAlias(null, null, null);
    assertEquals(Pem.privateKey(folder.resolve("own.key")), manager.getPrivateKey("any"));
  }

  @Test
  void tokensAreReadAgain() throws Exception {
    Path path = Files.writeString(folder.resolve("token"), "first");
    AtomicLong clock = new AtomicLong(5);
    TokenFile file = new TokenFile(path, clock::get);
    Files.writeString(path, "second");
    assertEquals("Bearer first", file.header());
    clock.addAndGet(TokenFile.RELOAD_NS);
    assertEquals("Bearer second", file.header());
    Files.writeString(path, ""); // being replaced
    clock.addAndGet(TokenFile.RELOAD_NS);
    assertEquals("Bearer second", file.header());
    Metadata headers = new Metadata();
    file.put(headers);
    assertEquals("Bearer second", headers.get(TokenFile.AUTHORIZATION));
    assertThrows(IOException.class, () -> new TokenFile(path, clock::get));
  }

  @Test
  void aTokenIsNotSentInTheClear() throws Exception {
    Path token = Files.writeString(folder.resolve("token"), "secret");
    Map<String, Boolean> targets =
        Map.of(
            "127.0.0.1:8500", true,
            "localhost:8500", true,
            "dns:///localhost:8500", true,
            "[::1]:8500", true,
            "unix:/run/s", true,
            "scores.example:8500", false,
            "dns:///10.0.0.1:8500", false,
            "dns://127.0.0.1/scores.example:8500", false,
            "127.example:8500", false);
    targets.forEach(
        (target, local) -> assertEquals(local, StubtailClientBuilder.isLoopback(target), target));
    assertThrows(
        IllegalArgumentException.class,
        () -> StubtailClient.builder("scores.example:8500").tokenFile(token).build());
    for (Tls files :
        new Tls[] {
          new Tls().withCa(folder.resolve("none")),
          new Tls().withCa(token),
          new Tls().withCertificate(token, token)
        }) {
      assertThrows(IOException.class, () -> StubtailClient.builder("a:1").tls(files).build());
    }
    StubtailClient.builder("127.0.0.1:1").tokenFile(token).build().close();
    assertEquals(1, TimeUnit.NANOSECONDS.toSeconds(TokenFile.RELOAD_NS));
  }
}
