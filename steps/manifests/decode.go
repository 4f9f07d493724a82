package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kubejson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// document is a document of a file.
type document struct {
	content []byte
	line    int // of its first line
}

// lines is how many lines the document has.
func (d *document) lines() int {
	return bytes.Count(bytes.TrimRight(d.content, "\n"), []byte("\n")) + 1
}

// decode adds the objects of a file.
func (r *reader) decode(file string, content []byte) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // a byte order mark
	for _, one := range documents(content) {
		r.document(file, one)
	}
}

// documents splits YAML at its markers, and JSON between values that follow each other.
func documents(content []byte) []document {
	if start := bytes.TrimLeft(content, " \t\r\n"); len(start) > 0 && start[0] == '{' {
		if values, ok := jsonValues(content); ok {
			return values
		}
	}
	var all []document
	current, number := document{line: 1}, 0
	for line := range bytes.Lines(content) {
		number++
		if isMarker(line) {
			all = append(all, current)
			current = document{line: number}
			// What follows a marker on its line belongs to the document; so that lines count right, the marker stays.
		}
		current.content = append(current.content, line...)
	}
	return append(all, current)
}

// isMarker reports whether a line begins a document (YAML 1.2, section 9.1.2): no content can begin so.
func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r')
}

func jsonValues(content []byte) ([]document, bool) {
	var all []document
	decoder := json.NewDecoder(bytes.NewReader(content))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return all, true
		}
		if err != nil {
			return nil, false // perhaps YAML in braces; if not, its errors have lines
		}
		start := int(decoder.InputOffset()) - len(value)
		all = append(all, document{content: value, line: 1 + bytes.Count(content[:start], []byte("\n"))})
	}
}

// document adds the objects of one document.
func (r *reader) document(file string, one document) {
	at := func(line int) Source { return Source{File: file, Line: one.line + max(line, 1) - 1} }
	var root yaml.Node
	if err := yaml.Unmarshal(one.content, &root); err != nil {
		line, reason := syntaxError(err)
		r.problem(at(min(line, one.lines())), explainSyntax(reason, one.content))
		return
	}
	if len(root.Content) == 0 || root.Content[0].Kind == yaml.ScalarNode && root.Content[0].Tag == "!!null" {
		return // only comments
	}
	body := root.Content[0]
	if body.Kind != yaml.MappingNode {
		r.problem(at(body.Line), "not a Kubernetes object: it must have the fields apiVersion, kind and metadata")
		return
	}
	// Kubernetes reads YAML 1.1 in this way, and rejects fields that are given twice.
	var fields map[string]any
	encoded, err := sigsyaml.YAMLToJSONStrict(one.content)
	if err == nil {
		err = utiljson.Unmarshal(encoded, &fields) // whole numbers become int64, as Kubernetes' converters require
	}
	if err != nil {
		line, reason := syntaxError(err)
		r.problem(at(min(line, one.lines())), explainSyntax(reason, one.content))
		return
	}
	r.item(fields, body, at)
}

// item adds an object, or the items of a list. node is the same as content, with lines.
func (r *reader) item(content map[string]any, node *yaml.Node, at func(line int) Source) {
	object := &unstructured.Unstructured{Object: content}
	items, isList := content["items"].([]any)
	if !isList || !strings.HasSuffix(object.GetKind(), "List") {
		r.object(object, at(node.Line))
		return
	}
	itemNodes := child(node, "items")
	for i, item := range items {
		from := node
		if itemNodes != nil && i < len(itemNodes.Content) {
			from = itemNodes.Content[i]
		}
		one, ok := item.(map[string]any)
		if !ok {
			r.problem(at(from.Line), fmt.Sprintf("item %d of the list is not an object", i+1))
			continue
		}
		// Items of a typed list, such as an IngressList, may lack both.
		if _, given := one["kind"]; !given && object.GetKind() != "List" {
			one["kind"], one["apiVersion"] = strings.TrimSuffix(object.GetKind(), "List"), object.GetAPIVersion()
		}
		r.object(&unstructured.Unstructured{Object: one}, at(from.Line))
	}
}

