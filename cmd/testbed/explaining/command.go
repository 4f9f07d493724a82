// Package explaining is the command `testbed explain`.
package explaining

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/steps/manifests"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// explanation is what is explained, and how it is shown.
type explanation struct {
	files     []string
	settings  snapshot.Settings
	configMap string
	backend   string
	curl      explain.Flags
	auth      int
	output    string
	watch     bool
	serve     bool
	listen    string
}

// New makes the command.
func New() *cobra.Command {
	e := &explanation{}
	cmd := &cobra.Command{
		Use:   "explain -f MANIFESTS [flags] URL\n  testbed explain -f MANIFESTS [flags] --serve",
		Short: "Explain what the ingress controller does with a request, without a cluster",
		Long: "Reads manifests and shows the answer to a request and the reasons for it: which server and path are selected and why the\n" +
			"others are not, what each policy does, which backend gets the request, and what the other compatibility mode would do.\n" +
			"The controller's own translation and proxy answer the request, in this process (docs/explain.md).",
		Example: "  testbed explain -f manifests/ https://shop.example.com/cart\n" +
			"  kubectl get ingress,ingressclass,service,configmap -A -o yaml | testbed explain -f - -X POST -d a=b shop.example.com/orders\n" +
			"  helm template my-chart | testbed explain -f - -H 'X-Canary: always' --compatibility ingress-nginx shop.example.com",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd, strings.Join(args, "")) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&e.files, "filename", "f", nil, "`file` or folder with manifests, or - for standard input; may be repeated")
	flags.Var(&e.settings.Compatibility, "compatibility", "compatibility mode that is explained: mend or ingress-nginx")
	flags.StringVar(&e.settings.LegacyClass, "ingress-class", "nginx", "`name` of the IngressClass")
	flags.StringVar(&e.settings.ControllerClass, "controller-class", "k8s.io/ingress-nginx", "`controller` of the IngressClasses that are served")
	flags.BoolVar(&e.settings.WithoutClass, "watch-ingress-without-class", false, "serve Ingresses without a class, too")
	flags.BoolVar(&e.settings.Passthrough, "enable-ssl-passthrough", false, "forward TLS connections as they are for Ingresses with ssl-passthrough")
	flags.StringVar(&e.configMap, "configmap", "", "`namespace/name` of the ConfigMap with the controller's settings")
	flags.StringVar(&e.backend, "default-backend-service", "", "`namespace/name` of the Service for requests that no Ingress serves")
	flags.IntVar(&e.auth, "auth-status", 200, "`status` with which external authentication servers answer")
	flags.StringVarP(&e.output, "output", "o", "text", "`format`: text or json")
	flags.BoolVar(&e.watch, "watch", false, "explain again when a file changes")
	flags.BoolVar(&e.serve, "serve", false, "show the routing table in a browser, and explain requests there; follows changes of files")
	flags.StringVar(&e.listen, "listen", "127.0.0.1:0", "`address` of the loopback interface that --serve listens on")
	e.curl.Register(flags)
	return cmd
}

func (e *explanation) run(cmd *cobra.Command, url string) error {
	request, err := e.check(url)
	if err != nil {
		return fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	switch {
	case e.serve:
		return e.page(cmd)
	case e.watch:
		return e.again(cmd, request)
	}
	return e.once(cmd, request)
}

// check reads the flags.
func (e *explanation) check(url string) (explain.Request, error) {
	for _, name := range []struct {
		flag, text string
		into       *types.NamespacedName
	}{{"--configmap", e.configMap, &e.settings.ConfigMap}, {"--default-backend-service", e.backend, &e.settings.DefaultBackend}} {
		if name.text == "" {
			continue
		}
		namespace, object, found := strings.Cut(name.text, "/")
		if !found || namespace == "" || object == "" {
			return explain.Request{}, fmt.Errorf("%s: %q is not of the form \"namespace/name\"", name.flag, name.text)
		}
		*name.into = types.NamespacedName{Namespace: namespace, Name: object}
	}
	switch {
	case len(e.files) == 0:
		return explain.Request{}, errors.New("name the manifests with -f: a file, a folder, or - for standard input")
	case e.output != "text" && e.output != "json":
		return explain.Request{}, fmt.Errorf("--output: %q is not text or json", e.output)
	case (e.watch || e.serve) && slices.Contains(e.files, manifests.Stdin):
		return explain.Request{}, errors.New("standard input can't be watched: name files or folders for --watch and --serve")
	case e.serve && url != "":
		return explain.Request{}, errors.New("--serve takes no URL: requests are typed in the page")
	case !e.serve && url == "":
		return explain.Request{}, errors.New("name the URL of the request, such as https://shop.example.com/cart")
	case e.auth < 200 || e.auth > 599:
		return explain.Request{}, fmt.Errorf("--auth-status: %d is not a status from 200 to 599", e.auth)
	}
	if e.serve {
		return explain.Request{}, checkLoopback(e.listen)
	}
	return explain.NewRequest(url, e.curl)
}

func (e *explanation) once(cmd *cobra.Command, request explain.Request) error {
	explainer, err := e.load(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	explained, err := explainer.Explain(cmd.Context(), request)
	if err != nil {
		return err
	}
	return e.write(cmd.OutOrStdout(), explained)
}

// load reads the manifests. What was left out or added is reported to notes.
func (e *explanation) load(ctx context.Context, stdin io.Reader, notes io.Writer) (*explain.Explainer, error) {
	set, err := manifests.Read(ctx, stdin, e.files...)
	if err == nil {
		err = set.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	store, added, err := set.Store(manifests.Class{Name: e.settings.LegacyClass, Controller: e.settings.ControllerClass})
	if err != nil {
		return nil, err
	}
	for _, note := range append(set.Notes, added...) {
		fmt.Fprintf(notes, "note: %s\n", note)
	}
	return explain.New(store, e.settings, explain.Options{AuthStatus: e.auth, Names: func(address netip.Addr) string {
		target, ok := store.Target(address)
		switch {
		case !ok:
			return ""
		case target.Host != "":
			return "stand-in for " + target.Host
		}
		return "stand-in for Service " + target.Service.String()
	}}), nil
}

func (e *explanation) write(w io.Writer, explained *explain.Explanation) error {
	if e.output == "text" {
		return explained.WriteText(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(explained)
}
