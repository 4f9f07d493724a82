//go:build linux

package testnetwork

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/pki"
)

// Files of certificates that others than the issuer need to name.
const (
	apiServerFile  = "kube-apiserver"
	toKubeletFile  = "kube-apiserver-kubelet-client"
	accountsFile   = "service-accounts"
	adminFile      = "admin"
	announcerFile  = "announcer"
	cloudFile      = "cloud-controller-manager"
	mastersGroup   = "system:masters"
	certificateDir = control.StateDir + "/pki"
)

// The API server's identity towards aggregated API servers. Its authority signs nothing else, because the holder of one of its
// certificates may act as any user (Kubernetes documentation, "Configure the Aggregation Layer").
const (
	frontProxyDir         = certificateDir + "/front-proxy"
	frontProxyFile        = "front-proxy-client"
	frontProxyCA          = frontProxyDir + "/ca.crt"
	frontProxyCertificate = frontProxyDir + "/" + frontProxyFile + ".crt"
	frontProxyKey         = frontProxyDir + "/" + frontProxyFile + ".key"
)

// component is a part of Kubernetes that reaches the API server with a kubeconfig.
type component struct{ file, user string }

func components() []component {
	return []component{
		{"kube-controller-manager", "system:kube-controller-manager"},
		{"kube-scheduler", "system:kube-scheduler"},
		{"kube-proxy", "system:kube-proxy"},
		{cloudFile, cloudUser},
		{announcerFile, announcerUser},
	}
}

func nodeFile(node string) string       { return "node-" + node }
func kubeconfigPath(file string) string { return filepath.Join(control.StateDir, file+".kubeconfig") }

// issueCertificates makes every certificate and kubeconfig of the cluster.
func issueCertificates(spec control.Spec) (*pki.Authority, error) {
	ca, err := pki.NewAuthority(certificateDir)
	if err != nil {
		return nil, err
	}
	addresses := spec.Network
	inside := serverURL(addresses.Nodes[0].Address)
	for _, id := range servingIdentities(spec) {
		if err := ca.Issue(id); err != nil {
			return nil, err
		}
	}
	if err := issueFrontProxy(); err != nil {
		return nil, err
	}
	for _, c := range components() {
		id := pki.Identity{File: c.file, User: c.user}
		if err := issueWithKubeconfig(ca, id, spec.Name, inside); err != nil {
			return nil, err
		}
	}
	for _, node := range addresses.Nodes {
		id := pki.Identity{
			File: nodeFile(node.Name), User: "system:node:" + node.Name, Groups: []string{nodesGroup},
			Names: []string{node.Name}, Addresses: []netip.Addr{node.Address},
		}
		if err := issueWithKubeconfig(ca, id, spec.Name, inside); err != nil {
			return nil, err
		}
	}
	return ca, writeAdminKubeconfigs(ca, spec)
}

func issueFrontProxy() error {
	authority, err := pki.NewAuthority(frontProxyDir)
	if err != nil {
		return err
	}
	return authority.Issue(pki.Identity{File: frontProxyFile, User: frontProxyFile})
}

func servingIdentities(spec control.Spec) []pki.Identity {
	addresses := spec.Network
	return []pki.Identity{
		{
			File: apiServerFile, User: apiServerFile,
			Names: []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc." + clusterDomain, "localhost"},
			Addresses: []netip.Addr{addresses.KubernetesService(), addresses.Nodes[0].Address, addresses.Public(0),
				netip.AddrFrom4([4]byte{127, 0, 0, 1})},
		},
		{File: toKubeletFile, User: toKubeletFile, Groups: []string{mastersGroup}},
		{File: accountsFile, User: accountsFile},
		{File: adminFile, User: adminFile, Groups: []string{mastersGroup}},
	}
}

func issueWithKubeconfig(ca *pki.Authority, id pki.Identity, cluster, server string) error {
	if err := ca.Issue(id); err != nil {
		return err
	}
	return ca.WriteKubeconfig(kubeconfigPath(id.File), cluster, server, id)
}

// writeAdminKubeconfigs writes the user's own kubeconfigs: the API server has another address from each place.
func writeAdminKubeconfigs(ca *pki.Authority, spec control.Spec) error {
	admin := pki.Identity{File: adminFile, User: adminFile}
	for path, server := range map[string]string{
		control.HostKubeconfig:   "https://" + spec.HostAPI.String(),
		control.NodeKubeconfig:   serverURL(spec.Network.Nodes[0].Address),
		control.ClientKubeconfig: serverURL(spec.Network.Public(0)),
	} {
		if err := ca.WriteKubeconfig(path, spec.Name, server, admin); err != nil {
			return fmt.Errorf("for the cluster's user: %w", err)
		}
	}
	return nil
}

func serverURL(a netip.Addr) string {
	return "https://" + a.String() + ":" + strconv.Itoa(control.APIPort)
}
