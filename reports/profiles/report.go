package profiles

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ingress-testbed/testbed/reports/results"
)

// The names of the properties of a run (results.Run.Environment) that a report contains.
const (
	ControllerProperty = "Controller"
	VersionProperty    = "Controller version"
	KubernetesProperty = "Kubernetes"
	ClusterProperty    = "Cluster"
	CommandProperty    = "Command"
)

// report is the document that Write writes. Its fields are named after those of Gateway API's ConformanceReport, which
// implementations publish (https://gateway-api.sigs.k8s.io/concepts/conformance/).
type report struct {
	APIVersion        string          `json:"apiVersion"`
	Kind              string          `json:"kind"`
	Date              string          `json:"date"`
	Implementation    implementation  `json:"implementation"`
	KubernetesVersion string          `json:"kubernetesVersion,omitempty"`
	Cluster           string          `json:"cluster,omitempty"`
	Reproduce         string          `json:"reproduce,omitempty"`
	Profiles          []profileReport `json:"profiles"`
}

type implementation struct {
	Project string `json:"project"`
	Version string `json:"version,omitempty"`
}

type profileReport struct {
	Name     Name            `json:"name"`
	Summary  string          `json:"summary"`
	Core     *groupReport    `json:"core,omitempty"`
	Extended *extendedReport `json:"extended,omitempty"`
}

type groupReport struct {
	Result       string     `json:"result"`
	Statistics   statistics `json:"statistics"`
	FailedTests  []string   `json:"failedTests,omitempty"`
	SkippedTests []string   `json:"skippedTests,omitempty"`
	// UnsteadyTests are those of FailedTests that have passed in another round.
	UnsteadyTests []string `json:"unsteadyTests,omitempty"`
}

type extendedReport struct {
	groupReport
	SupportedFeatures   []string `json:"supportedFeatures,omitempty"`
	UnsupportedFeatures []string `json:"unsupportedFeatures,omitempty"`
	// UntestedFeatures are those whose scenarios were all skipped, or not run.
	UntestedFeatures []string `json:"untestedFeatures,omitempty"`
}

type statistics struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	NotRun  int `json:"notRun,omitempty"`
}

// Write writes a run's profiles as YAML. A scenario that checks two annotations counts for both.
func Write(w io.Writer, run *results.Run) error {
	document := report{
		APIVersion: "testbed.local/v1alpha1", Kind: "ConformanceReport", Date: run.Started.UTC().Format(time.RFC3339),
		Implementation:    implementation{Project: property(run, ControllerProperty), Version: property(run, VersionProperty)},
		KubernetesVersion: property(run, KubernetesProperty),
		Cluster:           property(run, ClusterProperty), Reproduce: property(run, CommandProperty), Profiles: []profileReport{},
	}
	for _, profile := range Of(run) {
		document.Profiles = append(document.Profiles, reportOf(&profile))
	}
	content, err := yaml.Marshal(document)
	if err != nil {
		return fmt.Errorf("encoding the conformance report: %w", err)
	}
	_, err = w.Write(content)
	return err
}

func property(run *results.Run, name string) string {
	for _, property := range run.Environment {
		if property.Name == name {
			return property.Value
		}
	}
	return ""
}

func reportOf(profile *Profile) profileReport {
	reported := profileReport{Name: profile.Name}
	if profile.Core.Counts.Total > 0 {
		core := groupOf(&profile.Core)
		reported.Core = &core
	}
	if len(profile.Features) == 0 {
		reported.Summary = summary(reported.Core, nil)
		return reported
	}
	var all Group
	extended := extendedReport{}
	for i := range profile.Features {
		feature := &profile.Features[i]
		all.Counts = all.Counts.Plus(feature.Counts)
		all.Failed, all.Skipped = append(all.Failed, feature.Failed...), append(all.Skipped, feature.Skipped...)
		all.Unsteady = append(all.Unsteady, feature.Unsteady...)
		switch feature.Outcome() {
		case results.Passed:
			extended.SupportedFeatures = append(extended.SupportedFeatures, feature.Name)
		case results.Failed:
			extended.UnsupportedFeatures = append(extended.UnsupportedFeatures, feature.Name)
		default:
			extended.UntestedFeatures = append(extended.UntestedFeatures, feature.Name)
		}
	}
	extended.groupReport = groupOf(&all)
	reported.Extended = &extended
	reported.Summary = summary(reported.Core, &extended)
	return reported
}

// summary is a profile's result in a sentence or two.
func summary(core *groupReport, extended *extendedReport) string {
	var sentences []string
	if core != nil {
		s := core.Statistics
		sentences = append(sentences, fmt.Sprintf("Core: %d of %d scenarios passed.", s.Passed, s.Passed+s.Failed+s.Skipped+s.NotRun))
	}
	if extended != nil {
		supported := len(extended.SupportedFeatures)
		sentences = append(sentences, fmt.Sprintf("Extended: %d of %d annotations are supported.",
			supported, supported+len(extended.UnsupportedFeatures)+len(extended.UntestedFeatures)))
	}
	return strings.Join(sentences, " ")
}

// groupOf words the outcome as Gateway API's reports do: success, failure or partial.
func groupOf(group *Group) groupReport {
	result := "success"
	switch {
	case group.Counts.Failed > 0:
		result = "failure"
	case group.Counts.Skipped+group.Counts.NotRun > 0:
		result = "partial"
	}
	counts := group.Counts
	return groupReport{
		Result: result, FailedTests: group.Failed, SkippedTests: group.Skipped, UnsteadyTests: group.Unsteady,
		Statistics: statistics{Passed: counts.Passed, Failed: counts.Failed, Skipped: counts.Skipped, NotRun: counts.NotRun},
	}
}
