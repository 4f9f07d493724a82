package page_test

import (
	"context"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/explain/page"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
)

const objects = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: "shop", namespace: web}
spec:
  rules:
  - host: shop.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: cart, port: {number: 80}}}}
`

func newPage(t *testing.T) *page.Page {
	t.Helper()
	made, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := snapshottest.Objects([]byte(objects))
	if err != nil {
		t.Fatal(err)
	}
	store := snapshottest.NewStore(decoded...)
	made.Show(page.State{
		Explainer: explain.New(store, snapshot.Settings{WithoutClass: true}, explain.Options{}), Notes: []string{"a <note>"},
	})
	return made
}

func get(t *testing.T, handler http.Handler, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Host = "127.0.0.1:8080"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	handler := newPage(t)
	for target, wanted := range map[string][]string{
		"/":                    {"exact /cart", "web/cart:80", "a &lt;note&gt;", `href="/?url=http%3a%2f%2fshop.test%2fcart"`},
		"/?url=shop.test/cart": {`class="path selected"><td><a href="/?url=http%3a%2f%2fshop.test%2fcart">`, `<span class="status s5">503`},
		"/?url=" + url.QueryEscape("x y://<script>"): {`role="alert"`, "&lt;script&gt;"},
		"/?url=other.test&header=X":                  {"is not of the form"},
	} {
		body := get(t, handler, target, nil).Body.String()
		for _, text := range wanted {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %q is missing in\n%s", target, text, body)
			}
		}
		if strings.Contains(body, "<script>") {
			t.Errorf("%s: what was typed is not escaped", target)
		}
	}
}

// TestOthers must not read the page: sites whose name leads to the loopback interface, and those that send forms.
func TestOthers(t *testing.T) {
	handler := newPage(t)
	for _, test := range []struct {
		target, host, method string
		want                 int
	}{
		{"/", "127.0.0.1:80", "GET", 200},
		{"/", "[::1]:80", "GET", 200},
		{"/", "localhost", "HEAD", 200},
		{"/", "evil.test", "GET", 421},
		{"/", "192.0.2.1", "GET", 421},
		{"/", "127.0.0.1.evil.test", "GET", 421},
		{"/", "localhost", "POST", 405},
		{"/page.html", "localhost", "GET", 404},
		{"/page.css", "localhost", "GET", 200},
		{"/../page.go", "localhost", "GET", 404},
	} {
		w := get(t, handler, test.target, func(r *http.Request) { r.Host, r.Method = test.host, test.method })
		if w.Code != test.want {
			t.Errorf("%+v: got %d", test, w.Code)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%+v: no policy", test)
		}
	}
}

// TestChanges has a reader that waits, and manifests that break: the former table stays.
func TestChanges(t *testing.T) {
	handler := newPage(t)
	done := make(chan int)
	go func() { done <- get(t, handler, "/changes", nil).Code }()
	for {
		select {
		case code := <-done:
			if code != http.StatusNoContent {
				t.Errorf("got %d", code)
			}
			body := get(t, handler, "/", nil).Body.String()
			if !strings.Contains(body, "line 3 is broken") || !strings.Contains(body, "exact /cart") {
				t.Error(body)
			}
			return
		case <-time.After(10 * time.Millisecond): // the reader may come later
			handler.Show(page.State{Problem: "line 3 is broken"})
		}
	}
}

// TestInABrowser shows the page in Chromium, and lets its script run.
func TestInABrowser(t *testing.T) {
	dom := string(browse(t, "--dump-dom"))
	if !regexp.MustCompile(`<tr class="path selected"><td><a[^>]*>exact /cart`).MatchString(dom) {
		t.Errorf("the selected path is not marked:\n%s", dom)
	}
	if !regexp.MustCompile(`<tr class="path" hidden=""><td><a[^>]*>prefix /</a>`).MatchString(dom) {
		t.Errorf("the filter of the URL hides nothing:\n%s", dom)
	}
}

// TestColours compares the page in the two colour schemes: its background is dark or light, and there is text on it.
func TestColours(t *testing.T) {
	for _, scheme := range []struct {
		name, setting string
		isDark        bool
	}{{"dark", "0", true}, {"light", "1", false}} {
		file := filepath.Join(t.TempDir(), "page.png")
		browse(t, "--blink-settings=preferredColorScheme="+scheme.setting, "--screenshot="+file)
		shot, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer shot.Close()
		picture, err := png.Decode(shot)
		if err != nil {
			t.Fatal(err)
		}
		luminance := func(x, y int) uint8 { return color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y }
		if background := luminance(1, 1); background < 128 != scheme.isDark {
			t.Errorf("%s: the background has the luminance %d", scheme.name, background)
		}
		contrast := 0
		for x := range picture.Bounds().Dx() {
			for y := range picture.Bounds().Dy() {
				if luminance(x, y) < 128 != scheme.isDark {
					contrast++
				}
			}
		}
		if contrast < 1000 {
			t.Errorf("%s: %d pixels contrast with the background", scheme.name, contrast)
		}
	}
}

// browse runs Chromium on an explanation and returns its output.
func browse(t *testing.T, arguments ...string) []byte {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	server := httptest.NewServer(newPage(t))
	t.Cleanup(func() {
		server.CloseClientConnections() // one waits for changes
		server.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, chromium, append([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
	}, append(arguments, server.URL+"/?url=shop.test/cart&filter=cart")...)...)
	run.WaitDelay = 5 * time.Second
	output, err := run.Output()
	if err != nil {
		t.Fatalf("running Chromium: %v", err)
	}
	return output
}
