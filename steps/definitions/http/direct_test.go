package http

import (
	"context"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/steps/world"
)

// twoPods answer with the name of the first of them.
type twoPods struct{}

func (twoPods) PodsOf(context.Context, string, string) ([]corev1.Pod, error) {
	return []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "shop-1"}}, {ObjectMeta: metav1.ObjectMeta{Name: "shop-2"}}}, nil
}

func (twoPods) GetFromPod(context.Context, string, string, int, string) (string, error) {
	return "Hostname: shop-1\n\nServer values:\n\tserver_version=v1\n\nRequest Information:\n\tclient_address=10.0.0.1\n\tmethod=GET\n", nil
}

// All Pods are checked, with all rows of the table.
func TestEachPodAndEachRow(t *testing.T) {
	table := &godog.Table{}
	for _, row := range [][2]string{{"server_version", "v2"}, {"client_address", "10.0.0.1"}, {"method", "POST"}} {
		table.Rows = append(table.Rows, &messages.PickleTableRow{Cells: []*messages.PickleTableCell{{Value: row[0]}, {Value: row[1]}}})
	}
	ctx := world.NewContext(t.Context(), &world.Scenario{Namespace: &world.Namespace{Name: "default"}})
	err := echoes{twoPods{}}.eachPodSays(ctx, "shop", 8080, table)
	if err == nil {
		t.Fatal("no failure")
	}
	for part, count := range map[string]int{
		"the response of Pod shop-1: ": 1, "the response of Pod shop-2: ": 1, "expected: server_version=v2": 2, "expected: method=POST": 2,
		"expected: Hostname: shop-2": 1, "client_address": 0,
	} {
		if got := strings.Count(err.Error(), part); got != count {
			t.Errorf("%q is there %d times, want %d:\n%v", part, got, count, err)
		}
	}
}
