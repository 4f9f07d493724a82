package results

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// SavedFile takes the place of an evidence.File once its content is kept beside the reports.
type SavedFile struct {
	Title, Name, MediaType string
	// Href is where the file is, relative to the reports' folder, with slashes.
	Href string
	Size int64 // bytes
	// Error says why the file could not be kept; Href is empty then.
	Error string
	// Content is that of small files, for reports that carry it.
	Content []byte
}

// Attachment implements evidence.Evidence: the content if there is one, and otherwise where it is.
func (f SavedFile) Attachment() godog.Attachment {
	if len(f.Content) > 0 {
		return godog.Attachment{FileName: f.Name, MediaType: f.MediaType, Body: f.Content}
	}
	body := f.Href
	if f.Error != "" {
		body = f.Error
	}
	return godog.Attachment{FileName: f.Name, MediaType: "text/plain", Body: []byte(body)}
}

// Path is the path of the file below the reports' folder.
func (f SavedFile) Path() (string, error) { return localPath(f.Href) }

// Reference is evidence that pages show, with its content in a file: a text, a distribution, a ladder or a load run.
type Reference struct {
	// Title and MediaType are those of the evidence's attachment, of which the file has the body.
	Title, MediaType string
	// Href is where the file is, relative to the reports' folder, with slashes.
	Href string
	// Error says why the content could not be kept; Href is empty then.
	Error string
}

// Attachment implements evidence.Evidence: where the content is.
func (r Reference) Attachment() godog.Attachment {
	return godog.Attachment{FileName: r.Title, MediaType: "text/plain", Body: []byte(r.Href + r.Error)}
}

// Path is the path of the file below the reports' folder.
func (r Reference) Path() (string, error) { return localPath(r.Href) }

// localPath turns a relative URL into a path, and refuses one that leaves the folder it is relative to.
func localPath(href string) (string, error) {
	parsed, err := url.Parse(href)
	if err != nil {
		return "", fmt.Errorf("the file's address: %w", err)
	}
	path := filepath.FromSlash(parsed.Path)
	if !filepath.IsLocal(path) { // the path of an absolute URL is empty or begins with a slash
		return "", fmt.Errorf("the file %q is not below the folder of the reports", href)
	}
	return path, nil
}

// Position is where a piece of evidence is in a run. Each number is an index, from 0.
type Position struct {
	Feature, Scenario, Step, Evidence int
}

// MapEvidence returns a copy of the run in which each piece of evidence is replaced by what convert makes of it.
func (r Run) MapEvidence(convert func(Position, evidence.Evidence) evidence.Evidence) Run {
	r.Features = slices.Clone(r.Features)
	for i := range r.Features {
		feature := &r.Features[i]
		feature.Scenarios = slices.Clone(feature.Scenarios)
		for j := range feature.Scenarios {
			feature.Scenarios[j].Steps = mapSteps(feature.Scenarios[j].Steps, Position{Feature: i, Scenario: j}, convert)
		}
	}
	return r
}

func mapSteps(steps []Step, position Position, convert func(Position, evidence.Evidence) evidence.Evidence) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		position.Step = i
		steps[i].Evidence = slices.Clone(steps[i].Evidence)
		for j, e := range steps[i].Evidence {
			position.Evidence = j
			steps[i].Evidence[j] = convert(position, e)
		}
	}
	return steps
}
