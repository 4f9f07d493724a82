package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// placement is which cores the three parts of a measurement run on, each as taskset(1) takes them.
type placement struct {
	subject, endpoints, generator string
}

// place spreads the parts over the cores. The subject gets its number of cores, the generator and the endpoints get one
// each of their own if there are enough, else one together; if none is left, all share the subject's.
//
// With alone the generator always has the last core to itself, and the others share what is left if they must: the
// generator then sees a reply when it arrives, and what it measures is the subject's latency and not its own.
func place(cores []int, wanted int, alone bool) (placement, error) {
	if alone {
		if len(cores) <= wanted {
			return placement{}, fmt.Errorf("a generator with a core of its own needs %d cores, there are %d", wanted+1, len(cores))
		}
		last := len(cores) - 1
		p := placement{subject: list(cores[:wanted]), endpoints: list(cores[:wanted]), generator: list(cores[last:])}
		if last > wanted {
			p.endpoints = list(cores[wanted : wanted+1])
		}
		return p, nil
	}
	if len(cores) < wanted {
		return placement{}, fmt.Errorf("the subject is to have %d cores, there are %d", wanted, len(cores))
	}
	p := placement{subject: list(cores[:wanted])}
	switch left := cores[wanted:]; len(left) {
	case 0:
		p.endpoints, p.generator = p.subject, p.subject
	case 1:
		p.endpoints, p.generator = list(left), list(left)
	default:
		p.endpoints, p.generator = list(left[:1]), list(left[1:2])
	}
	return p, nil
}

func list(cores []int) string {
	var words []string
	for _, core := range slices.Sorted(slices.Values(cores)) {
		words = append(words, strconv.Itoa(core))
	}
	return strings.Join(words, ",")
}

func (p placement) String() string {
	return fmt.Sprintf("cores: subject %s, endpoints %s, generator %s", p.subject, p.endpoints, p.generator)
}
