package pki

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig by which the identity reaches the API server. Keys are in the file itself, so
// that it works wherever it is read from.
func (a *Authority) WriteKubeconfig(path, cluster, server string, id Identity) error {
	cert, err := os.ReadFile(a.Cert(id.File))
	if err != nil {
		return fmt.Errorf("reading the certificate for kubeconfig %s: %w", path, err)
	}
	key, err := os.ReadFile(a.Key(id.File))
	if err != nil {
		return fmt.Errorf("reading the key for kubeconfig %s: %w", path, err)
	}
	config := api.NewConfig()
	// The network is this machine's memory, and compressing what a watch reports takes several per cent of the API server's CPU time.
	config.Clusters[cluster] = &api.Cluster{Server: server, CertificateAuthorityData: a.PEM, DisableCompression: true}
	config.AuthInfos[id.User] = &api.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[cluster] = &api.Context{Cluster: cluster, AuthInfo: id.User}
	config.CurrentContext = cluster
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing kubeconfig %s: %w", path, err)
	}
	return nil
}
