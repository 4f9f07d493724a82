package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// maxDocument bounds what is read, in bytes. A run of a hundred scenarios makes about 300 kB.
const maxDocument = 256 << 20

// VersionError says that a document has a schema that Decode does not know.
type VersionError struct {
	Version int // 0 if the document names none
}

// Error implements error.
func (e *VersionError) Error() string {
	if e.Version == 0 {
		return "it has no schemaVersion, so it is not the results of a run"
	}
	return fmt.Sprintf("it has the schema version %d, and only version %d can be read: read it with the testbed that wrote it, or repeat the run",
		e.Version, SchemaVersion)
}

// Decode reads what Encode has written. Evidence is a SavedFile without its content, or a Reference; the file that
// either names is within the document's folder. The error is a *VersionError for a document of another version.
func Decode(r io.Reader) (*Run, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("it is larger than %d MiB", maxDocument>>20)
	}
	var header struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		return nil, fmt.Errorf("it is incomplete or not a JSON object: %w", err)
	}
	if header.SchemaVersion != SchemaVersion {
		return nil, &VersionError{Version: header.SchemaVersion}
	}
	var decoded document
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return nil, fmt.Errorf("it does not follow the schema: %w", err)
	}
	run := &Run{
		Title: decoded.Title, Started: decoded.Started, Finished: decoded.Finished, Error: decoded.Error,
		Environment: decodeProperties(decoded.Environment),
	}
	for i := range decoded.Features {
		f, err := decodeFeature(&decoded.Features[i])
		if err != nil {
			return nil, fmt.Errorf("feature %d: %w", i+1, err)
		}
		run.Features = append(run.Features, f)
	}
	return run, nil
}

func decodeProperties(texts []namedText) []Property {
	var properties []Property
	for _, text := range texts {
		properties = append(properties, Property(text))
	}
	return properties
}

func decodeFeature(f *feature) (Feature, error) {
	decoded := Feature{
		URI: f.URI, Keyword: f.Keyword, Name: f.Name, Description: f.Description, Tags: f.Tags, Line: f.Line,
	}
	for i := range f.Scenarios {
		s, err := decodeScenario(&f.Scenarios[i])
		if err != nil {
			return Feature{}, fmt.Errorf("scenario %d: %w", i+1, err)
		}
		decoded.Scenarios = append(decoded.Scenarios, s)
	}
	return decoded, nil
}

func decodeScenario(s *scenario) (Scenario, error) {
	decoded := Scenario{
		Keyword: s.Keyword, Name: s.Name, Description: s.Description, Rule: s.Rule, Tags: s.Tags, Line: s.Line,
		Example: decodeProperties(s.Example), Started: s.Started, Duration: time.Duration(s.Duration), Error: s.Error,
	}
	for i := range s.Steps {
		one, err := decodeStep(&s.Steps[i])
		if err != nil {
			return Scenario{}, fmt.Errorf("step %d: %w", i+1, err)
		}
		decoded.Steps = append(decoded.Steps, one)
	}
	return decoded, nil
}

func decodeStep(s *step) (Step, error) {
	decoded := Step{
		Keyword: s.Keyword, Text: s.Text, Line: s.Line, Background: s.Background, DocString: s.DocString, Table: s.Table,
		Status: s.Status, Duration: time.Duration(s.Duration), SkipReason: s.SkipReason,
	}
	switch s.Status {
	case Passed, Failed, Skipped, Undefined, Pending, Ambiguous, NotRun:
	default:
		return Step{}, fmt.Errorf("unknown status %q", s.Status)
	}
	if s.Failure != nil {
		decoded.Failure = decodeFailure(s.Failure)
	}
	for i := range s.Evidence {
		e, err := decodeEvidence(&s.Evidence[i])
		if err != nil {
			return Step{}, fmt.Errorf("evidence %d: %w", i+1, err)
		}
		decoded.Evidence = append(decoded.Evidence, e)
	}
	return decoded, nil
}

func decodeFailure(f *failure) *Failure {
	decoded := &Failure{
		Message: f.Message, Expected: f.Expected, Seen: f.Seen, Cause: f.Cause, Context: f.Context, Look: f.Look,
		Effect: f.Effect, Key: f.Key,
	}
	for _, other := range f.Others {
		decoded.Others = append(decoded.Others, Deviation(other))
	}
	return decoded
}

// decodeEvidence refuses files outside of the document's folder, which a document from elsewhere may name.
func decodeEvidence(r *reference) (evidence.Evidence, error) {
	switch {
	case r.Href == "" && r.Error == "":
		return nil, errors.New("it names no file")
	case r.Href != "":
		if _, err := localPath(r.Href); err != nil {
			return nil, err
		}
	}
	switch r.Kind {
	case fileKind:
		return SavedFile{
			Title: r.Title, Name: r.Name, MediaType: r.MediaType, Href: r.Href, Size: r.Size, Error: r.Error,
		}, nil
	case shownKind:
		switch r.MediaType {
		case evidence.TextMediaType, evidence.DistributionMediaType, evidence.LadderMediaType, evidence.LoadMediaType:
		default:
			return nil, fmt.Errorf("evidence of the media type %q can't be shown", r.MediaType)
		}
		return Reference{Title: r.Title, MediaType: r.MediaType, Href: r.Href, Error: r.Error}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", r.Kind)
}
