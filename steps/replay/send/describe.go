package send

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/ingress-testbed/testbed/steps/echo"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

const (
	// maxBody bounds the body of an answer, in bytes, and maxKept what the answer has of a body that doesn't describe the
	// request.
	maxBody = 16 << 20
	maxKept = 300
)

// Describe returns a response in the form of the record. The headers that depend on the moment or on the framing are left
// out, and so are the bodies of answers that no known backend gave, unless they were successful: the text of an error page
// isn't part of a controller's behaviour.
func Describe(response *http.Response, body []byte) record.Answer {
	answer := record.Answer{Status: response.StatusCode}
	for name, values := range response.Header {
		switch name {
		case "Date", "Content-Length", "Content-Type", "Connection", "Transfer-Encoding", podHeader:
			continue
		}
		if answer.Headers == nil {
			answer.Headers = map[string]record.Values{}
		}
		answer.Headers[name] = values
	}
	if len(response.Trailer) > 0 {
		// net/http moves the field that announces trailers.
		var names []string
		for name := range response.Trailer {
			names = append(names, name)
		}
		if answer.Headers == nil {
			answer.Headers = map[string]record.Values{}
		}
		answer.Headers["Trailer"] = record.Values{strings.Join(names, ", ")}
	}
	body = decoded(response.Header.Get("Content-Encoding"), body)
	if backend, saw := describeRequest(body); backend != "" {
		answer.Backend, answer.Saw = backend, saw
		return answer
	}
	if pod := response.Header.Get(podHeader); pod != "" {
		answer.Backend = application(pod)
	}
	if answer.Backend == "" && response.StatusCode >= http.StatusMultipleChoices || !utf8.Valid(body) {
		return answer
	}
	if len(body) > maxKept {
		answer.BodyBegins = string(body[:maxKept])
	} else {
		answer.Body = string(body)
	}
	return answer
}

// podHeader names the Pod in every response of the probe backend (fixtures/backends.PodHeader).
const podHeader = "X-Backend-Pod"

// application is the name of a Pod without what its Deployment has added.
func application(pod string) string {
	name, _, _ := strings.Cut(pod, "-")
	return name
}

func decoded(coding string, body []byte) []byte {
	if coding != "gzip" {
		return body
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(reader, maxBody))
	if err != nil {
		return body
	}
	return plain
}

// description is what the backend extra answers (fixtures/backends.Extra).
type description struct {
	Who     string              `json:"who"`
	Method  string              `json:"method"`
	URI     string              `json:"uri"`
	Proto   string              `json:"proto"`
	Host    string              `json:"host"`
	Headers map[string][]string `json:"headers"`
	Body    int                 `json:"body"`
}

// describeRequest returns which backend describes the request that it received, and that request; "" if the body isn't
// such a description.
func describeRequest(body []byte) (backend string, saw *record.Seen) {
	switch {
	case bytes.HasPrefix(body, []byte(`{"who":`)):
		var d description
		if json.Unmarshal(body, &d) != nil {
			return "", nil
		}
		saw = &record.Seen{Method: d.Method, Target: d.URI, Version: d.Proto, BodyBytes: d.Body, Headers: map[string]record.Values{}}
		for name, values := range d.Headers {
			saw.Headers[strings.ToLower(name)] = values
		}
		if d.Host != "" {
			saw.Headers["host"] = record.Values{d.Host}
		}
		return application(d.Who), saw
	case bytes.HasPrefix(body, []byte("\n\nHostname:")), bytes.HasPrefix(body, []byte("Hostname:")):
		reply, err := echo.Parse(string(body))
		if err != nil {
			return "", nil
		}
		saw = &record.Seen{
			Method: reply.Fields["method"], Target: reply.Fields["real path"], Version: "HTTP/" + reply.Fields["request_version"],
			Body: reply.Fields[echo.RequestBody], Headers: map[string]record.Values{},
		}
		for name, values := range reply.Headers {
			saw.Headers[name] = values
		}
		return reply.Fields["server_version"], saw
	}
	return "", nil
}
