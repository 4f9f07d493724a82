package admission

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// Certificate is a serving certificate from files, which may be replaced at any time, as those of a mounted Secret
// are. Make one with LoadCertificate.
type Certificate struct {
	chainFile, keyFile string

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]time.Time // when the files were changed
}

// LoadCertificate reads a chain and its key, both PEM.
func LoadCertificate(chainFile, keyFile string) (*Certificate, error) {
	c := &Certificate{chainFile: chainFile, keyFile: keyFile}
	stamp, err := c.changed()
	if err != nil {
		return nil, fmt.Errorf("reading the webhook's certificate: %w", err)
	}
	if err := c.load(stamp); err != nil {
		return nil, err
	}
	return c, nil
}

// Get is for tls.Config.GetCertificate. It looks for new files each time: the API server keeps its connections, so
// handshakes are rare. While new files can't be used, the old certificate is served.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp, err := c.changed()
	if err == nil && stamp != c.stamp {
		err = c.load(stamp)
	}
	if err != nil {
		klog.ErrorS(err, "Reloading the webhook's certificate failed, serving the previous one")
	}
	return c.current, nil
}

func (c *Certificate) load(stamp [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.chainFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading the webhook's certificate %s with key %s: %w", c.chainFile, c.keyFile, err)
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

func (c *Certificate) changed() (stamp [2]time.Time, err error) {
	for i, file := range []string{c.chainFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}
