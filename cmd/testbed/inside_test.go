package main

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

func TestKubectlArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		name string
		rest []string
	}{
		{nil, embedded.DefaultName, nil},
		{[]string{"get", "pods"}, embedded.DefaultName, []string{"get", "pods"}},
		{[]string{"--", "get", "pods"}, embedded.DefaultName, []string{"get", "pods"}},
		{[]string{"--name", "dev", "get", "pods"}, "dev", []string{"get", "pods"}},
		{[]string{"--name=dev", "--", "get", "pods"}, "dev", []string{"get", "pods"}},
		{[]string{"--name", "dev", "--"}, "dev", []string{}},
		// All the rest is kubectl's, its own -- too.
		{[]string{"exec", "web", "--", "ls", "--name", "x"}, embedded.DefaultName, []string{"exec", "web", "--", "ls", "--name", "x"}},
		{[]string{"--", "exec", "web", "--", "ls"}, embedded.DefaultName, []string{"exec", "web", "--", "ls"}},
		{[]string{"--", "--name", "dev"}, embedded.DefaultName, []string{"--name", "dev"}},
	} {
		name, rest, err := kubectlArguments(test.args)
		if err != nil || name != test.name || !slices.Equal(rest, test.rest) {
			t.Errorf("%q: cluster %q, arguments %q, error %v, want %q and %q", test.args, name, rest, err, test.name, test.rest)
		}
	}
}

func TestMachineAndCommand(t *testing.T) {
	for _, test := range []struct {
		args    []string
		dash    int
		machine string
		command []string
	}{
		{nil, -1, "", nil},
		{[]string{"client"}, -1, "client", []string{}},
		{[]string{"client", "ls"}, -1, "client", []string{"ls"}},
		{[]string{"client", "ls", "--", "-x"}, 1, "client", []string{"ls", "--", "-x"}},
		{[]string{"ls", "-l"}, 0, "", []string{"ls", "-l"}},
	} {
		machine, command := machineAndCommand(test.args, test.dash)
		if machine != test.machine || !slices.Equal(command, test.command) {
			t.Errorf("%q: machine %q, command %q, want %q and %q", test.args, machine, command, test.machine, test.command)
		}
	}
}
