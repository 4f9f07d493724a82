//go:build linux

package podspec

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

func TestExpand(t *testing.T) {
	values := map[string]string{"A": "1", "B_2": "two", "EMPTY": "", "NESTED": "$(A)"}
	lookUp := func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	cases := []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"$(A)", "1"}, {"x$(A)y$(B_2)z", "x1ytwoz"}, {"$(EMPTY)", ""},
		{"$(MISSING)", "$(MISSING)"}, {"$$(A)", "$(A)"}, {"$$$(A)", "$1"}, {"$$", "$"}, {"$", "$"}, {"a$", "a$"},
		{"$A", "$A"}, {"${A}", "${A}"}, {"$(A", "$(A"}, {"$()", "$()"}, {"$(NESTED)", "$(A)"}, {"$(A$(A)", "$(A$(A)"},
	}
	for _, c := range cases {
		if got := Expand(c.in, lookUp); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"$(A)$$(A)", "$(", "$$$", "$(A$(B))", "é$(é)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		nothing := Expand(text, func(string) (string, bool) { return "", false })
		if !strings.Contains(text, "$$") && nothing != text {
			t.Errorf("without variables %q became %q", text, nothing)
		}
		if !strings.Contains(text, "$") && Expand(text, func(string) (string, bool) { return "x", true }) != text {
			t.Errorf("%q changed without a reference", text)
		}
	})
}

// objects are ConfigMaps and Secrets by name.
type objects struct {
	configMaps map[string]map[string]string
	secrets    map[string]map[string]string
}

func (o objects) ConfigMap(name string) (*corev1.ConfigMap, error) {
	data, ok := o.configMaps[name]
	if !ok {
		return nil, apierrors.NewNotFound(corev1.Resource("configmaps"), name)
	}
	return &corev1.ConfigMap{Data: data}, nil
}

func (o objects) Secret(name string) (*corev1.Secret, error) {
	data, ok := o.secrets[name]
	if !ok {
		return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
	}
	secret := &corev1.Secret{Data: map[string][]byte{}}
	for k, v := range data {
		secret.Data[k] = []byte(v)
	}
	return secret, nil
}

func input(c corev1.Container) Input {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-1", Namespace: "shop", UID: "u-1", Labels: map[string]string{"app": "web", "tier": `a "b"`},
			Annotations: map[string]string{"note": "x"},
		},
		Spec: corev1.PodSpec{NodeName: "k3s-w1", ServiceAccountName: "default", Containers: []corev1.Container{c}},
	}
	return Input{
		Pod: pod, Container: &pod.Spec.Containers[0],
		Image: image.Image{RootFS: "/images/x", Config: v1.Config{
			Entrypoint: []string{"/server"}, Cmd: []string{"--default"}, Env: []string{"PATH=/bin", "FROM=image"}, WorkingDir: "/srv",
		}},
		Runtime: Runtime{
			PodIPs: []netip.Addr{netip.MustParseAddr("172.16.1.3")}, HostIPs: []netip.Addr{netip.MustParseAddr("192.168.10.101")},
			Allocatable: corev1.ResourceList{"cpu": resource.MustParse("2"), "memory": resource.MustParse("4Gi")},
		},
		Objects: objects{
			configMaps: map[string]map[string]string{"conf": {"a": "1", "b": "2"}},
			secrets:    map[string]map[string]string{"secret": {"password": "geheim"}},
		},
	}
}

func value(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return "<unset>"
}

