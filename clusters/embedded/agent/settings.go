//go:build linux

package agent

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
)

// settings returns the agent's settings as the configuration of a kubelet, which the kubelet's API shows to clients. Fields that
// don't apply to the agent are left out.
func (c Config) settings() kubeletconfig.KubeletConfiguration {
	s := kubeletconfig.KubeletConfiguration{
		TypeMeta:                  metav1.TypeMeta{APIVersion: kubeletconfig.SchemeGroupVersion.String(), Kind: "KubeletConfiguration"},
		Address:                   c.InternalIP.String(),
		Port:                      kubeletPort,
		TLSCertFile:               c.ServingCert,
		TLSPrivateKeyFile:         c.ServingKey,
		ClusterDomain:             c.ClusterDomain,
		MaxPods:                   maxPods,
		NodeLeaseDurationSeconds:  int32(leaseDuration / time.Second),
		NodeStatusReportFrequency: metav1.Duration{Duration: statusInterval},
		ContainerLogMaxSize:       resource.NewQuantity(c.LogLimits.FileBytes, resource.BinarySI).String(),
		ContainerLogMaxFiles:      ptr.To(int32(c.LogLimits.Files)),
		PodLogsDir:                c.LogDir,
	}
	s.Authentication.X509.ClientCAFile = c.ClientCA
	s.Authentication.Webhook.Enabled = ptr.To(true)
	s.Authentication.Anonymous.Enabled = ptr.To(false)
	s.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeWebhook
	if c.PodCIDR.IsValid() {
		s.PodCIDR = c.PodCIDR.String()
	}
	if c.ClusterDNS.IsValid() {
		s.ClusterDNS = []string{c.ClusterDNS.String()}
	}
	return s
}
