//go:build linux

package agent

import (
	"bufio"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubeletPort is the kubelet's default port for its API.
const kubeletPort = 10250

// maxPods is the kubelet's default.
const maxPods = 110

// newNode is the Node object as it is registered.
func newNode(c Config) *corev1.Node {
	labels := map[string]string{
		corev1.LabelHostname: c.NodeName, corev1.LabelOSStable: "linux", corev1.LabelArchStable: runtime.GOARCH,
		"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": runtime.GOARCH,
	}
	for k, v := range c.Labels {
		labels[k] = v
	}
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: c.InternalIP.String()}}
	if c.ExternalIP.IsValid() {
		addresses = append(addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: c.ExternalIP.String()})
	}
	addresses = append(addresses, corev1.NodeAddress{Type: corev1.NodeHostName, Address: c.NodeName})
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: c.NodeName, Labels: labels},
		Spec:       corev1.NodeSpec{Taints: c.Taints},
		Status: corev1.NodeStatus{
			Addresses: addresses, Capacity: capacity(), Allocatable: capacity(),
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
			NodeInfo:        nodeInfo(c),
		},
	}
	if c.PodCIDR.IsValid() {
		node.Spec.PodCIDR = c.PodCIDR.String()
		node.Spec.PodCIDRs = []string{c.PodCIDR.String()}
	}
	return node
}

func nodeInfo(c Config) corev1.NodeSystemInfo {
	info := corev1.NodeSystemInfo{
		KubeletVersion: c.KubeletVersion, ContainerRuntimeVersion: "testbed://" + strings.TrimPrefix(c.KubeletVersion, "v"),
		OperatingSystem: "linux", Architecture: runtime.GOARCH, OSImage: osImage(),
		MachineID: firstLine("/etc/machine-id"), BootID: firstLine("/proc/sys/kernel/random/boot_id"),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		info.KernelVersion = unix.ByteSliceToString(name.Release[:])
	}
	return info
}

// capacity is the machine's. All nodes of a cluster share it, and each claims it whole: what counts here is that Pods
// with the requests of real life can be scheduled.
func capacity() corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:  *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourcePods: *resource.NewQuantity(maxPods, resource.DecimalSI),
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		list[corev1.ResourceMemory] = *resource.NewQuantity(int64(info.Totalram)*int64(info.Unit), resource.BinarySI)
	}
	var space unix.Statfs_t
	if unix.Statfs("/", &space) == nil {
		list[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(int64(space.Blocks)*space.Bsize, resource.BinarySI)
	}
	return list
}

func osImage() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}

func firstLine(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}
