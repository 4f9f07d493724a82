package app_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/internal/freeport"
)

// TestTCPServices adds a port to the ConfigMap while the controller runs, which is outside of the namespace that it watches.
func TestTCPServices(t *testing.T) {
	w := start(t, func(o *app.Options) {
		o.TCPServicesConfigMap = types.NamespacedName{Namespace: "ingress", Name: "tcp"}
		o.WatchNamespace = "default"
		o.ConfigMap = types.NamespacedName{}
		o.UpdateStatus = false
	})
	w.backend("web", "web-1")
	free := freeport.Reserve(t)
	data := map[string]string{strconv.Itoa(int(free.Port())): "default/web:80"}
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "tcp"}, Data: data}
	if err := w.client.Tracker().Add(held); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() error {
		conn, err := net.Dial("tcp", free.String())
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
		reply, err := io.ReadAll(conn)
		if err != nil || len(reply) == 0 || string(reply[len(reply)-5:]) != "web-1" {
			return fmt.Errorf("got %q, %w", reply, err)
		}
		return nil
	})
}
