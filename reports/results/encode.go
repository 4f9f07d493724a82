package results

import (
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes the run as JSON for Decode. All evidence must be a SavedFile or a Reference, as its content is kept in
// files beside the document.
func Encode(w io.Writer, run *Run) error {
	encoded := document{
		SchemaVersion: SchemaVersion, Title: run.Title, Started: run.Started, Finished: run.Finished, Error: run.Error,
		Environment: encodeProperties(run.Environment), Features: make([]feature, 0, len(run.Features)),
	}
	for i := range run.Features {
		f, err := encodeFeature(&run.Features[i])
		if err != nil {
			return err
		}
		encoded.Features = append(encoded.Features, f)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(encoded); err != nil {
		return fmt.Errorf("encoding the run as JSON: %w", err)
	}
	return nil
}

func encodeProperties(properties []Property) []namedText {
	var encoded []namedText
	for _, property := range properties {
		encoded = append(encoded, namedText(property))
	}
	return encoded
}

func encodeFeature(f *Feature) (feature, error) {
	encoded := feature{
		URI: f.URI, Keyword: f.Keyword, Name: f.Name, Description: f.Description, Tags: f.Tags, Line: f.Line,
		Scenarios: make([]scenario, 0, len(f.Scenarios)),
	}
	for i := range f.Scenarios {
		s, err := encodeScenario(&f.Scenarios[i])
		if err != nil {
			return feature{}, fmt.Errorf("scenario %q of %s: %w", f.Scenarios[i].FullName(), f.URI, err)
		}
		encoded.Scenarios = append(encoded.Scenarios, s)
	}
	return encoded, nil
}

func encodeScenario(s *Scenario) (scenario, error) {
	encoded := scenario{
		Keyword: s.Keyword, Name: s.Name, Description: s.Description, Rule: s.Rule, Tags: s.Tags, Line: s.Line,
		Example: encodeProperties(s.Example), Started: s.Started, Duration: duration(s.Duration), Error: s.Error,
		Steps: make([]step, 0, len(s.Steps)),
	}
	for i := range s.Steps {
		one, err := encodeStep(&s.Steps[i])
		if err != nil {
			return scenario{}, fmt.Errorf("step %q: %w", s.Steps[i].Text, err)
		}
		encoded.Steps = append(encoded.Steps, one)
	}
	return encoded, nil
}

func encodeStep(s *Step) (step, error) {
	encoded := step{
		Keyword: s.Keyword, Text: s.Text, Line: s.Line, Background: s.Background, DocString: s.DocString, Table: s.Table,
		Status: s.Status, Duration: duration(s.Duration), SkipReason: s.SkipReason,
	}
	if s.Failure != nil {
		encoded.Failure = encodeFailure(s.Failure)
	}
	for _, e := range s.Evidence {
		switch e := e.(type) {
		case SavedFile:
			encoded.Evidence = append(encoded.Evidence, reference{
				Kind: fileKind, Title: e.Title, Name: e.Name, MediaType: e.MediaType, Href: e.Href, Size: e.Size, Error: e.Error,
			})
		case Reference:
			encoded.Evidence = append(encoded.Evidence, reference{
				Kind: shownKind, Title: e.Title, MediaType: e.MediaType, Href: e.Href, Error: e.Error,
			})
		default:
			return step{}, fmt.Errorf("evidence of type %T is not kept in a file", e)
		}
	}
	return encoded, nil
}

func encodeFailure(f *Failure) *failure {
	encoded := &failure{
		Message: f.Message, Expected: f.Expected, Seen: f.Seen, Cause: f.Cause, Context: f.Context, Look: f.Look,
		Effect: f.Effect, Key: f.Key,
	}
	for _, other := range f.Others {
		encoded.Others = append(encoded.Others, deviation(other))
	}
	return encoded
}
