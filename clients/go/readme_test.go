package stubtail

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The Go of README.md is compiled as it stands there and run against a real server.
func TestREADME(t *testing.T) {
	_ = connected(t)
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of Go in README.md", len(blocks))
	}
	folder, err := os.MkdirTemp(".", "readme-") // within the module, whose packages it imports
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	code := strings.ReplaceAll(string(blocks[0][1]), "127.0.0.1:8500", os.Getenv("STUBTAIL_TEST_SERVER"))
	code = strings.ReplaceAll(code, "500*time.Millisecond", "time.Minute") // on a busy machine
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command("go", "run", "./"+folder).CombinedOutput()
	if err != nil || !regexp.MustCompile(`^0\.\d+ leave \d+\n$`).Match(output) {
		t.Errorf("%v: %s", err, output)
	}
}
