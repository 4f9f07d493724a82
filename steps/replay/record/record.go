// Package record is the format of records, which have the answers of an ingress controller to requests, as YAML files that
// can be read and edited.
//
// A record is a folder. record.yaml says which controller answered, setup.yaml has the backends, exceptions.yaml the checks
// that aren't compared, and every other file has the cases of one area. fixtures/record/README.md describes the fields for
// authors.
package record

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// APIVersion of the files of a record.
const APIVersion = "record.testbed.local/v1alpha1"

// Kinds of the files of a record.
const (
	KindRecord     = "Record"
	KindArea       = "RecordedArea"
	KindExceptions = "RecordExceptions"
)

// Names of the files that aren't areas. Only the first has to be there.
const (
	AboutFile      = "record.yaml"
	SetupFile      = "setup.yaml"
	ExceptionsFile = "exceptions.yaml"
)

// Record is a whole record.
type Record struct {
	About About
	// Setup are the backends, as manifests of Deployments, Services and EndpointSlices.
	Setup []byte
	// Areas in the order of their files' names.
	Areas []Area
	// Exceptions are the checks that aren't compared.
	Exceptions []Exception
}

// Cases lists the cases of all areas.
func (r *Record) Cases() []*Case {
	var all []*Case
	for i := range r.Areas {
		for k := range r.Areas[i].Cases {
			all = append(all, &r.Areas[i].Cases[k])
		}
	}
	return all
}

// Select lists the cases of the areas with the names; no areas and no names mean all.
func (r *Record) Select(areas, names []string) []*Case {
	return slices.DeleteFunc(r.Cases(), func(one *Case) bool {
		return len(areas) > 0 && !slices.Contains(areas, one.Area) || len(names) > 0 && !slices.Contains(names, one.Name)
	})
}

// AreaNames lists the names of the areas.
func (r *Record) AreaNames() []string {
	var names []string
	for _, area := range r.Areas {
		names = append(names, area.Area)
	}
	return names
}

// Keep leaves out all cases but the given ones, and areas without cases.
func (r *Record) Keep(cases []*Case) {
	kept := map[string]bool{}
	for _, one := range cases {
		kept[one.Name] = true
	}
	for i := range r.Areas {
		r.Areas[i].Cases = slices.DeleteFunc(r.Areas[i].Cases, func(one Case) bool { return !kept[one.Name] })
	}
	r.Areas = slices.DeleteFunc(r.Areas, func(area Area) bool { return len(area.Cases) == 0 })
}

// About is record.yaml: who answered, and what the cases need.
type About struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	// Controller that answered, such as "ingress-nginx 1.15.1".
	Controller string `yaml:"controller"`
	// Recorded is the day, as 2006-01-02.
	Recorded string `yaml:"recorded"`
	// Note describes the controller's installation.
	Note string `yaml:"note,omitempty"`
	// Secrets of every case's namespace. They are generated for each replay.
	Secrets []Secret `yaml:"secrets,omitempty"`
	// SecondNamespace lists the Services of the namespace "${namespace}-two".
	SecondNamespace []string `yaml:"secondNamespace,omitempty,flow"`
}

// Secret is one of the Secrets of a case's namespace. Exactly one of Hosts, Authority and Data is set.
type Secret struct {
	Name string `yaml:"name"`
	// Hosts are the DNS names of a self-signed certificate whose common name is the Secret's name.
	Hosts []string `yaml:"hosts,omitempty,flow"`
	// Authority is the common name of a certificate authority, which signs the client certificates of the requests. The
	// Secret has its certificate as ca.crt.
	Authority string `yaml:"authority,omitempty"`
	// Data are the values by key.
	Data map[string]string `yaml:"data,omitempty"`
}

// Area is a file of cases about one subject.
type Area struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Area       string `yaml:"area"`
	Cases      []Case `yaml:"cases"`
}

// Case is a set of objects and the requests that were sent while the controller had them.
type Case struct {
	Name string `yaml:"name"`
	// Users is the weight of the case, from 1 to 5: how many users depend on the behaviour.
	Users int    `yaml:"users"`
	Note  string `yaml:"note,omitempty"`
	// Alone is set if the case disturbs others, or they it, so that no other case may run at the same time.
	Alone bool `yaml:"alone,omitempty"`
	// ConfigMap is the controller's ConfigMap during the case. Such a case always runs alone.
	ConfigMap map[string]string `yaml:"configMap,omitempty"`
	// Spacing is the time between the creation of two objects, for cases in which their age matters; 0 for none.
	Spacing Duration `yaml:"spacing,omitempty"`
	// Objects are applied one after the other.
	Objects []Object `yaml:"objects"`
	// Admission is the decision on each object, by its name; empty if it wasn't recorded.
	Admission map[string]Admission `yaml:"admission,omitempty"`
	Requests  []Request            `yaml:"requests"`

	// Area of the case. It is set by Read.
	Area string `yaml:"-"`
}

// Object is a Kubernetes object. One without a namespace belongs to the case's namespace.
type Object map[string]any

// Kind of the object.
func (o Object) Kind() string { return text(o["kind"]) }

// Name of the object.
func (o Object) Name() string { return text(o.metadata()["name"]) }

// Namespace of the object; "" for the case's.
func (o Object) Namespace() string { return text(o.metadata()["namespace"]) }

func (o Object) metadata() map[string]any {
	switch metadata := o["metadata"].(type) {
	case map[string]any:
		return metadata
	case Object: // yaml decodes nested mappings to the type of the outer one
		return metadata
	}
	return nil
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// Admission is the decision on an object: "accepted", or "refused by the webhook: …" or "refused by the API server: …".
type Admission string

// Accepted is the decision on an object that was stored.
const Accepted Admission = "accepted"

// Prefixes of the decisions on objects that were refused. The message follows.
const (
	RefusedByWebhook   = "refused by the webhook: "
	RefusedByAPIServer = "refused by the API server: "
)

// Duration is a time.Duration that is written as in Go, such as 500ms.
type Duration time.Duration

// UnmarshalYAML reads the text of a duration from 0 to one minute.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	parsed, err := time.ParseDuration(node.Value)
	if err != nil || parsed < 0 || parsed > time.Minute {
		return fmt.Errorf("line %d: %q is not a duration from 0s to 1m, such as 500ms", node.Line, node.Value)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalYAML writes the text of the duration.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

// Values are the values of a header field: one, which is written as a string, or several, written as a list.
type Values []string

// UnmarshalYAML reads a string or a list of strings.
func (v *Values) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*v = Values{node.Value}
		return nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return err
	}
	*v = list
	return nil
}

// MarshalYAML writes one value as a string.
func (v Values) MarshalYAML() (any, error) {
	if len(v) == 1 {
		return v[0], nil
	}
	return []string(v), nil
}

// Equal reports whether both have the same values in the same order.
func (v Values) Equal(other Values) bool { return slices.Equal(v, other) }
