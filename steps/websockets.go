package steps

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// websocketTimeout bounds the handshake, and the wait for one message.
const websocketTimeout = 10 * time.Second

// websockets are the steps about WebSocket connections (RFC 6455).
type websockets struct {
	*scenario
	connection *websocket.Conn
}

func (w *websockets) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client opens a WebSocket to "(wss?://[^"]*)"`,
			Example: `the client opens a WebSocket to "ws://chat.${domain}/websocket"`,
			Handler: w.open,
		},
		{
			Pattern: `the WebSocket sends "([^"]*)" back`,
			Example: `the WebSocket sends "hello" back`,
			Handler: w.echoes,
		},
	}
}

// open leaves the connection open until the scenario ends.
func (w *websockets) open(ctx context.Context, url string) error {
	session := w.client.Session()
	dialer := websocket.Dialer{
		NetDialContext: session.Dial, HandshakeTimeout: websocketTimeout,
		// Certificates are judged by steps of their own.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}
	connection, response, err := dialer.DialContext(ctx, url, http.Header{}) //nolint:bodyclose // of a refused handshake the library closes it
	if err != nil {
		seen := err.Error()
		if response != nil {
			seen += ": " + response.Status
		}
		return failure("status 101 (Switching Protocols) for "+url, seen, whereToLook)
	}
	context.AfterFunc(ctx, func() { _ = connection.Close() })
	w.connection = connection
	return nil
}

func (w *websockets) echoes(_ context.Context, text string) error {
	if w.connection == nil {
		return errors.New("there is no WebSocket: a step before this one must open it")
	}
	deadline := time.Now().Add(websocketTimeout)
	if err := errors.Join(w.connection.SetWriteDeadline(deadline), w.connection.SetReadDeadline(deadline)); err != nil {
		return fmt.Errorf("using the WebSocket: %w", err)
	}
	if err := w.connection.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		return fmt.Errorf("sending %q on the WebSocket: %w", text, err)
	}
	kind, message, err := w.connection.ReadMessage()
	if err != nil {
		return failure(fmt.Sprintf("the text message %q", text), err.Error(), whereToLook)
	}
	if kind != websocket.TextMessage || string(message) != text {
		return failure(fmt.Sprintf("the text message %q", text), fmt.Sprintf("a message of type %d: %q", kind, message), whereToLook)
	}
	return nil
}
