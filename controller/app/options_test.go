package app_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/controller/kube/kubetest"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := app.Defaults().Validate(); err != nil {
		t.Error(err)
	}
}

func TestWrongOptions(t *testing.T) {
	for flag, change := range map[string]func(*app.Options){
		"--http-port":              func(o *app.Options) { o.HTTPPort = 65536 },
		"--https-port":             func(o *app.Options) { o.HTTPSPort = 80 },
		"--healthz-port":           func(o *app.Options) { o.HealthzPort = -1 },
		"--validating-webhook:":    func(o *app.Options) { o.ValidatingWebhook = ":8443" },
		"--validating-webhook-key": func(o *app.Options) { o.ValidatingWebhookCert = "file" },
		"--annotations-prefix":     func(o *app.Options) { o.AnnotationsPrefix = "a/b" },
		"--election-id":            func(o *app.Options) { o.ElectionID = "A B" },
		"--shutdown-grace-period":  func(o *app.Options) { o.ShutdownGracePeriod = -time.Second },
		"--default-ssl-certificate": func(o *app.Options) {
			o.WatchNamespace, o.DefaultSSLCertificate = "a", types.NamespacedName{Namespace: "b", Name: "c"}
		},
		"--default-backend-service": func(o *app.Options) {
			o.WatchNamespace, o.DefaultBackendService = "a", types.NamespacedName{Namespace: "b", Name: "c"}
		},
	} {
		options := app.Defaults()
		change(&options)
		if err := options.Validate(); err == nil || !strings.Contains(err.Error(), flag) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func free() app.Options {
	options := app.Defaults()
	options.HTTPPort, options.HTTPSPort, options.HealthzPort, options.StatusPort = 0, 0, 0, 0
	return options
}

func TestAPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	options := free()
	options.HTTPSPort = taken.Addr().(*net.TCPAddr).Port
	err = app.RunWith(t.Context(), options, kubetest.NewClientset(), func(app.Addresses) {})
	if err == nil || !strings.Contains(err.Error(), "--https-port") {
		t.Errorf("%v", err)
	}
}

func TestAnAPIServerThatDoesNotAnswer(t *testing.T) {
	client := kubetest.NewClientset()
	client.PrependReactor("get", "version", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("connection refused")
	})
	options := free()
	options.StartTimeout = 10 * time.Millisecond
	err := app.RunWith(t.Context(), options, client, func(app.Addresses) {})
	if err == nil || !strings.Contains(err.Error(), "API server") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
}

func TestStoppedWhileStarting(t *testing.T) {
	client := kubetest.NewClientset()
	client.PrependReactor("list", "services", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("not yet")
	})
	client.PrependWatchReactor("services", clienttesting.DefaultWatchReactor(nil, errors.New("not yet")))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := app.RunWith(ctx, free(), client, func(app.Addresses) {}); err != nil {
		t.Errorf("%v", err)
	}
}

func TestAWebhookCertificateThatIsNotThere(t *testing.T) {
	options := free()
	options.ValidatingWebhook = "127.0.0.1:0"
	options.ValidatingWebhookCert, options.ValidatingWebhookKey = "missing.crt", "missing.key"
	err := app.RunWith(t.Context(), options, kubetest.NewClientset(), func(app.Addresses) {})
	if err == nil || !strings.Contains(err.Error(), "missing.crt") {
		t.Errorf("%v", err)
	}
}
