// Command conformance is the Go runner of clients/conformance: it does the calls of cases and prints what
// it saw, a line of JSON for each case.
//
//	conformance TARGET SERVER FOLDER CASES.json...
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	stubtail "github.com/stubtail/stubtail/clients/go"
)

type file struct {
	Cases []testCase `json:"cases"`
}

type testCase struct {
	Name   string  `json:"name"`
	Server string  `json:"server"`
	Client options `json:"client"`
	Calls  []call  `json:"calls"`
}

type options struct {
	TimeoutMS       int64             `json:"timeout_ms"`
	Connections     int               `json:"connections"`
	HedgeAfterMS    int64             `json:"hedge_after_ms"`
	MessageBytesMax int               `json:"message_bytes_max"`
	FailFast        bool              `json:"fail_fast"`
	TLS             map[string]string `json:"tls"`
	TokenFile       string            `json:"token_file"`
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, out io.Writer) error {
	if len(arguments) < 4 {
		return errors.New("conformance TARGET SERVER FOLDER CASES.json...")
	}
	target, server, folder := arguments[0], arguments[1], arguments[2]
	for _, path := range arguments[3:] {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var read file
		if err := json.Unmarshal(text, &read); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, one := range read.Cases {
			if one.Server != server {
				continue
			}
			calls, err := one.run(target, folder)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Name, err)
			}
			if err := json.NewEncoder(out).Encode(map[string]any{"case": one.Name, "calls": calls}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c testCase) run(target, folder string) ([]seen, error) {
	client, err := stubtail.New(target, c.Client.client(c.Name, folder)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	reports := make([]seen, 0, len(c.Calls))
	for _, one := range c.Calls {
		report, err := one.many(client)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (o options) client(name, folder string) []stubtail.Option {
	file := func(key string) string {
		if o.TLS[key] == "" {
			return ""
		}
		return filepath.Join(folder, o.TLS[key])
	}
	found := []stubtail.Option{stubtail.WithMetadata("x-stubtail-case", name)}
	if o.TimeoutMS > 0 {
		found = append(found, stubtail.WithTimeout(ms(o.TimeoutMS)))
	}
	if o.Connections > 0 {
		found = append(found, stubtail.WithConnections(o.Connections))
	}
	if o.HedgeAfterMS > 0 {
		found = append(found, stubtail.WithHedging(ms(o.HedgeAfterMS)))
	}
	if o.MessageBytesMax > 0 {
		found = append(found, stubtail.WithMessageBytesMax(o.MessageBytesMax))
	}
	if o.FailFast {
		found = append(found, stubtail.WithFailFast())
	}
	if o.TLS != nil {
		files := stubtail.TLS{CAFile: file("ca"), CertFile: file("cert"), KeyFile: file("key")}
		found = append(found, stubtail.WithTLS(files))
	}
	if o.TokenFile != "" {
		found = append(found, stubtail.WithTokenFile(filepath.Join(folder, o.TokenFile)))
	}
	return found
}
