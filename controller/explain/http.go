package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ingress-testbed/testbed/controller/snapshot"
)

// HTTPPath is where Handler is found.
const HTTPPath = "/explain"

// maxQuestion bounds what Handler reads, and maxExplanation what Fetch reads, in bytes.
const (
	maxQuestion    = 2 * maxBody
	maxExplanation = 64 << 20
)

// question is the body of a request to Handler.
type question struct {
	URL   string
	Flags Flags
}

// Handler explains requests to the objects that a controller has now. Nothing is sent to endpoints: stand-ins answer.
// It is meant for a listener on the loopback interface.
func Handler(take func() *snapshot.Snapshot) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked question
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion)).Decode(&asked); err != nil {
			http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
			return
		}
		request, err := NewRequest(asked.URL, asked.Flags)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		explained, err := Of(take(), Options{}).Explain(r.Context(), request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(explained) // an error means that the client has gone
	})
}

// Fetch requests an explanation from a running controller. The address is the host and port of its Handler.
func Fetch(ctx context.Context, address, url string, flags Flags) (*Explanation, error) {
	failed := func(err error) error {
		return fmt.Errorf("getting the explanation of the controller at %s: %w", address, err)
	}
	content, err := json.Marshal(question{url, flags})
	if err != nil {
		return nil, failed(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+HTTPPath, bytes.NewReader(content))
	if err != nil {
		return nil, failed(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, failed(err)
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, maxExplanation)
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 1<<10)) // the status says enough
		return nil, failed(fmt.Errorf("status %s: %s", response.Status, strings.TrimSpace(string(text))))
	}
	var explained Explanation
	if err := json.NewDecoder(body).Decode(&explained); err != nil {
		return nil, failed(err)
	}
	return &explained, nil
}
