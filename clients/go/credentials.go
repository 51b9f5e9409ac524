package stubtail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
)

const tokenReload = time.Second // how old a token may be that is sent; files are exchanged rarely

// TLS names files in PEM form. All of them are optional.
type TLS struct {
	// CAFile has the authorities that the server's certificate may come from; empty takes the system's.
	CAFile string
	// CertFile and KeyFile are the client's own certificate, for servers that demand one.
	CertFile, KeyFile string
	// ServerName is the name in the server's certificate, where it is not that of the target.
	ServerName string
}

// WithTLS encrypts. The client's own certificate is read again for each connection, so that a new one
// needs no restart.
func WithTLS(files TLS) Option {
	return func(s *settings) error {
		config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: files.ServerName}
		if files.CAFile != "" {
			pem, err := os.ReadFile(files.CAFile)
			if err != nil {
				return fmt.Errorf("stubtail: CAFile: %w", err)
			}
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM(pem) {
				return fmt.Errorf("stubtail: CAFile: %s has no certificate", files.CAFile)
			}
		}
		if (files.CertFile == "") != (files.KeyFile == "") {
			return fmt.Errorf("stubtail: CertFile and KeyFile come together")
		}
		if files.CertFile != "" {
			load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
				return &pair, err
			}
			if _, err := load(nil); err != nil {
				return fmt.Errorf("stubtail: CertFile and KeyFile: %w", err)
			}
			config.GetClientCertificate = load
		}
		s.transport = credentials.NewTLS(config)
		return nil
	}
}

// WithTokenFile sends the key or token in a file with every call. The file is read again when it is older
// than a second, so that a new token needs no restart. It is not sent in the clear but to this machine.
func WithTokenFile(path string) Option {
	return func(s *settings) error {
		t := &tokenFile{path: path}
		if _, err := t.GetRequestMetadata(context.Background()); err != nil {
			return err
		}
		s.token = t
		return nil
	}
}

type tokenFile struct {
	path string

	mu     sync.Mutex
	header map[string]string
	read   time.Time
}

func (t *tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.header != nil && time.Since(t.read) < tokenReload {
		return t.header, nil
	}
	text, err := os.ReadFile(t.path)
	token := strings.TrimSpace(string(text))
	switch {
	case err != nil && t.header == nil:
		return nil, fmt.Errorf("stubtail: token: %w", err)
	case err != nil || token == "": // it is being replaced: the old one counts until the server refuses it
		if t.header == nil {
			return nil, fmt.Errorf("stubtail: token: %s is empty", t.path)
		}
	default:
		t.header = map[string]string{"authorization": "Bearer " + token}
	}
	t.read = time.Now()
	return t.header, nil
}

// RequireTransportSecurity is false, because dialOptions has looked at the target itself.
func (t *tokenFile) RequireTransportSecurity() bool { return false }

// fixed are metadata of every call.
type fixed metadata.MD

func (f fixed) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	header := make(map[string]string, len(f))
	for key, values := range f {
		header[key] = strings.Join(values, ",")
	}
	return header, nil
}

func (f fixed) RequireTransportSecurity() bool { return false }

// isLoopback says whether a target is this machine's own by its looks; nothing is resolved.
func isLoopback(target string) bool {
	address := target
	for _, scheme := range []string{"dns:///", "passthrough:///", "ipv4:", "ipv6:"} {
		address = strings.TrimPrefix(address, scheme)
	}
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
