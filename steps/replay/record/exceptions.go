package record

import (
	"errors"
	"fmt"
	"slices"
)

// Exceptions is exceptions.yaml: checks whose recorded answers are not compared.
type Exceptions struct {
	APIVersion string      `yaml:"apiVersion"`
	Kind       string      `yaml:"kind"`
	Exceptions []Exception `yaml:"exceptions"`
}

// Exception excludes checks from the comparison, for one reason.
type Exception struct {
	Kind   ExceptionKind `yaml:"kind"`
	Reason string        `yaml:"reason"`
	// Checks are the names of checks, as reports show them (Case.CheckNames), by case.
	Checks map[string][]string `yaml:"checks"`
}

// ExceptionKind is the cause of an answer that doesn't show the controller's behaviour.
type ExceptionKind string

// The kinds of exceptions.
const (
	// Artefact is an answer that came from how the record was made.
	Artefact ExceptionKind = "artefact"
	// Outage is an answer of a controller that the case had broken for all requests.
	Outage ExceptionKind = "outage"
)

// ParseExceptions reads and checks exceptions.yaml.
func ParseExceptions(content []byte) ([]Exception, error) {
	var file Exceptions
	if err := decode(content, &file); err != nil {
		return nil, err
	}
	if err := checkKind(file.APIVersion, file.Kind, KindExceptions); err != nil {
		return nil, err
	}
	for _, one := range file.Exceptions {
		switch {
		case one.Kind != Artefact && one.Kind != Outage:
			return nil, fmt.Errorf("the kind of an exception is %q instead of %q or %q", one.Kind, Artefact, Outage)
		case one.Reason == "" || len(one.Checks) == 0:
			return nil, errors.New("an exception needs a reason and checks")
		}
	}
	return file.Exceptions, nil
}

// Exception returns why a check isn't compared; nil if it is.
func (r *Record) Exception(name, check string) *Exception {
	for i := range r.Exceptions {
		if slices.Contains(r.Exceptions[i].Checks[name], check) {
			return &r.Exceptions[i]
		}
	}
	return nil
}

// checkExceptions reports exceptions of unknown checks, and checks that are listed twice.
func (r *Record) checkExceptions(cases map[string]*Case) error {
	listed := map[[2]string]bool{}
	for _, one := range r.Exceptions {
		for name, checks := range one.Checks {
			known := cases[name]
			if known == nil {
				return fmt.Errorf("%s: unknown case %q", ExceptionsFile, name)
			}
			names := known.CheckNames()
			for _, check := range checks {
				if !slices.Contains(names, check) {
					return fmt.Errorf("%s: the case %q has no check %q; its checks are %q", ExceptionsFile, name, check, names)
				}
				if listed[[2]string{name, check}] {
					return fmt.Errorf("%s: the check %q of the case %q is listed twice", ExceptionsFile, check, name)
				}
				listed[[2]string{name, check}] = true
			}
		}
	}
	return nil
}
