// Package setting is the table of all settings that ingress-nginx has, annotations and keys of its ConfigMap, each with
// the decision of this controller: supported, refused, or without effect. The documents docs/annotations.md and
// docs/configmap.md are generated from it, and a Reader returns the values of supported settings only, so that code, table
// and documents can't contradict each other.
package setting

// Setting is one annotation, named without its prefix, or one key of the ConfigMap.
type Setting struct {
	Name string
	// Values that are valid, and the Default, in a few words; "" if there is none.
	Values, Default string
	// Does is what the setting does, in one sentence.
	Does     string
	Decision Decision
}

// Decision is what this controller does about a setting.
type Decision struct {
	Kind Kind
	// Reason why a setting is refused or has no effect.
	Reason string
	// Feature is the file in features/conformance that shows a supported setting, without its extension.
	Feature string
	// Protects is whether the setting restricts access. If it is refused, or has an invalid value, the paths that it applies
	// to answer 503, because they would otherwise be open to all clients.
	Protects bool
	// asksNothing reports whether a value of a protecting setting excludes no client; nil if every value excludes some.
	asksNothing func(value string) bool
	// strict is whether ingress-nginx rejects an Ingress with an invalid value; for most settings it uses the default.
	strict bool
	// reproduced says that a setting without effect has the effect of ingress-nginx where that is reproduced.
	reproduced bool
	// emptyCounts says that an empty value is a value. That of other settings counts as not given.
	emptyCounts bool
}

// Kind is the kind of a Decision.
type Kind uint8

// The kinds of decisions.
const (
	// Refused: the setting is reported. The Ingress is served without it or, if it restricts access, not at all.
	Refused Kind = iota
	Supported
	// Harmless: the setting has nothing to act on here, and is accepted without a report.
	Harmless
)

// String is "refused", "supported" or "no effect".
func (k Kind) String() string {
	switch k {
	case Supported:
		return "supported"
	case Harmless:
		return "no effect"
	case Refused:
	}
	return "refused"
}

// Group is the settings of one subject.
type Group struct {
	Title    string
	Settings []Setting
}

// Table finds settings by name.
type Table struct {
	groups []Group
	byName map[string]*Setting
}

func newTable(groups ...Group) Table {
	table := Table{groups: groups, byName: map[string]*Setting{}}
	for _, group := range groups {
		for i := range group.Settings {
			table.byName[group.Settings[i].Name] = &group.Settings[i]
		}
	}
	return table
}

// Groups returns all settings, in the order of the documents.
func (t Table) Groups() []Group { return t.groups }

// Lookup returns the setting of a name; nil if there is none.
func (t Table) Lookup(name string) *Setting { return t.byName[name] }

//nolint:gochecknoglobals // tables that are never changed
var (
	annotations = newTable(annotationGroups()...)
	configMap   = newTable(configMapGroups()...)
)

// Annotations is the table of annotations.
func Annotations() Table { return annotations }

// ConfigMap is the table of the ConfigMap's keys.
func ConfigMap() Table { return configMap }

func supported(feature string) Decision { return Decision{Kind: Supported, Feature: feature} }

func refused(reason string) Decision { return Decision{Kind: Refused, Reason: reason} }

func harmless(reason string) Decision { return Decision{Kind: Harmless, Reason: reason} }

// Reasons of several settings.
const (
	nginxLanguage = "snippets are text in nginx's own language"
	ofNginx       = "it is about the processes of nginx"
	streamed      = "bodies are passed on as they come, with bounded memory"
	slowClients   = "replies are passed on as they come: a slow client keeps a connection to its backend busy"
	halfRequests  = "bodies are passed on as they come: backends also get the beginning of those whose clients leave"
	headersGrow   = "headers of replies of up to 32 KiB are accepted"
)

func (d Decision) protecting() Decision {
	d.Protects = true
	return d
}

func (d Decision) unlessReproduced() Decision {
	d.reproduced = true
	return d
}

func (d Decision) strictly() Decision {
	d.strict = true
	return d
}

func (d Decision) unless(asksNothing func(value string) bool) Decision {
	d.asksNothing = asksNothing
	return d
}

func (d Decision) evenIfEmpty() Decision {
	d.emptyCounts = true
	return d
}
