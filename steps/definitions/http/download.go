package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// downloadTimeout bounds a download, and maxDownload its length in bytes.
	downloadTimeout = 2 * time.Minute
	maxDownload     = 1 << 30
)

// downloadKey is the context key of the last download.
type downloadKey struct{}

// download is a response that is being read. Its fields are set when done is closed.
type download struct {
	url string
	// begun is closed when the response has begun, or there is none.
	begun  chan struct{}
	done   chan struct{}
	status int
	length int64
	took   time.Duration
	err    error
}

func downloads() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client starts to download "([^"]*)"`,
			Example: `the client starts to download "http://shop.${domain}/film"`,
			Handler: func(ctx context.Context, url string) (context.Context, error) { return startDownload(ctx, url, 0) },
		},
		{
			Pattern: `the client starts to download "([^"]*)" and reads (\d+) KiB a second`,
			Example: `the client starts to download "http://shop.${domain}/film" and reads 100 KiB a second`,
			Handler: startDownload,
		},
		{
			Pattern: `the download is complete`,
			Example: `the download is complete`,
			Handler: downloaded,
		},
	}
}

// startDownload requests a URL, waits until the response begins, and reads it in the background, at most at the rate, if it
// isn't 0. Later steps can rely on a controller that is busy with it.
func startDownload(ctx context.Context, url string, kibibytes int) (context.Context, error) {
	scenario := world.From(ctx)
	reading, cancel := context.WithTimeout(ctx, downloadTimeout)
	request, err := http.NewRequestWithContext(reading, http.MethodGet, url, nil)
	if err != nil {
		cancel()
		return ctx, fmt.Errorf("building the request GET %s: %w", url, err)
	}
	session := scenario.Client.Session()
	started := &download{url: url, begun: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(started.done)
		defer cancel()
		defer session.Close()
		started.read(session, request, int64(kibibytes)<<10)
	}()
	scenario.AtEnd(func(context.Context) error {
		cancel()
		<-started.done
		return nil
	})
	select {
	case <-started.begun:
	case <-ctx.Done():
		return ctx, context.Cause(ctx)
	}
	return context.WithValue(ctx, downloadKey{}, started), nil
}

// read reads the response until its end. Bytes a second of 0 reads as fast as they come.
func (d *download) read(session *client.Session, request *http.Request, bytesPerSecond int64) {
	began := time.Now()
	response, err := session.RoundTrip(request)
	close(d.begun)
	if err != nil {
		d.err = err
		return
	}
	defer response.Body.Close()
	d.status = response.StatusCode
	if bytesPerSecond == 0 {
		d.length, d.err = io.Copy(io.Discard, io.LimitReader(response.Body, maxDownload))
		d.took = time.Since(began)
		return
	}
	const turn = 100 * time.Millisecond
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for d.length < maxDownload {
		count, err := io.CopyN(io.Discard, response.Body, max(1, bytesPerSecond*int64(turn)/int64(time.Second)))
		d.length += count
		if err != nil {
			if !errors.Is(err, io.EOF) {
				d.err = err
			}
			break
		}
		<-ticker.C
	}
	d.took = time.Since(began)
}

// downloaded waits for the end of the last download. A response that breaks off is an error of net/http.
func downloaded(ctx context.Context) error {
	last, _ := ctx.Value(downloadKey{}).(*download)
	if last == nil {
		return errors.New("there is no download: an earlier step must start one")
	}
	select {
	case <-last.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	expected := "a complete response with the status 200 from " + last.url
	if last.err != nil {
		return world.AnswerFailure(effect.Lost, expected, fmt.Sprintf("status %d, and after %d bytes: %v", last.status, last.length, last.err), world.Diagnosis)
	}
	if last.status != http.StatusOK {
		return world.AnswerFailure(statusEffect(http.StatusOK, last.status, false), expected, fmt.Sprintf("status %d", last.status), world.Diagnosis)
	}
	return nil
}
