// Command kube is every Kubernetes program that the embedded cluster runs, in one binary: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, cloud-controller-manager, kube-proxy and kubectl. The first argument, or the
// name it is called by, says which. One binary links in a fraction of the time that seven take, because they share nearly
// all their packages.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // CronJobs name time zones, and the machine may have no zone database

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // what a user's kubeconfig may ask for
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/ingress-testbed/testbed/clusters/embedded/kube/cloud"
)

// programs maps the name of each program to what runs it; every one ends the process itself.
func programs() map[string]func() {
	return map[string]func(){
		"etcd":                     func() { etcdmain.Main(os.Args) },
		"kube-apiserver":           component(apiserver.NewAPIServerCommand),
		"kube-controller-manager":  component(controllermanager.NewControllerManagerCommand),
		"kube-scheduler":           component(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
		"cloud-controller-manager": component(cloud.NewCommand),
		"kube-proxy":               component(proxy.NewProxyCommand),
		"kubectl":                  kubectl,
	}
}

func main() {
	all := programs()
	if run, ok := all[filepath.Base(os.Args[0])]; ok {
		run()
		return
	}
	if len(os.Args) > 1 {
		if run, ok := all[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			run()
			return
		}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(os.Stderr, "kube: name the program to run as the first argument: %s\n", strings.Join(names, ", "))
	os.Exit(2)
}

func component(newCommand func() *cobra.Command) func() {
	return func() { os.Exit(cli.Run(newCommand())) }
}

func kubectl() {
	// kubectl reads its verbosity before it parses flags, since plug-in look-up logs too.
	logs.GlogSetter(cmd.GetLogVerbosity(os.Args)) //nolint:errcheck // a bad level is reported by flag parsing
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
