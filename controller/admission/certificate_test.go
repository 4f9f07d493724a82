package admission_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
)

func write(t *testing.T, dir, name string) {
	t.Helper()
	pair, err := certificates.SelfSigned(name)
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key} {
		put(t, filepath.Join(dir, file), content)
	}
}

// put writes a file with a time that no earlier one has, whatever the file system's resolution.
func put(t *testing.T, file string, content []byte) {
	t.Helper()
	stamp := time.Now()
	if info, err := os.Stat(file); err == nil {
		stamp = info.ModTime().Add(time.Minute)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, stamp, stamp); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "first")
	certificate, err := admission.LoadCertificate(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		got, err := certificate.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if name := got.Leaf.Subject.CommonName; name != want {
			t.Errorf("certificate of %q, want %q", name, want)
		}
	}
	expect("first")
	write(t, dir, "second")
	expect("second")
	put(t, filepath.Join(dir, "tls.crt"), []byte("half a file"))
	expect("second")
	write(t, dir, "third")
	expect("third")
	if err := os.Remove(filepath.Join(dir, "tls.key")); err != nil {
		t.Fatal(err)
	}
	expect("third")
}

func TestCertificateThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tls.crt")
	if _, err := admission.LoadCertificate(file, file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("no file: %v", err)
	}
	put(t, file, []byte("no certificate"))
	if _, err := admission.LoadCertificate(file, file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("no certificate: %v", err)
	}
}