func child(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// syntaxError splits "yaml: line 3: did not find expected key".
func syntaxError(err error) (line int, reason string) {
	reason = strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "yaml: ")
	reason = strings.TrimSpace(strings.TrimPrefix(reason, "unmarshal errors:\n"))
	if found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(reason); found != nil {
		line, _ = strconv.Atoi(found[1]) // they are digits
		reason = reason[len(found[0]):]
	}
	if line > 0 && strings.HasPrefix(reason, "did not find expected") {
		line++ // the parser's own errors count from 0, those of its scanner from 1
	}
	reason, _, _ = strings.Cut(reason, "\n") // more faults of the same document
	return line, reason
}

func explainSyntax(reason string, content []byte) string {
	if bytes.Contains(content, []byte("{{")) {
		return "not valid YAML (" + reason + "); it looks like a template: give the output of helm template in place of the chart"
	}
	return "not valid YAML: " + reason
}

func (r *reader) problem(source Source, text string) {
	r.set.Problems = append(r.set.Problems, Problem{Source: source, Text: text})
}

// object adds an object, if it is of a kind that affects requests.
func (r *reader) object(object *unstructured.Unstructured, from Source) {
	kind := object.GroupVersionKind()
	if kind.Kind == "" || object.GetAPIVersion() == "" {
		r.problem(from, "not a Kubernetes object: it must have the fields apiVersion, kind and metadata")
		return
	}
	typed, isNamespaced, ok := newTyped(kind)
	if !ok {
		if outdated(kind) {
			r.problem(from, fmt.Sprintf("%s of %s is not served since Kubernetes 1.22: convert it to networking.k8s.io/v1 (kubectl convert)",
				kind.Kind, object.GetAPIVersion()))
			return
		}
		r.skipped[kind.Kind]++
		return
	}
	if object.GetName() == "" {
		r.problem(from, fmt.Sprintf("the %s has no metadata.name", kind.Kind))
		return
	}
	if object.GetNamespace() == "" && isNamespaced {
		object.SetNamespace("default") // as kubectl does
	}
	id := ID{Kind: kind.Kind}
	id.Namespace, id.Name = object.GetNamespace(), object.GetName()
	ignored, err := convert(object, typed)
	if err != nil {
		r.problem(from, fmt.Sprintf("%s: %v", id, err))
		return
	}
	for _, fault := range ignored {
		r.set.Notes = append(r.set.Notes, fmt.Sprintf("%s: %s: %v; Kubernetes ignores it", from, id, fault))
	}
	if text := invalid(typed); text != "" {
		r.problem(from, fmt.Sprintf("%s: %s", id, text))
		return
	}
	complete(typed)
	made := Object{ID: id, Source: from, Content: object, Typed: typed}
	if i, again := r.index[id]; again {
		r.set.Notes = append(r.set.Notes, fmt.Sprintf("%s: %s replaces that of %s", from, id, r.set.Objects[i].Source))
		r.set.Objects[i] = made
		return
	}
	r.index[id] = len(r.set.Objects)
	r.set.Objects = append(r.set.Objects, made)
}

// convert fills a typed object in. Fields that the type lacks are ignored.
func convert(object *unstructured.Unstructured, typed runtime.Object) (ignored []error, err error) {
	encoded, err := json.Marshal(object.Object)
	if err != nil {
		return nil, err
	}
	ignored, err = kubejson.UnmarshalStrict(encoded, typed)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		path := slices.DeleteFunc(strings.Split(wrong.Field, "."), isType)
		return nil, fmt.Errorf("%s is a %s; it must be of the type %s", strings.Join(path, "."), wrong.Value, wrong.Type)
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(line)
	}
	return ignored, nil
}

// isType reports whether an element of a path is the name of an embedded type, which manifests don't have.
func isType(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }
