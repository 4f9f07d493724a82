package admission_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
)

// cluster holds the objects that exist before the reviewed Ingress.
type cluster struct {
	store *snapshottest.Store
	mode  compatibility.Mode
}

func (c cluster) settings() snapshot.Settings {
	return snapshot.Settings{ControllerClass: "me", AnnotationsPrefix: "p", Compatibility: c.mode}
}

func (c cluster) Snapshot() *snapshot.Snapshot { return snapshot.Take(c.store, c.settings()) }
func (c cluster) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return snapshot.TakeWith(c.store, c.settings(), ingress)
}

func with(objects ...runtime.Object) cluster {
	return cluster{store: snapshottest.NewStore(append(objects,
		&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "nginx"}, Spec: networkingv1.IngressClassSpec{Controller: "me"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Port: 80}},
		}},
	)...)}
}

type option func(*networkingv1.Ingress)

func ingress(name, host string, options ...option) *networkingv1.Ingress {
	made := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Annotations: map[string]string{}},
		Spec: networkingv1.IngressSpec{
			IngressClassName: ptr.To("nginx"),
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
					}},
				}}},
			}}},
		},
	}
	for _, option := range options {
		option(made)
	}
	return made
}

func annotation(key, value string) option {
	return func(i *networkingv1.Ingress) { i.Annotations["p/"+key] = value }
}

func class(name string) option {
	return func(i *networkingv1.Ingress) { i.Spec.IngressClassName = ptr.To(name) }
}

func age(second int64) option {
	return func(i *networkingv1.Ingress) {
		i.CreationTimestamp = metav1.NewTime(time.Unix(second, 0))
		i.UID = "uid"
	}
}

func canary(i *networkingv1.Ingress) { annotation("canary", "true")(i) }

func TestReview(t *testing.T) {
	for name, test := range map[string]struct {
		cluster  cluster
		ingress  *networkingv1.Ingress
		refused  []string // parts of the message; none if the Ingress is allowed
		warnings []string
	}{
		"good":                  {with(), ingress("a", "a.example.com"), nil, nil},
		"bad annotation":        {with(), ingress("a", "a.example.com", annotation("canary-weight", "lots")), []string{`p/canary-weight: "lots"`}, nil},
		"bad pattern":           {with(), ingress("a", "a.example.com", annotation("canary-by-header-pattern", "[")), []string{`"["`, "regular expression"}, nil},
		"unsupported":           {with(), ingress("a", "a.example.com", annotation("relative-redirects", "true")), nil, []string{"p/relative-redirects"}},
		"bad host":              {with(), ingress("a", "no_host"), []string{`host "no_host"`}, nil},
		"two mistakes":          {with(), ingress("a", "no_host", annotation("affinity", "ip")), []string{"p/affinity", "no_host"}, nil},
		"another's class":       {with(), ingress("a", "no_host", class("other"), annotation("canary-weight", "lots")), nil, nil},
		"taken":                 {with(ingress("old", "a.example.com", age(1))), ingress("new", "a.example.com"), []string{`"default/old"`}, nil},
		"not taken":             {with(ingress("old", "b.example.com", age(1))), ingress("new", "a.example.com"), nil, nil},
		"itself":                {with(ingress("a", "a.example.com", age(1))), ingress("a", "a.example.com", age(1)), nil, nil},
		"older takes it away":   {with(ingress("old", "b.example.com", age(1)), ingress("young", "a.example.com", age(2))), ingress("old", "a.example.com", age(1)), []string{`"a.example.com"`}, nil},
		"canary":                {with(ingress("main", "a.example.com", age(1))), ingress("c", "a.example.com", canary), nil, nil},
		"canary without main":   {with(), ingress("c", "a.example.com", canary), nil, []string{"no other Ingress has this path"}},
		"second canary":         {with(ingress("main", "a.example.com", age(1)), ingress("c1", "a.example.com", canary, age(2))), ingress("c2", "a.example.com", canary), []string{`"default/c1"`}, nil},
		"an error that stays":   {with(ingress("a", "a.example.com", age(1), annotation("affinity", "ip"))), ingress("a", "a.example.com", age(1), annotation("affinity", "ip"), annotation("canary", "false")), nil, nil},
		"an error that is new":  {with(ingress("a", "a.example.com", age(1), annotation("affinity", "ip"))), ingress("a", "a.example.com", age(1), annotation("affinity", "dns")), []string{`"dns"`}, nil},
		"somebody else's error": {with(ingress("broken", "no_host", age(1))), ingress("a", "a.example.com"), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal(test.ingress)
			if err != nil {
				t.Fatal(err)
			}
			response := admission.Review(test.cluster, translate.Result{}, request(admissionv1.Create, raw))
			if response.UID != "request" || response.Allowed != (test.refused == nil) {
				t.Fatalf("%+v %+v", response, response.Result)
			}
			for _, part := range test.refused {
				if !strings.Contains(response.Result.Message, part) {
					t.Errorf("the message %q lacks %q", response.Result.Message, part)
				}
			}
			if len(response.Warnings) > 0 && test.warnings == nil {
				t.Errorf("warnings %q", response.Warnings)
			}
			for _, part := range test.warnings {
				if !strings.Contains(strings.Join(response.Warnings, "\n"), part) {
					t.Errorf("the warnings %q lack %q", response.Warnings, part)
				}
			}
		})
	}
}

