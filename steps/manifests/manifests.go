// Package manifests reads the Kubernetes objects of files, folders and standard input, as kubectl and Helm write them, and
// stores them with stand-ins for what manifests don't contain: endpoints, addresses of names, data of Secrets. A snapshot of a
// Store can be taken without a cluster.
package manifests

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// Source is where an object was read from.
type Source struct {
	// File is its path as given or found in a folder; "standard input" for "-".
	File string
	// Line counts from 1; 0 if it concerns the whole file.
	Line int
}

// String is "FILE:LINE", which editors and terminals turn into links.
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// ID names an object of the manifests.
type ID struct {
	Kind string
	types.NamespacedName
}

// String is "Kind namespace/name", and "Kind name" for objects without a namespace.
func (id ID) String() string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return id.Kind + " " + id.NamespacedName.String()
}

// Object is an object of a kind that a Store holds.
type Object struct {
	ID
	Source Source
	// Content is the object as it was written, for servers to apply. It has a namespace where its kind has.
	Content *unstructured.Unstructured
	// Typed is the same as a type of k8s.io/api.
	Typed runtime.Object
}

// Problem is an object or a file that could not be read. The rest of the manifests was.
type Problem struct {
	Source Source
	Text   string
}

// Error implements error.
func (p Problem) Error() string { return fmt.Sprintf("%s: %s", p.Source, p.Text) }

// Set is what was read.
type Set struct {
	// Objects in the order of files and documents, each once: of two with one name the later.
	Objects []Object
	// Problems, in the same order. A Set with problems lacks objects.
	Problems []Problem
	// Notes are sentences about objects that were left out or changed without being a fault, such as kinds that have no effect
	// on requests.
	Notes []string
}

// Find returns the object of that name.
func (s *Set) Find(id ID) (Object, bool) {
	i := slices.IndexFunc(s.Objects, func(o Object) bool { return o.ID == id })
	if i < 0 {
		return Object{}, false
	}
	return s.Objects[i], true
}

// Err joins the problems to one error, a line for each; nil if there is none.
func (s *Set) Err() error {
	if len(s.Problems) == 0 {
		return nil
	}
	return problemsError(s.Problems)
}

// maxListed is how many problems an error lists.
const maxListed = 20

type problemsError []Problem

func (e problemsError) Error() string {
	var lines []string
	for i, problem := range e {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("and %d more", len(e)-i))
			break
		}
		lines = append(lines, problem.Error())
	}
	return strings.Join(lines, "\n")
}
