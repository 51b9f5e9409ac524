// Certificates and private keys in PEM form, also in the older forms that Java itself cannot read.
package io.github.stubtail;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Reads files in PEM form. */
final class Pem {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([^-]+)-----END \\1-----");
  private static final List<String> ALGORITHMS = List.of("EC", "RSA", "EdDSA");

  // DER of what stands around a key in PKCS#8 (RFC 5958): version 0, and rsaEncryption.
  private static final byte[] VERSION = {2, 1, 0};
  private static final byte[] RSA = {
    0x30, 0x0d, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
  };
  // id-ecPublicKey (RFC 5480); the curve follows.
  private static final byte[] EC = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};
  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 4;
  private static final int PARAMETERS = 0xa0;

  private Pem() {}

  /** All certificates of a file. */
  static X509Certificate[] certificates(Path file) throws IOException {
    try {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
      if (found.isEmpty()) {
        throw new IOException("TLS: " + file + " has no certificate");
      }
      return found.toArray(X509Certificate[]::new);
    } catch (GeneralSecurityException error) {
      throw new IOException("TLS: " + file + " has no certificate: " + error.getMessage(), error);
    }
  }

  /** Who trusts the authorities of a file, and nobody else. */
  static TrustManager[] trust(Path file) throws IOException {
    X509Certificate[] authorities = certificates(file);
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int i = 0; i < authorities.length; i++) {
        store.setCertificateEntry("authority-" + i, authorities[i]);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException error) {
      throw new IOException("TLS: " + file + ": " + error.getMessage(), error);
    }
  }

  /** The first private key of a file. */
  static PrivateKey privateKey(Path file) throws IOException {
    Matcher found = KEY.matcher(Files.readString(file, StandardCharsets.US_ASCII));
    if (!found.find()) {
      throw new IOException("TLS: " + file + " has no private key without a password");
    }
    byte[] der = Base64.getMimeDecoder().decode(found.group(2));
    byte[] pkcs8 =
        switch (found.group(1)) {
          case "RSA PRIVATE KEY" -> wrapped(SEQUENCE, VERSION, RSA, wrapped(OCTETS, der));
          case "EC PRIVATE KEY" ->
              wrapped(
                  SEQUENCE, VERSION, wrapped(SEQUENCE, EC, curve(der, file)), wrapped(OCTETS, der));
          default -> der;
        };
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException error) {
        continue; // a key of another kind
      }
    }
    throw new IOException("TLS: " + file + " has a private key of no kind that this Java knows");
  }

  /** The curve in an ECPrivateKey (RFC 5915): version, key, then the parameters under tag 0. */
  private static byte[] curve(byte[] der, Path file) throws IOException {
    try {
      int at = content(der, 0);
      for (int part = 0; part < 2; part++) {
        at = content(der, at) + length(der, at);
      }
      if ((der[at] & 0xff) != PARAMETERS) {
        throw new IOException("TLS: " + file + " does not name the curve of its key");
      }
      int start = content(der, at);
      return java.util.Arrays.copyOfRange(der, start, start + length(der, at));
    } catch (IndexOutOfBoundsException error) {
      throw new IOException("TLS: " + file + " has a damaged private key", error);
    }
  }

  private static int length(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    int length = first;
    if (first >= 0x80) {
      length = 0;
      for (int i = 0; i < (first & 0x7f); i++) {
        length = length << 8 | der[at + 2 + i] & 0xff;
      }
    }
    return length;
  }

  private static int content(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    return at + 2 + (first >= 0x80 ? first & 0x7f : 0);
  }

  private static byte[] wrapped(int tag, byte[]... parts) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      body.writeBytes(part);
    }
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.write(tag);
    int size = body.size();
    if (size < 0x80) {
      whole.write(size);
    } else {
      byte[] bytes = java.math.BigInteger.valueOf(size).toByteArray();
      int from = bytes[0] == 0 ? 1 : 0;
      whole.write(0x80 | bytes.length - from);
      whole.write(bytes, from, bytes.length - from);
    }
    whole.writeBytes(body.toByteArray());
    return whole.toByteArray();
  }
}
