// Package websocket defines the steps about WebSocket connections (RFC 6455).
package websocket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// timeout bounds the handshake, and the exchange of one message.
const timeout = 10 * time.Second

// connectionKey is the context key of the last connection that was opened.
type connectionKey struct{}

// Definitions returns the steps.
func Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client opens a WebSocket to "(wss?://[^"]*)"`,
			Example: `the client opens a WebSocket to "ws://chat.${domain}/websocket"`,
			Handler: open,
		},
		{
			Pattern: `the WebSocket sends "([^"]*)" back`,
			Example: `the WebSocket sends "hello" back`,
			Handler: echoes,
		},
	}
}

// open stores the connection in the context. It stays open until the scenario ends.
func open(ctx context.Context, url string) (context.Context, error) {
	session := world.From(ctx).Client.Session()
	dialer := websocket.Dialer{
		NetDialContext: session.Dial, HandshakeTimeout: timeout,
		// Steps of package tls verify certificates.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}
	connection, response, err := dialer.DialContext(ctx, url, http.Header{}) //nolint:bodyclose // the library closes it if the handshake fails
	if err != nil {
		seen := err.Error()
		if response != nil {
			seen += ": " + response.Status
		}
		return ctx, world.AnswerFailure(effect.Lost, "status 101 (Switching Protocols) for "+url, seen, world.Diagnosis)
	}
	context.AfterFunc(ctx, func() { _ = connection.Close() })
	return context.WithValue(ctx, connectionKey{}, connection), nil
}

// echoes sends a text message and expects the same message in return.
func echoes(ctx context.Context, text string) error {
	connection, _ := ctx.Value(connectionKey{}).(*websocket.Conn)
	if connection == nil {
		return errors.New("there is no WebSocket: an earlier step must open it")
	}
	deadline := time.Now().Add(timeout)
	if err := errors.Join(connection.SetWriteDeadline(deadline), connection.SetReadDeadline(deadline)); err != nil {
		return fmt.Errorf("setting the deadline of the WebSocket: %w", err)
	}
	if err := connection.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		return fmt.Errorf("sending %q on the WebSocket: %w", text, err)
	}
	kind, message, err := connection.ReadMessage()
	if err != nil {
		return world.AnswerFailure(effect.Lost, fmt.Sprintf("the text message %q", text), err.Error(), world.Diagnosis)
	}
	if kind != websocket.TextMessage || string(message) != text {
		return world.AnswerFailure(effect.AnswersDifferently, fmt.Sprintf("the text message %q", text), fmt.Sprintf("a message of type %d: %q", kind, message), world.Diagnosis)
	}
	return nil
}
