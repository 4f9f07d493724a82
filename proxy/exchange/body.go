package exchange

import (
	"context"
	"time"

	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/downstream"
)

// compressed compresses a body.
type compressed struct {
	to     bodyWriter
	writer *compress.Writer
	// pending is whether something was written since the last flush: flushing costs some bytes.
	pending bool
}

func newCompressed(compressor *compress.Compressor, to bodyWriter) *compressed {
	return &compressed{to: to, writer: compressor.Writer(pieces{to})}
}

// pieces makes a bodyWriter an io.Writer.
type pieces struct{ to bodyWriter }

func (p pieces) Write(piece []byte) (int, error) {
	if err := p.to.Data(piece); err != nil {
		return 0, err
	}
	return len(piece), nil
}

// Data implements bodyWriter.
func (c *compressed) Data(piece []byte) error {
	c.pending = true
	_, err := c.writer.Write(piece)
	return err
}

// Flush implements bodyWriter.
func (c *compressed) Flush() error {
	if c.pending {
		c.pending = false
		if err := c.writer.Flush(); err != nil {
			return err
		}
	}
	return c.to.Flush()
}

func (c *compressed) finish() error {
	defer c.writer.Release()
	return c.writer.Close()
}

// finishBody writes what is left when the body has ended.
func finishBody(to bodyWriter) error {
	if c, ok := to.(*compressed); ok {
		return c.finish()
	}
	return nil
}

// throttled sends no more than rate bytes a second, after the first ones, which are free. As in nginx, a second's bytes
// may be sent ahead.
type throttled struct {
	client     downstream.Client
	rate, free int64
	started    time.Time
	sent       int64
}

// throttledPiece is how many bytes are sent before the rate is checked again.
const throttledPiece = 16 << 10

// Data implements bodyWriter.
func (t *throttled) Data(piece []byte) error {
	for len(piece) > 0 {
		part := piece[:min(len(piece), throttledPiece)]
		if err := t.pause(); err != nil {
			return err
		}
		if err := t.client.Data(part); err != nil {
			return err
		}
		t.sent += int64(len(part))
		piece = piece[len(part):]
	}
	return nil
}

// pause waits until more may be sent.
func (t *throttled) pause() error {
	ahead := time.Duration(float64(t.sent-t.free)/float64(t.rate)*float64(time.Second)) - time.Second - time.Since(t.started)
	if ahead <= 0 {
		return nil
	}
	if err := t.client.Flush(); err != nil {
		return err
	}
	ctx := t.client.Context()
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Flush implements bodyWriter.
func (t *throttled) Flush() error { return t.client.Flush() }
