package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ingress-testbed/testbed/controller/app"
)

func runCommand() *cobra.Command {
	options := app.Defaults()
	accessLog := true
	command := &cobra.Command{
		Use:   "run",
		Short: "Run the controller (the default)",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			options.Version = version
			options.Pod = types.NamespacedName{Namespace: os.Getenv("POD_NAMESPACE"), Name: os.Getenv("POD_NAME")}
			if accessLog {
				options.AccessLog = command.OutOrStdout()
			}
			return app.Run(command.Context(), options)
		},
	}
	flags := command.Flags()
	clusterFlags(flags, &options)
	ingressFlags(flags, &options)
	statusFlags(flags, &options)
	servingFlags(flags, &options)
	flags.BoolVar(&accessLog, "access-log", accessLog, "write a JSON object for each request to standard output")
	logFlags(flags)
	return command
}

func clusterFlags(flags *pflag.FlagSet, o *app.Options) {
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "",
		"kubeconfig file of the cluster; by default the one this Pod is in")
	flags.StringVar(&o.APIServer, "apiserver-host", "", "address of the API server, such as http://localhost:8001")
	flags.StringVar(&o.WatchNamespace, "watch-namespace", "", "namespace to watch; by default all")
	flags.DurationVar(&o.StartTimeout, "start-timeout", o.StartTimeout,
		"how long the initial lists from the API server may take")
}

func ingressFlags(flags *pflag.FlagSet, o *app.Options) {
	flags.StringVar(&o.IngressClass, "ingress-class", o.IngressClass,
		"value of the annotation kubernetes.io/ingress.class with which an Ingress belongs to this controller")
	flags.StringVar(&o.ControllerClass, "controller-class", o.ControllerClass,
		"spec.controller of the IngressClasses that belong to this controller")
	flags.BoolVar(&o.WatchIngressWithoutClass, "watch-ingress-without-class", false,
		"also serve Ingresses that name no class")
	flags.StringVar(&o.AnnotationsPrefix, "annotations-prefix", o.AnnotationsPrefix,
		"prefix of the annotations that are read")
	flags.Var(&o.Compatibility, "compatibility",
		"mend corrects harmful behaviour of ingress-nginx, ingress-nginx reproduces it (docs/compatibility.md)")
	flags.Var((*objectName)(&o.ConfigMap), "configmap", "ConfigMap of the global settings")
	flags.Var((*objectName)(&o.DefaultSSLCertificate), "default-ssl-certificate",
		"Secret of the certificate for clients whose server name (SNI) is unknown or missing")
	flags.Var((*objectName)(&o.DefaultBackendService), "default-backend-service",
		"Service for requests that match no Ingress; by default these are answered 404")
	flags.Var((*objectName)(&o.TCPServicesConfigMap), "tcp-services-configmap",
		"ConfigMap of TCP ports that are forwarded to Services: namespace/service:port[:PROXY][:PROXY] by port; the first PROXY accepts the "+
			"PROXY protocol, the second sends it")
	flags.Var((*objectName)(&o.UDPServicesConfigMap), "udp-services-configmap",
		"ConfigMap of UDP ports that are forwarded to Services: namespace/service:port by port")
	flags.BoolVar(&o.EnableSSLPassthrough, "enable-ssl-passthrough", false,
		"enable the annotation ssl-passthrough, with which backends terminate TLS; otherwise its paths answer 503")
}

func statusFlags(flags *pflag.FlagSet, o *app.Options) {
	flags.BoolVar(&o.UpdateStatus, "update-status", o.UpdateStatus, "write the controller's addresses into Ingresses")
	flags.BoolVar(&o.UpdateStatusOnShutdown, "update-status-on-shutdown", o.UpdateStatusOnShutdown,
		"remove the addresses when the last controller stops")
	flags.Var((*objectName)(&o.PublishService), "publish-service",
		"Service whose addresses are written; by default those of the nodes")
	flags.StringSliceVar(&o.PublishStatusAddress, "publish-status-address", nil,
		"addresses to write, instead of those of --publish-service or the nodes")
	flags.BoolVar(&o.ReportNodeInternalIP, "report-node-internal-ip-address", false, "write nodes' internal addresses")
	flags.StringVar(&o.ElectionID, "election-id", o.ElectionID, "Lease by which replicas elect a leader")
}

func servingFlags(flags *pflag.FlagSet, o *app.Options) {
	flags.IntVar(&o.HTTPPort, "http-port", o.HTTPPort, "port for HTTP")
	flags.IntVar(&o.HTTPSPort, "https-port", o.HTTPSPort, "port for HTTPS")
	flags.IntVar(&o.HealthzPort, "healthz-port", o.HealthzPort, "port for /healthz, /readyz and /metrics")
	flags.IntVar(&o.StatusPort, "status-port", o.StatusPort, "port on the loopback interface for the commands dump and explain")
	flags.StringVar(&o.ValidatingWebhook, "validating-webhook", "",
		"address of the admission webhook, such as :8443; by default there is none")
	flags.StringVar(&o.ValidatingWebhookCert, "validating-webhook-certificate", "",
		"file with the webhook's certificate")
	flags.StringVar(&o.ValidatingWebhookKey, "validating-webhook-key", "", "file with its key")
	flags.DurationVar(&o.ShutdownGracePeriod, "shutdown-grace-period", o.ShutdownGracePeriod,
		"how long requests are still accepted after SIGTERM, and up to 5 s longer while connections come")
	flags.DurationVar(&o.DrainTimeout, "drain-timeout", o.DrainTimeout, "how long running requests may take after that")
}

// logFlags adds the well-known flags of klog. The others only matter to its log files.
func logFlags(flags *pflag.FlagSet) {
	all := flag.NewFlagSet("klog", flag.ContinueOnError)
	all.SetOutput(io.Discard)
	klog.InitFlags(all)
	for _, name := range []string{"v", "vmodule"} {
		flags.AddGoFlag(all.Lookup(name))
	}
	flags.Lookup("v").Usage = "verbosity of the log; 2 adds changes, 3 the decisions behind each table"
	flags.Lookup("v").DefValue = "0"
}

// objectName is a flag of the form namespace/name.
type objectName types.NamespacedName

func (n *objectName) String() string {
	if n.Name == "" {
		return ""
	}
	return types.NamespacedName(*n).String()
}

func (n *objectName) Set(text string) error {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("%q is not of the form namespace/name", text)
	}
	n.Namespace, n.Name = namespace, name
	return nil
}

func (n *objectName) Type() string { return "namespace/name" }
