package derive_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/manifests"
)

func TestDocument(t *testing.T) {
	golden.Compare(t, "../../../docs/compare-rules.md", derive.Document())
}

// Each annotation of ingress-nginx has a rule, and each rule an annotation.
func TestRulesAreThoseOfTheSettings(t *testing.T) {
	rules := map[string]derive.Rule{}
	for _, rule := range derive.Rules() {
		if _, twice := rules[rule.Annotation]; twice {
			t.Errorf("%s has two rules", rule.Annotation)
		}
		if rule.Requests == "" || !rule.Sends() && !strings.HasPrefix(rule.Requests, "nothing: ") && !strings.HasPrefix(rule.Requests, "the requests of the path show it") {
			t.Errorf("%s: nothing is sent, without a reason: %q", rule.Annotation, rule.Requests)
		}
		rules[rule.Annotation] = rule
	}
	for _, group := range setting.Annotations().Groups() {
		for _, known := range group.Settings {
			rule, ok := rules[known.Name]
			switch {
			case !ok:
				t.Errorf("%s has no rule", known.Name)
			case known.Decision.Protects && !rule.Protects && known.Name != "custom-headers":
				t.Errorf("%s keeps clients out, and its rule doesn't say so", known.Name)
			}
			delete(rules, known.Name)
		}
	}
	for name := range rules {
		t.Errorf("%s has a rule, and ingress-nginx has no such annotation", name)
	}
}

func plan(t *testing.T, file string, limits derive.Limits) *derive.Plan {
	t.Helper()
	set, err := manifests.Read(t.Context(), nil, file)
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, object := range set.Objects {
		objects = append(objects, object.Typed)
	}
	return derive.Derive(estate.New(objects, estate.Options{}), limits)
}

// TestRequests shows the requests of a few Ingresses that have each kind of boundary.
func TestRequests(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), ".yaml")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			p := plan(t, "testdata/"+file.Name(), derive.Limits{})
			for i := range p.Probes {
				probe := &p.Probes[i]
				text.WriteString(regexp.MustCompile("x{200,}").ReplaceAllString(probe.Request.Summary(), "x…x"))
				if probe.From != derive.Anywhere {
					fmt.Fprintf(&text, ", from an address that is %s", probe.From)
				}
				fmt.Fprintln(&text)
				for _, reason := range probe.Reasons {
					fmt.Fprintf(&text, "    %s %s%s  %s\n", reason.Ingress, reason.Host, reason.Path, reason)
				}
			}
			golden.Compare(t, "testdata/"+name+".txt", text.String())
		})
	}
}

// The same objects give the same requests, each once, and never more than the limit.
func TestRequestsAreBoundedAndEachOnce(t *testing.T) {
	const most = 7
	whole, limited := plan(t, "testdata/protection.yaml", derive.Limits{}), plan(t, "testdata/protection.yaml", derive.Limits{PerIngress: most})
	ids := map[string]bool{}
	for _, probe := range whole.Probes {
		if ids[probe.ID] {
			t.Errorf("%s is sent twice", probe.Request.Summary())
		}
		ids[probe.ID] = true
	}
	count := map[string]int{}
	for _, probe := range limited.Probes {
		if !ids[probe.ID] {
			t.Errorf("%s has another ID when fewer requests are made", probe.Request.Summary())
		}
		count[probe.Reasons[0].Ingress]++
	}
	for ingress, n := range count {
		const unknownHost, messages = 2, 9 // which are about all Ingresses
		if n > most+unknownHost+messages || limited.Omitted[ingress] == 0 {
			t.Errorf("%s: %d requests, %d omitted", ingress, n, limited.Omitted[ingress])
		}
	}
	if len(whole.Omitted) > 0 {
		t.Errorf("omitted: %v", whole.Omitted)
	}
}

func FuzzDerive(f *testing.F) {
	f.Add("a.test", "/a", "rewrite-target", "/$1", true)
	f.Add("*.test", "/a(/|$)(.*)", "server-alias", "~^b[0-9]+$,*.c", false)
	f.Add("", "", "auth-tls-match-cn", "CN=[a-z]+", true)
	f.Add("www.a.test", "/ü %", "proxy-body-size", "9g", false)
	f.Fuzz(func(t *testing.T, host, path, annotation, value string, exact bool) {
		kind := networkingv1.PathTypeImplementationSpecific
		if exact {
			kind = networkingv1.PathTypeExact
		}
		ingress := &networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Name: "i", Annotations: map[string]string{
				estate.Prefix + annotation: value, estate.Prefix + "use-regex": "true", estate.Prefix + "auth-tls-secret": "a/b",
			}},
			Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: path, PathType: &kind}}},
			}}}},
		}
		p := derive.Derive(estate.New([]runtime.Object{ingress}, estate.Options{}), derive.Limits{})
		for i := range p.Probes {
			request := p.Probes[i].Request
			if !strings.HasPrefix(request.Target, "/") && !strings.HasPrefix(request.Target, "http://") || strings.ContainsAny(request.Target, " \r\n") {
				t.Errorf("invalid target %q", request.Target)
			}
			if slices.ContainsFunc(append(request.Headers, request.Host), func(line string) bool { return strings.ContainsAny(line, "\r\n") }) {
				t.Errorf("a header with a line break: %q, %q", request.Host, request.Headers)
			}
			p.Owner(&p.Probes[i])
		}
	})
}