func request(operation admissionv1.Operation, raw []byte) *admissionv1.AdmissionRequest {
	return &admissionv1.AdmissionRequest{
		UID:       "request",
		Kind:      metav1.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		Namespace: "default",
		Operation: operation,
		Object:    runtime.RawExtension{Raw: raw},
	}
}

func TestWhatIsNotAskedIsAllowed(t *testing.T) {
	raw, err := json.Marshal(ingress("a", "no_host"))
	if err != nil {
		t.Fatal(err)
	}
	pod := request(admissionv1.Create, []byte(`{}`))
	pod.Kind = metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
	leaving := ingress("a", "no_host")
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	left, err := json.Marshal(leaving)
	if err != nil {
		t.Fatal(err)
	}
	for name, request := range map[string]*admissionv1.AdmissionRequest{
		"deletion":          request(admissionv1.Delete, raw),
		"another kind":      pod,
		"being deleted":     request(admissionv1.Update, left),
		"connect operation": request(admissionv1.Connect, raw),
	} {
		if response := admission.Review(with(), translate.Result{}, request); !response.Allowed {
			t.Errorf("%s: %+v", name, response.Result)
		}
	}
}

func TestHandler(t *testing.T) {
	raw, err := json.Marshal(ingress("a", "no_host"))
	if err != nil {
		t.Fatal(err)
	}
	review := admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  request(admissionv1.Create, raw),
	}
	body, err := json.Marshal(review)
	if err != nil {
		t.Fatal(err)
	}
	var counted []bool
	handler := admission.Handler(with(), &admission.Last{}, func(allowed bool) { counted = append(counted, allowed) })
	status, answer := post(handler, admission.Path, body)
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, answer, err)
	}
	if got.TypeMeta != review.TypeMeta || got.Request != nil || got.Response.Allowed || got.Response.UID != "request" {
		t.Errorf("%s", answer)
	}
	if diff := cmp.Diff([]bool{false}, counted); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string]struct {
		path, body string
		status     int
	}{
		"no JSON":      {admission.Path, "<xml/>", http.StatusBadRequest},
		"no request":   {admission.Path, "{}", http.StatusBadRequest},
		"nothing":      {admission.Path, "", http.StatusBadRequest},
		"too large":    {admission.Path, `{"kind":"` + strings.Repeat("x", 9<<20) + `"}`, http.StatusBadRequest},
		"another path": {"/", "{}", http.StatusNotFound},
	} {
		if status, _ := post(handler, bad.path, []byte(bad.body)); status != bad.status {
			t.Errorf("%s: %d, want %d", name, status, bad.status)
		}
	}
}

