package results

import (
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
)

// SchemaVersion is the version of the documents that Encode writes and Decode reads. It grows with any change that
// makes an older reader misunderstand a document.
const SchemaVersion = 1

// The document's shape. It is kept apart from the model, so that renaming a field there changes no file. Times are
// RFC 3339, durations those of time.Duration.String.
type (
	document struct {
		SchemaVersion int         `json:"schemaVersion"`
		Title         string      `json:"title,omitempty"`
		Started       time.Time   `json:"started,omitzero"`
		Finished      time.Time   `json:"finished,omitzero"`
		Error         string      `json:"error,omitempty"`
		Environment   []namedText `json:"environment,omitempty"`
		Features      []feature   `json:"features"`
	}
	namedText struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	feature struct {
		URI         string     `json:"uri"`
		Keyword     string     `json:"keyword,omitempty"`
		Name        string     `json:"name"`
		Description string     `json:"description,omitempty"`
		Tags        []string   `json:"tags,omitempty"`
		Line        int        `json:"line"`
		Scenarios   []scenario `json:"scenarios"`
	}
	scenario struct {
		Keyword     string      `json:"keyword,omitempty"`
		Name        string      `json:"name"`
		Description string      `json:"description,omitempty"`
		Rule        string      `json:"rule,omitempty"`
		Tags        []string    `json:"tags,omitempty"`
		Line        int         `json:"line"`
		Example     []namedText `json:"example,omitempty"`
		Started     time.Time   `json:"started,omitzero"`
		Duration    duration    `json:"duration,omitzero"`
		Error       string      `json:"error,omitempty"`
		Steps       []step      `json:"steps"`
	}
	step struct {
		Keyword    string      `json:"keyword,omitempty"`
		Text       string      `json:"text"`
		Line       int         `json:"line"`
		Background bool        `json:"background,omitempty"`
		DocString  string      `json:"docString,omitempty"`
		Table      [][]string  `json:"table,omitempty"`
		Status     Status      `json:"status"`
		Duration   duration    `json:"duration,omitzero"`
		Failure    *failure    `json:"failure,omitempty"`
		SkipReason string      `json:"skipReason,omitempty"`
		Evidence   []reference `json:"evidence,omitempty"`
	}
	failure struct {
		Message  string        `json:"message"`
		Expected string        `json:"expected,omitempty"`
		Seen     string        `json:"seen,omitempty"`
		Cause    string        `json:"cause,omitempty"`
		Context  string        `json:"context,omitempty"`
		Look     []string      `json:"look,omitempty"`
		Others   []deviation   `json:"others,omitempty"`
		Effect   effect.Effect `json:"effect,omitzero"`
		Key      string        `json:"key,omitempty"`
	}
	deviation struct {
		Context  string `json:"context,omitempty"`
		Expected string `json:"expected,omitempty"`
		Seen     string `json:"seen"`
	}
	// reference is evidence as a file beside the document.
	reference struct {
		Kind      kind   `json:"kind"`
		Title     string `json:"title,omitempty"`
		Name      string `json:"name,omitempty"` // of a file, as offered to the reader
		MediaType string `json:"mediaType,omitempty"`
		Href      string `json:"href,omitempty"` // relative to the document's folder
		Size      int64  `json:"size,omitempty"` // bytes
		Error     string `json:"error,omitempty"`
	}
)

// kind distinguishes evidence that pages link to from evidence that they show.
type kind string

const (
	fileKind  kind = "file"
	shownKind kind = "shown"
)

// duration is a time.Duration as text, such as "1.24s".
type duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}
