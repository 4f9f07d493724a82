package kubeclient_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

func write(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: server}
	config.Contexts["x"] = &api.Context{Cluster: "c"}
	config.CurrentContext = "x"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRequestsAreMadeAsTheOptionsSay(t *testing.T) {
	for name, c := range map[string]struct {
		options kubeclient.Options
		agent   string
	}{
		"set":      {kubeclient.Options{UserAgent: "tester", Timeout: time.Minute}, "tester"},
		"defaults": {kubeclient.Options{}, rest.DefaultKubernetesUserAgent()},
	} {
		t.Run(name, func(t *testing.T) {
			var seen *http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = r
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}}`))
			}))
			defer server.Close()
			config, client, err := kubeclient.Connect(write(t, server.URL), c.options)
			if err != nil {
				t.Fatal(err)
			}
			if config.Timeout != c.options.Timeout || config.Host != server.URL {
				t.Errorf("config for %s with time-out %s", config.Host, config.Timeout)
			}
			if _, err := client.CoreV1().Pods("n").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := seen.UserAgent(); got != c.agent {
				t.Errorf("user agent %q", got)
			}
			if got := seen.Header.Get("Accept"); !strings.HasPrefix(got, "application/vnd.kubernetes.protobuf,") {
				t.Errorf("accepts %q", got)
			}
		})
	}
}

func TestTheRateIsTheOptions(t *testing.T) {
	_, client, err := kubeclient.Connect(write(t, "http://127.0.0.1:1"), kubeclient.Options{QPS: 70, Burst: 90})
	if err != nil {
		t.Fatal(err)
	}
	if got := client.CoreV1().RESTClient().GetRateLimiter().QPS(); got != 70 {
		t.Errorf("%v requests per second", got)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "gone")
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.WriteFile(damaged, []byte("clusters: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{missing, damaged} {
		if _, _, err := kubeclient.Connect(path, kubeclient.Options{}); err == nil || !strings.Contains(err.Error(), "reading the kubeconfig "+path) {
			t.Errorf("error %v", err)
		}
	}
	if _, _, err := kubeclient.Connect(write(t, "http://[::1"), kubeclient.Options{}); err == nil {
		t.Error("a damaged address is accepted")
	}
}
