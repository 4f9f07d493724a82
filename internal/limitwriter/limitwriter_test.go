package limitwriter_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/internal/limitwriter"
)

func TestTheBeginningIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		writes    []string
		kept      string
		truncated bool
	}{
		"nothing":        {nil, "", false},
		"less":           {[]string{"ab", "c"}, "abc", false},
		"as much":        {[]string{"abcd", "", "e"}, "abcde", false},
		"more at once":   {[]string{"abcdefg"}, "abcde", true},
		"more in parts":  {[]string{"abc", "def", "g"}, "abcde", true},
		"more when full": {[]string{"abcde", "f"}, "abcde", true},
	} {
		t.Run(name, func(t *testing.T) {
			dropping, strict := limitwriter.New(5), limitwriter.NewStrict(5)
			var failed error
			for _, text := range c.writes {
				if n, err := dropping.Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("Write(%q) = %d, %v", text, n, err)
				}
				if n, err := strict.Write([]byte(text)); (n < len(text)) != (err != nil) {
					t.Errorf("strict: Write(%q) = %d, %v", text, n, err)
				} else if err != nil {
					failed = err
				}
			}
			if c.truncated != errors.Is(failed, io.ErrShortWrite) {
				t.Errorf("the strict buffer failed with %v", failed)
			}
			for _, b := range []*limitwriter.Buffer{dropping, strict} {
				if b.String() != c.kept || string(b.Bytes()) != c.kept || b.Truncated() != c.truncated {
					t.Errorf("kept %q, truncated %t", b.String(), b.Truncated())
				}
			}
		})
	}
}

func TestBytesIsACopy(t *testing.T) {
	b := limitwriter.New(5)
	_, _ = b.Write([]byte("abc"))
	b.Bytes()[0] = 'x'
	if b.String() != "abc" {
		t.Errorf("kept %q", b.String())
	}
}

func TestConcurrentWrites(t *testing.T) {
	b := limitwriter.New(150)
	var writers sync.WaitGroup
	for range 10 {
		writers.Go(func() {
			for range 10 {
				_, _ = b.Write([]byte("ab"))
				_ = b.String()
			}
		})
	}
	writers.Wait()
	if got := b.String(); got != strings.Repeat("ab", 75) || !b.Truncated() {
		t.Errorf("kept %q", got)
	}
}
