//go:build linux

package podspec

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// Input is what a container's specification depends on.
type Input struct {
	Pod       *corev1.Pod
	Container *corev1.Container
	Image     image.Image
	Runtime   Runtime
	Services  []*corev1.Service
	Objects   Objects
}

// Build makes a container's specification, without its folders, namespaces and mounts. Errors are the user's: a
// missing object, an invalid value or an unsupported feature.
func Build(in Input) (container.Spec, error) {
	env, err := buildEnvironment(in)
	if err != nil {
		return container.Spec{}, err
	}
	user, err := userOf(in)
	if err != nil {
		return container.Spec{}, err
	}
	spec := container.Spec{
		RootFS: in.Image.RootFS,
		Args:   arguments(in, env),
		Env:    env.list(),
		Cwd:    in.Image.Config.WorkingDir,
		User:   user,
		TTY:    in.Container.TTY,
		Stdin:  in.Container.Stdin,
	}
	if in.Container.WorkingDir != "" {
		spec.Cwd = in.Container.WorkingDir
	}
	if spec.Cwd != "" && !path.IsAbs(spec.Cwd) {
		return container.Spec{}, fmt.Errorf("working folder %q is not an absolute path", spec.Cwd)
	}
	if len(spec.Args) == 0 {
		return container.Spec{}, fmt.Errorf("no command specified: neither image %s nor the container names one", in.Container.Image)
	}
	limit := in.Container.Resources.Limits[corev1.ResourceEphemeralStorage]
	spec.ScratchBytes = limit.Value()
	if err := secure(&spec, in.Container.SecurityContext); err != nil {
		return container.Spec{}, err
	}
	return spec, nil
}

func secure(spec *container.Spec, sc *corev1.SecurityContext) error {
	var add, drop []string
	if sc != nil {
		if sc.Capabilities != nil {
			for _, c := range sc.Capabilities.Add {
				add = append(add, string(c))
			}
			for _, c := range sc.Capabilities.Drop {
				drop = append(drop, string(c))
			}
		}
		spec.ReadOnly = isTrue(sc.ReadOnlyRootFilesystem)
		spec.Privileged = isTrue(sc.Privileged)
		spec.NoNewPrivileges = sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation
	}
	var err error
	spec.Capabilities, err = container.Capabilities(add, drop)
	return err
}

// arguments follows "Define a Command and Arguments for a Container": a command replaces the image's entry point and
// its default arguments, args alone only the latter.
func arguments(in Input, env *environment) []string {
	var args []string
	if len(in.Container.Command) > 0 {
		args = expandAll(in.Container.Command, env)
	} else {
		args = slices.Clone(in.Image.Config.Entrypoint)
	}
	switch {
	case len(in.Container.Args) > 0:
		args = append(args, expandAll(in.Container.Args, env)...)
	case len(in.Container.Command) == 0:
		args = append(args, in.Image.Config.Cmd...)
	}
	return args
}

func expandAll(list []string, env *environment) []string {
	expanded := make([]string, len(list))
	for i, s := range list {
		expanded[i] = Expand(s, env.lookUp)
	}
	return expanded
}

// userOf merges the securityContexts of container and Pod with the image's user.
func userOf(in Input) (container.User, error) {
	pod, own := in.Pod.Spec.SecurityContext, in.Container.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	uid, gid, nonRoot := pick(own.RunAsUser, pod.RunAsUser), pick(own.RunAsGroup, pod.RunAsGroup), pick(own.RunAsNonRoot, pod.RunAsNonRoot)
	user := container.User{Image: in.Image.Config.User}
	var err error
	if user.UID, err = id(uid, "runAsUser"); err != nil {
		return user, err
	}
	if user.GID, err = id(gid, "runAsGroup"); err != nil {
		return user, err
	}
	groups := pod.SupplementalGroups
	if pod.FSGroup != nil {
		groups = append(slices.Clone(groups), *pod.FSGroup)
	}
	for _, g := range groups {
		n, err := id(&g, "group")
		if err != nil {
			return user, err
		}
		user.Extra = append(user.Extra, *n)
	}
	if isTrue(nonRoot) {
		return user, checkNonRoot(user)
	}
	return user, nil
}

// checkNonRoot uses the kubelet's messages, so that they can be looked up.
func checkNonRoot(user container.User) error {
	if user.UID != nil {
		if *user.UID == 0 {
			return fmt.Errorf("container's runAsUser breaks non-root policy")
		}
		return nil
	}
	name, _, _ := strings.Cut(user.Image, ":")
	if name == "" {
		return fmt.Errorf("container has runAsNonRoot and image will run as root")
	}
	n, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root", name)
	}
	if n == 0 {
		return fmt.Errorf("container has runAsNonRoot and image will run as root")
	}
	return nil
}

func pick[T any](own, pod *T) *T {
	if own != nil {
		return own
	}
	return pod
}

func id(value *int64, field string) (*uint32, error) {
	if value == nil {
		return nil, nil //nolint:nilnil // not set, and no error
	}
	if *value < 0 || *value > math.MaxUint32 {
		return nil, fmt.Errorf("%s %d is not a valid ID", field, *value)
	}
	n := uint32(*value)
	return &n, nil
}

// FindContainer finds a container of any kind by name; nil if the Pod has none.
func FindContainer(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// longestHostname in bytes, by Linux and by DNS.
const longestHostname = 63

// Hostname of a Pod's containers; on the node's network it is the node's. A hostnameOverride replaces all else
// (Kubernetes documentation, "Pod Hostname").
func Hostname(pod *corev1.Pod) string {
	if pod.Spec.HostNetwork {
		return pod.Spec.NodeName
	}
	name := pod.Spec.Hostname
	if override := pod.Spec.HostnameOverride; override != nil {
		name = *override
	}
	if name == "" {
		name = pod.Name
	}
	if len(name) > longestHostname {
		name = strings.TrimRight(name[:longestHostname], "-.")
	}
	return name
}

// longestKernelName is the longest host name that Linux accepts.
const longestKernelName = 64

// FQDN is the fully qualified name of a Pod with a subdomain; "" if it has none.
func FQDN(pod *corev1.Pod, clusterDomain string) string {
	if pod.Spec.HostNetwork || pod.Spec.Subdomain == "" || pod.Spec.HostnameOverride != nil {
		return ""
	}
	return strings.Join([]string{Hostname(pod), pod.Spec.Subdomain, pod.Namespace, "svc", clusterDomain}, ".")
}

// KernelHostname is what the kernel reports as the host name of a Pod's containers: their hostname, or with
// setHostnameAsFQDN the fully qualified one.
func KernelHostname(pod *corev1.Pod, clusterDomain string) (string, error) {
	name := Hostname(pod)
	if fqdn := FQDN(pod, clusterDomain); fqdn != "" && isTrue(pod.Spec.SetHostnameAsFQDN) {
		name = fqdn
	}
	if len(name) > longestKernelName {
		return "", fmt.Errorf("host name %q has %d bytes, more than the %d that Linux allows", name, len(name), longestKernelName)
	}
	return name, nil
}
