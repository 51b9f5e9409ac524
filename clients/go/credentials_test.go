package stubtail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// certify writes an authority and a certificate of it for this machine; returns their files.
func certify(t *testing.T) (ca, cert, key string) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "caller"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
	}
	ownDER, err := x509.CreateCertificate(rand.Reader, own, authority, &ownKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(ownKey)
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", "CERTIFICATE", caDER), write("own.pem", "CERTIFICATE", ownDER), write("own.key", "EC PRIVATE KEY", keyDER)
}

func TestMutualTLSAndTokenFromFiles(t *testing.T) {
	ca, cert, key := certify(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(text)
	transport := credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &scripted{answers: []answer{good}}
	client := serve(t, s, transport, WithTLS(TLS{CAFile: ca, CertFile: cert, KeyFile: key}), WithTokenFile(token))
	if _, err := client.Score(context.Background(), "m", Dense{1}); err != nil {
		t.Fatal(err)
	}
	if got := s.calls[0].Get("authorization"); len(got) != 1 || got[0] != "Bearer first" {
		t.Errorf("sent %v", got)
	}
	stranger := serve(t, s, transport, WithTLS(TLS{CAFile: ca}), WithFailFast())
	if _, err := stranger.Score(context.Background(), "m", Dense{1}); status.Code(err) != codes.Unavailable {
		t.Errorf("without a certificate: %v", err)
	}
}

func TestTokensAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	file := &tokenFile{path: path}
	expect := func(want string) {
		t.Helper()
		got, err := file.GetRequestMetadata(context.Background())
		if err != nil || got["authorization"] != "Bearer "+want {
			t.Errorf("%v %v, want %s", got, err, want)
		}
	}
	expect("first")
	write("second")
	expect("first") // not older than a second
	file.read = time.Now().Add(-2 * tokenReload)
	expect("second")
	write("") // being replaced
	file.read = time.Now().Add(-2 * tokenReload)
	expect("second")
}

func TestATokenIsNotSentInTheClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for target, allowed := range map[string]bool{
		"127.0.0.1:8500": true, "localhost:8500": true, "dns:///localhost:8500": true, "[::1]:8500": true,
		"unix:/run/s": true, "scores.example:8500": false, "dns:///10.0.0.1:8500": false, "127.example:8500": false,
	} {
		client, err := New(target, WithTokenFile(path))
		if (err == nil) != allowed {
			t.Errorf("%s: %v", target, err)
		}
		if client != nil {
			_ = client.Close()
		}
	}
	for name, files := range map[string]TLS{"no file": {CAFile: path + "?"}, "no certificate": {CAFile: path}, "half": {CertFile: path}} {
		if _, err := New("a:1", WithTLS(files)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
