// Package cucumber writes a run as Cucumber's JSON of before its messages, which most tools that show Cucumber
// results still read.
package cucumber

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// maxEmbedding bounds what is embedded of one piece of evidence, in bytes before the encoding.
const maxEmbedding = 256 << 10

// The elements of the format; durations are in nanoseconds.
type (
	feature struct {
		URI         string    `json:"uri"`
		ID          string    `json:"id"`
		Keyword     string    `json:"keyword"`
		Name        string    `json:"name"`
		Description string    `json:"description"`
		Line        int       `json:"line"`
		Tags        []tag     `json:"tags,omitempty"`
		Elements    []element `json:"elements"`
	}
	element struct {
		ID          string `json:"id"`
		Keyword     string `json:"keyword"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Line        int    `json:"line"`
		Type        string `json:"type"`
		Started     string `json:"start_timestamp,omitempty"`
		Tags        []tag  `json:"tags,omitempty"`
		Steps       []step `json:"steps"`
		After       []hook `json:"after,omitempty"`
	}
	tag struct {
		Name string `json:"name"`
		Line int    `json:"line"`
	}
	step struct {
		Keyword    string      `json:"keyword"`
		Name       string      `json:"name"`
		Line       int         `json:"line"`
		DocString  *docString  `json:"doc_string,omitempty"`
		Rows       []row       `json:"rows,omitempty"`
		Match      match       `json:"match"`
		Result     result      `json:"result"`
		Embeddings []embedding `json:"embeddings,omitempty"`
	}
	docString struct {
		Value       string `json:"value"`
		ContentType string `json:"content_type"`
		Line        int    `json:"line"`
	}
	row struct {
		Cells []string `json:"cells"`
	}
	match struct {
		Location string `json:"location"`
	}
	result struct {
		Status   string `json:"status"`
		Duration int64  `json:"duration"`
		Error    string `json:"error_message,omitempty"`
	}
	embedding struct {
		MimeType string `json:"mime_type"`
		Data     string `json:"data"` // base64
		Name     string `json:"name,omitempty"`
	}
	hook struct {
		Match  match  `json:"match"`
		Result result `json:"result"`
	}
)

// Write renders the run. Steps that did not run are "pending", because the format has no other word for them that
// readers don't count as fine.
func Write(w io.Writer, run *results.Run) error {
	features := make([]feature, 0, len(run.Features))
	for i := range run.Features {
		features = append(features, newFeature(&run.Features[i]))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(features); err != nil {
		return fmt.Errorf("encoding the run as JSON: %w", err)
	}
	return nil
}

func newFeature(f *results.Feature) feature {
	v := feature{
		URI: plaintext.Line(f.URI), ID: identifier(f.Name), Keyword: f.Keyword, Name: plaintext.Line(f.Name),
		Description: plaintext.Clean(f.Description), Line: f.Line, Tags: tags(f.Tags, f.Line),
		Elements: make([]element, 0, len(f.Scenarios)),
	}
	for i := range f.Scenarios {
		v.Elements = append(v.Elements, newElement(v, f, &f.Scenarios[i]))
	}
	return v
}

func newElement(parent feature, f *results.Feature, s *results.Scenario) element {
	v := element{
		ID: fmt.Sprintf("%s;%s;%d", parent.ID, identifier(s.Name), s.Line), Keyword: s.Keyword,
		Name: plaintext.Line(s.FullName()), Description: plaintext.Clean(s.Description), Line: s.Line, Type: "scenario",
		Tags: tags(s.Tags, s.Line), Steps: make([]step, 0, len(s.Steps)),
	}
	if !s.Started.IsZero() {
		v.Started = s.Started.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for i := range s.Steps {
		v.Steps = append(v.Steps, newStep(f.URI, &s.Steps[i]))
	}
	if s.Error != "" {
		v.After = []hook{{
			Match:  match{Location: fmt.Sprintf("%s:%d", plaintext.Line(f.URI), s.Line)},
			Result: result{Status: string(results.Failed), Error: plaintext.Clean(s.Error)},
		}}
	}
	return v
}

func newStep(uri string, s *results.Step) step {
	v := step{
		Keyword: s.Keyword + " ", Name: plaintext.Line(s.Text), Line: s.Line,
		Match:  match{Location: fmt.Sprintf("%s:%d", plaintext.Line(uri), s.Line)},
		Result: newResult(s),
	}
	if s.DocString != "" {
		v.DocString = &docString{Value: plaintext.Clean(s.DocString), Line: s.Line + 1}
	}
	for _, cells := range s.Table {
		cleaned := make([]string, 0, len(cells))
		for _, cell := range cells {
			cleaned = append(cleaned, plaintext.Clean(cell))
		}
		v.Rows = append(v.Rows, row{Cells: cleaned})
	}
	for _, e := range s.Evidence {
		v.Embeddings = append(v.Embeddings, embed(e))
	}
	return v
}

func newResult(s *results.Step) result {
	v := result{Status: string(s.Status), Duration: max(0, s.Duration.Nanoseconds())}
	switch s.Status {
	case results.Passed, results.Failed, results.Skipped, results.Undefined, results.Pending, results.Ambiguous:
	default:
		v.Status, v.Error = string(results.Pending), "did not run"
	}
	if s.Failure != nil {
		v.Error = plaintext.Clean(s.Failure.Message)
	}
	if s.SkipReason != "" {
		v.Error = plaintext.Clean(s.SkipReason)
	}
	return v
}

// embed shortens text that is too long. Anything else can't be cut, so that a note takes its place.
func embed(e evidence.Evidence) embedding {
	attachment := e.Attachment()
	body := attachment.Body
	mediaType := plaintext.Line(attachment.MediaType)
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	if len(body) > maxEmbedding {
		if strings.HasPrefix(mediaType, "text/") {
			body = []byte(plaintext.Shorten(string(body), maxEmbedding, func(omitted int) string {
				return fmt.Sprintf("\n… %d bytes left out …\n", omitted)
			}))
		} else {
			body = fmt.Appendf(nil, "%d bytes of %s are too much to embed; the HTML report has them.", len(body), mediaType)
			mediaType = "text/plain"
		}
	}
	return embedding{
		MimeType: mediaType, Data: base64.StdEncoding.EncodeToString(body), Name: plaintext.Line(attachment.FileName),
	}
}

func tags(names []string, line int) []tag {
	var all []tag
	for _, name := range names {
		all = append(all, tag{Name: plaintext.Line(name), Line: line})
	}
	return all
}

// identifier is a name in lower case with dashes, as Cucumber makes its IDs.
func identifier(name string) string {
	return strings.ReplaceAll(strings.ToLower(plaintext.Line(name)), " ", "-")
}
