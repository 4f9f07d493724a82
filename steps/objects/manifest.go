package objects

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// maxManifest is the most bytes of a manifest, far above etcd's limit for one object (1.5 MiB).
const maxManifest = 16 << 20

// Decode parses a manifest of YAML or JSON documents; a List is replaced by its items. Errors carry the number of their
// document, and the objects of the other documents are returned along with them.
func Decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	if len(manifest) > maxManifest {
		return nil, fmt.Errorf("the manifest has %d bytes; the limit is %d", len(manifest), maxManifest)
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var all []*unstructured.Unstructured
	var problems []error
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("document %d of the manifest: %w", number, err))
			break
		}
		objects, err := decodeDocument(document)
		if err != nil {
			problems = append(problems, fmt.Errorf("document %d of the manifest: %w", number, err))
		}
		all = append(all, objects...)
	}
	if len(all) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("the manifest contains no object"))
	}
	return all, errors.Join(problems...)
}

func decodeDocument(document []byte) ([]*unstructured.Unstructured, error) {
	var content any
	if err := sigsyaml.UnmarshalStrict(document, &content); err != nil { // strict: rejects duplicate keys
		return nil, err
	}
	if content == nil {
		return nil, nil // only comments
	}
	fields, ok := content.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	object := &unstructured.Unstructured{Object: fields}
	if object.GetAPIVersion() == "" || object.GetKind() == "" {
		return nil, errors.New("an object needs an apiVersion and a kind")
	}
	if !object.IsList() {
		if object.GetName() == "" {
			return nil, fmt.Errorf("the %s needs a metadata.name", object.GetKind())
		}
		return []*unstructured.Unstructured{object}, nil
	}
	var items []*unstructured.Unstructured
	err := object.EachListItem(func(item runtime.Object) error {
		one, ok := item.(*unstructured.Unstructured)
		if !ok || one.GetName() == "" || one.GetKind() == "" {
			return fmt.Errorf("item %d of the list needs a kind and a metadata.name", len(items)+1)
		}
		items = append(items, one)
		return nil
	})
	return items, err
}