func fromField(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func TestEnvironment(t *testing.T) {
	key := func(name, key string, optional bool) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
		}}
	}
	c := corev1.Container{
		Name: "web",
		EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}},
			{Prefix: "S_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "secret"}}},
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: ptr.To(true)}},
		},
		Env: []corev1.EnvVar{
			{Name: "b", Value: "own"}, {Name: "FROM", Value: "pod"}, {Name: "JOINED", Value: "$(a)-$(b)-$(LATER)-$$(a)"},
			{Name: "LATER", Value: "x"}, {Name: "KEY", ValueFrom: key("conf", "a", false)}, {Name: "NOKEY", ValueFrom: key("conf", "z", true)},
			{Name: "NAME", ValueFrom: fromField("metadata.name")}, {Name: "UID", ValueFrom: fromField("metadata.uid")},
			{Name: "LABEL", ValueFrom: fromField("metadata.labels['app']")}, {Name: "NODE", ValueFrom: fromField("spec.nodeName")},
			{Name: "IP", ValueFrom: fromField("status.podIP")}, {Name: "HOST", ValueFrom: fromField("status.hostIP")},
			{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
			{Name: "MILLI", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "requests.cpu", Divisor: resource.MustParse("1m")}}},
			{Name: "MIB", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
		},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("250m")}},
	}
	in := input(c)
	in.Services = []*corev1.Service{
		{ObjectMeta: metav1.ObjectMeta{Name: "kubernetes", Namespace: "default"}, Spec: corev1.ServiceSpec{ClusterIP: "10.10.200.1", Ports: []corev1.ServicePort{{Name: "https", Port: 443}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "svc-a", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "10.10.200.7", Ports: []corev1.ServicePort{{Port: 9001, Protocol: corev1.ProtocolTCP}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "headless", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "None", Ports: []corev1.ServicePort{{Port: 1}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other", Namespace: "elsewhere"}, Spec: corev1.ServiceSpec{ClusterIP: "10.10.200.8", Ports: []corev1.ServicePort{{Port: 1}}}},
	}
	spec, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"PATH": "/bin", "FROM": "pod", "a": "1", "b": "own", "S_password": "geheim", "JOINED": "1-own-$(LATER)-$(a)", "KEY": "1",
		"NOKEY": "<unset>", "NAME": "web-1", "UID": "u-1", "LABEL": "web", "NODE": "k3s-w1", "IP": "172.16.1.3", "HOST": "192.168.10.101",
		"CPU": "2", "MILLI": "250", "MIB": "4096", "HOSTNAME": "web-1", "KUBERNETES_SERVICE_HOST": "10.10.200.1",
		"KUBERNETES_SERVICE_PORT_HTTPS": "443", "SVC_A_SERVICE_HOST": "10.10.200.7", "SVC_A_PORT_9001_TCP": "tcp://10.10.200.7:9001",
		"HEADLESS_SERVICE_HOST": "<unset>", "OTHER_SERVICE_HOST": "<unset>",
	} {
		if got := value(spec.Env, name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	in.Pod.Spec.EnableServiceLinks = ptr.To(false)
	if spec, err = Build(in); err != nil {
		t.Fatal(err)
	}
	if value(spec.Env, "SVC_A_SERVICE_HOST") != "<unset>" || value(spec.Env, "KUBERNETES_SERVICE_HOST") != "10.10.200.1" {
		t.Error("enableServiceLinks: false must leave the API server's service alone")
	}
}

func TestBuildRefuses(t *testing.T) {
	ref := corev1.LocalObjectReference{Name: "none"}
	cases := []struct {
		name   string
		c      corev1.Container
		change func(*Input)
		want   string
	}{
		{"missing ConfigMap", corev1.Container{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref}}}}, nil, `configmaps "none" not found`},
		{"missing Secret", corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref, Key: "k"}}}}}, nil, `secrets "none" not found`},
		{"missing key", corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "secret"}, Key: "k"}}}}}, nil, "couldn't find key k in Secret shop/secret"},
		{"unknown field", corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: fromField("spec.replicas")}}}, nil, "spec.replicas"},
		{"unknown subscript", corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: fromField("metadata.name['x']")}}}, nil, "subscript"},
		{"nothing to run", corev1.Container{Image: "x"}, func(in *Input) { in.Image.Config.Entrypoint, in.Image.Config.Cmd = nil, nil }, "no command specified"},
		{"relative folder", corev1.Container{WorkingDir: "a"}, nil, "absolute"},
		{"unknown capability", corev1.Container{SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"FLY"}}}}, nil, "FLY"},
		{"root, though not allowed", corev1.Container{SecurityContext: &corev1.SecurityContext{RunAsNonRoot: ptr.To(true)}}, nil, "image will run as root"},
		{"root by number", corev1.Container{SecurityContext: &corev1.SecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](0)}}, nil, "non-root policy"},
		{"named user", corev1.Container{SecurityContext: &corev1.SecurityContext{RunAsNonRoot: ptr.To(true)}}, func(in *Input) { in.Image.Config.User = "web" }, "non-numeric user (web)"},
		{"negative user", corev1.Container{SecurityContext: &corev1.SecurityContext{RunAsUser: ptr.To[int64](-1)}}, nil, "not a valid ID"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := input(c.c)
			if c.change != nil {
				c.change(&in)
			}
			if _, err := Build(in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	cases := []struct {
		name          string
		command, args []string
		want          []string
	}{
		{"the image's", nil, nil, []string{"/server", "--default"}},
		{"own arguments", nil, []string{"--name=$(HOSTNAME)"}, []string{"/server", "--name=web-1"}},
		{"own command", []string{"sh"}, nil, []string{"sh"}},
		{"both", []string{"sh", "-c"}, []string{"echo $(FROM) $$(FROM)"}, []string{"sh", "-c", "echo image $(FROM)"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spec, err := Build(input(corev1.Container{Command: c.command, Args: c.args}))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(spec.Args, c.want) {
				t.Errorf("%q, want %q", spec.Args, c.want)
			}
		})
	}
}

func TestSecurity(t *testing.T) {
	in := input(corev1.Container{SecurityContext: &corev1.SecurityContext{
		RunAsUser: ptr.To[int64](101), ReadOnlyRootFilesystem: ptr.To(true), AllowPrivilegeEscalation: ptr.To(false),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_BIND_SERVICE"}},
	}})
	in.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](5), RunAsGroup: ptr.To[int64](6), FSGroup: ptr.To[int64](7), SupplementalGroups: []int64{8}}
	spec, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if *spec.User.UID != 101 || *spec.User.GID != 6 || !slices.Equal(spec.User.Extra, []uint32{8, 7}) {
		t.Errorf("user %d, group %d, groups %v", *spec.User.UID, *spec.User.GID, spec.User.Extra)
	}
	if !spec.ReadOnly || !spec.NoNewPrivileges || spec.Privileged || !slices.Equal(spec.Capabilities, []string{"NET_BIND_SERVICE"}) {
		t.Errorf("%+v", spec)
	}
	if spec.Cwd != "/srv" || spec.RootFS != "/images/x" {
		t.Errorf("cwd %q, root %q", spec.Cwd, spec.RootFS)
	}
}

