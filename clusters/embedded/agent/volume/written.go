//go:build linux

package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
)

// defaultMode of written files; the API server fills it in as well.
const defaultMode = 0o644

// files are what a written volume should hold.
func (w *writer) files(ctx context.Context, v corev1.VolumeSource) (map[string]file, error) {
	files := map[string]file{}
	var err error
	switch {
	case v.ConfigMap != nil:
		err = w.configMap(files, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional, modeOf(v.ConfigMap.DefaultMode))
	case v.Secret != nil:
		err = w.secret(files, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional, modeOf(v.Secret.DefaultMode))
	case v.DownwardAPI != nil:
		err = w.downwardAPI(files, v.DownwardAPI.Items, modeOf(v.DownwardAPI.DefaultMode))
	case v.Projected != nil:
		err = w.projected(ctx, files, v.Projected)
	}
	if err != nil {
		return nil, err
	}
	if group := fsGroup(w.pod); group != nil {
		for path, f := range files { // fsGroup makes every volume readable for its group
			f.gid = group
			f.mode |= 0o440
			files[path] = f
		}
	}
	return files, nil
}

func (w *writer) projected(ctx context.Context, files map[string]file, v *corev1.ProjectedVolumeSource) error {
	mode := modeOf(v.DefaultMode)
	var errs []error
	for i, s := range v.Sources {
		switch {
		case s.ConfigMap != nil:
			errs = append(errs, w.configMap(files, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional, mode))
		case s.Secret != nil:
			errs = append(errs, w.secret(files, s.Secret.Name, s.Secret.Items, s.Secret.Optional, mode))
		case s.DownwardAPI != nil:
			errs = append(errs, w.downwardAPI(files, s.DownwardAPI.Items, mode))
		case s.ServiceAccountToken != nil:
			errs = append(errs, w.token(ctx, files, s.ServiceAccountToken, mode))
		case s.ClusterTrustBundle != nil:
			errs = append(errs, w.clusterTrustBundle(ctx, files, s.ClusterTrustBundle, mode))
		case s.PodCertificate != nil:
			errs = append(errs, w.certificate(ctx, files, certificateKey{w.volume, i}, s.PodCertificate, mode))
		default:
			errs = append(errs, errors.New("unsupported source: use configMap, secret, downwardAPI, serviceAccountToken, "+
				"clusterTrustBundle or podCertificate"))
		}
	}
	return errors.Join(errs...)
}

func (w *writer) configMap(files map[string]file, name string, items []corev1.KeyToPath, optional *bool, mode fs.FileMode) error {
	cm, err := w.set.sources.ConfigMap(name)
	if err != nil {
		return unlessOptional(err, optional)
	}
	data := map[string][]byte{}
	for k, v := range cm.Data {
		data[k] = []byte(v)
	}
	for k, v := range cm.BinaryData {
		data[k] = v
	}
	return addItems(files, data, items, optional, mode, "configmap "+name)
}

func (w *writer) secret(files map[string]file, name string, items []corev1.KeyToPath, optional *bool, mode fs.FileMode) error {
	secret, err := w.set.sources.Secret(name)
	if err != nil {
		return unlessOptional(err, optional)
	}
	return addItems(files, secret.Data, items, optional, mode, "secret "+name)
}

// addItems adds all data, or only the listed items, whose keys then must exist.
func addItems(files map[string]file, data map[string][]byte, items []corev1.KeyToPath, optional *bool, mode fs.FileMode, what string) error {
	if len(items) == 0 {
		for key, value := range data {
			files[key] = file{data: value, mode: mode}
		}
		return nil
	}
	for _, item := range items {
		value, ok := data[item.Key]
		if !ok {
			if optional != nil && *optional {
				continue
			}
			return fmt.Errorf("%s references non-existent key: %s", what, item.Key)
		}
		own := mode
		if item.Mode != nil {
			own = fs.FileMode(*item.Mode)
		}
		files[item.Path] = file{data: value, mode: own}
	}
	return nil
}

func (w *writer) downwardAPI(files map[string]file, items []corev1.DownwardAPIVolumeFile, mode fs.FileMode) error {
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = podspec.Field(w.pod, w.runtime, item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			c := podspec.FindContainer(w.pod, item.ResourceFieldRef.ContainerName)
			if c == nil {
				return fmt.Errorf("file %s refers to container %q, which the Pod doesn't have", item.Path, item.ResourceFieldRef.ContainerName)
			}
			value, err = podspec.Resource(c, w.runtime, item.ResourceFieldRef)
		}
		if err != nil {
			return fmt.Errorf("file %s: %w", item.Path, err)
		}
		own := mode
		if item.Mode != nil {
			own = fs.FileMode(*item.Mode)
		}
		files[item.Path] = file{data: []byte(value), mode: own}
	}
	return nil
}

func modeOf(mode *int32) fs.FileMode {
	if mode == nil {
		return defaultMode
	}
	return fs.FileMode(*mode).Perm()
}

func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