// TestDeniedIngressIsLogged has the reason in the log, which needs no verbosity.
func TestDeniedIngressIsLogged(t *testing.T) {
	state := klog.CaptureState()
	defer state.Restore()
	var log bytes.Buffer
	klog.SetSlogLogger(slog.New(slog.NewTextHandler(&log, nil)))
	for _, host := range []string{"a.example.com", "no_host"} {
		raw, err := json.Marshal(ingress("web", host))
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(admissionv1.AdmissionReview{Request: request(admissionv1.Create, raw)})
		if err != nil {
			t.Fatal(err)
		}
		log.Reset()
		post(admission.Handler(with(), &admission.Last{}, func(bool) {}), admission.Path, body)
		denied := host == "no_host"
		if got := log.String(); strings.Contains(got, "Denied an Ingress") != denied || strings.Contains(got, "no_host") != denied {
			t.Errorf("%s: the log has %q", host, got)
		}
	}
}

func post(handler http.Handler, path string, body []byte) (status int, answer []byte) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	answer, _ = io.ReadAll(recorder.Body)
	return recorder.Code, answer
}

// FuzzHandler posts anything: the answer is a review, or says that this was none.
func FuzzHandler(f *testing.F) {
	raw, err := json.Marshal(ingress("a", "a.example.com", canary))
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{Request: request(admissionv1.Update, raw)})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(body), "", "{}", "[]", `{"request":{}}`, `{"request":{"operation":"CREATE","object":null}}`} {
		f.Add([]byte(seed))
	}
	handler := admission.Handler(with(ingress("main", "a.example.com", age(1))), &admission.Last{}, func(bool) {})
	f.Fuzz(func(t *testing.T, body []byte) {
		status, answer := post(handler, admission.Path, body)
		var review admissionv1.AdmissionReview
		switch status {
		case http.StatusBadRequest:
		case http.StatusOK:
			if err := json.Unmarshal(answer, &review); err != nil || review.Response == nil {
				t.Errorf("%s: %v", answer, err)
			}
		default:
			t.Errorf("status %d", status)
		}
	})
}

// TestDuplicatePaths has a path that another Ingress has with the other path type, and one that an Ingress has twice.
func TestDuplicatePaths(t *testing.T) {
	exact := networkingv1.PathTypeExact
	otherType := ingress("b", "a.example.com")
	otherType.Spec.Rules[0].HTTP.Paths[0].PathType = &exact
	twice := ingress("b", "b.example.com")
	twice.Spec.Rules[0].HTTP.Paths = append(twice.Spec.Rules[0].HTTP.Paths, twice.Spec.Rules[0].HTTP.Paths[0])
	for mode, want := range map[compatibility.Mode]struct{ otherType, twice bool }{
		compatibility.Mend: {otherType: true}, compatibility.IngressNginx: {twice: true},
	} {
		cluster := with(ingress("main", "a.example.com", age(1)))
		cluster.mode = mode
		for object, allowed := range map[*networkingv1.Ingress]bool{otherType: want.otherType, twice: want.twice} {
			raw, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if response := admission.Review(cluster, translate.Result{}, request(admissionv1.Create, raw)); response.Allowed != allowed {
				t.Errorf("%s: %s is allowed: %t, %+v", mode, object.Spec.Rules[0].Host, response.Allowed, response.Result)
			}
		}
	}
}

// TestLenientValues has wrong values that ingress-nginx accepts, and some that it refuses, too.
func TestLenientValues(t *testing.T) {
	for key, refused := range map[string]bool{"proxy-read-timeout": false, "permanent-redirect": true, "configuration-snippet": true} {
		for mode, want := range map[compatibility.Mode]bool{compatibility.Mend: true, compatibility.IngressNginx: refused} {
			raw, err := json.Marshal(ingress("a", "a.example.com", annotation(key, "not a value")))
			if err != nil {
				t.Fatal(err)
			}
			cluster := with()
			cluster.mode = mode
			response := admission.Review(cluster, translate.Result{}, request(admissionv1.Create, raw))
			if response.Allowed == want || !want && !strings.Contains(strings.Join(response.Warnings, ""), key) {
				t.Errorf("%s: %s is allowed: %t, warnings %q", mode, key, response.Allowed, response.Warnings)
			}
		}
	}
}
