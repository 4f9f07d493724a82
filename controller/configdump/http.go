package configdump

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Path is where Handler is found.
const Path = "/table"

// largest is the most that Fetch reads: a table of some hundred thousand locations.
const largest = 256 << 20

// Handler answers with the table as JSON. It is meant for a listener on the loopback interface: the table has no
// secrets, but is not meant for the public.
func Handler(table func() Table) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(table()) // an error means that the client has gone
	})
}

// Fetch gets the table of a running controller. The address is its host and port.
func Fetch(ctx context.Context, address string) (Table, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+Path, nil)
	if err != nil {
		return Table{}, fmt.Errorf("getting the table of the controller at %s: %w", address, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Table{}, fmt.Errorf("getting the table of the controller at %s: %w", address, err)
	}
	defer response.Body.Close()
	if status := response.Status; response.StatusCode != http.StatusOK {
		return Table{}, fmt.Errorf("getting the table of the controller at %s: status %s", address, status)
	}
	var table Table
	if err := json.NewDecoder(io.LimitReader(response.Body, largest)).Decode(&table); err != nil {
		return Table{}, fmt.Errorf("reading the table of the controller at %s: %w", address, err)
	}
	return table, nil
}