func TestField(t *testing.T) {
	in := input(corev1.Container{})
	got, err := Field(in.Pod, in.Runtime, "metadata.labels")
	if want := "app=\"web\"\ntier=\"a \\\"b\\\"\""; err != nil || got != want {
		t.Errorf("labels %q, %v; want %q", got, err, want)
	}
	if got, err := Field(in.Pod, Runtime{}, "status.podIP"); err != nil || got != "" {
		t.Errorf("the address of a Pod without one: %q, %v", got, err)
	}
}

func TestHostname(t *testing.T) {
	cases := []struct {
		pod  corev1.Pod
		want string
	}{
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, "web"},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Hostname: "own"}}, "own"},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{HostNetwork: true, NodeName: "k3s-s"}}, "k3s-s"},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: strings.Repeat("a", 62) + ".b"}}, strings.Repeat("a", 62)},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Hostname: "own", HostnameOverride: ptr.To("any.name")}}, "any.name"},
	}
	for _, c := range cases {
		if got := Hostname(&c.pod); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestKernelHostname(t *testing.T) {
	spec := func(change func(*corev1.PodSpec)) corev1.PodSpec {
		s := corev1.PodSpec{Hostname: "own", Subdomain: "sub", SetHostnameAsFQDN: ptr.To(true)}
		change(&s)
		return s
	}
	cases := []struct {
		name string
		spec corev1.PodSpec
		want string
	}{
		{"fully qualified", spec(func(*corev1.PodSpec) {}), "own.sub.shop.svc.cluster.local"},
		{"not asked for", spec(func(s *corev1.PodSpec) { s.SetHostnameAsFQDN = nil }), "own"},
		{"no subdomain", spec(func(s *corev1.PodSpec) { s.Subdomain = "" }), "own"},
		{"override", spec(func(s *corev1.PodSpec) { s.HostnameOverride = ptr.To("any.name") }), "any.name"},
		{"too long for the kernel", spec(func(s *corev1.PodSpec) { s.Subdomain = strings.Repeat("s", 50) }), ""},
	}
	for _, c := range cases {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Spec: c.spec}
		if got, err := KernelHostname(pod, "cluster.local"); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}
