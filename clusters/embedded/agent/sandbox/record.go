//go:build linux

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

// Record says where a running Pod is in the network, for other processes on the machine such as packet captures. There is
// one file a Pod that has a network of its own, "<namespace>_<name>.json"; neither name can hold an underscore.
type Record struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// HostInterface is the node's end of the link to the Pod.
	HostInterface string       `json:"hostInterface"`
	IPs           []netip.Addr `json:"ips"`
	// NetworkNamespace is the path of the Pod's network namespace.
	NetworkNamespace string `json:"networkNamespace"`
}

// ErrNoRecord is returned by ReadRecord for a Pod that isn't running or uses the node's network.
var ErrNoRecord = errors.New("no running Pod of that name on this node, or it uses the node's network")

// ReadRecord reads what a Maker with the same dir wrote about a Pod.
func ReadRecord(dir, namespace, name string) (Record, error) {
	raw, err := os.ReadFile(recordPath(dir, namespace, name))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, fmt.Errorf("%s/%s: %w", namespace, name, ErrNoRecord)
	}
	if err != nil {
		return Record{}, fmt.Errorf("reading network of Pod %s/%s: %w", namespace, name, err)
	}
	var r Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return Record{}, fmt.Errorf("reading network of Pod %s/%s: %w", namespace, name, err)
	}
	return r, nil
}

func writeRecord(dir string, r Record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := recordPath(dir, r.Namespace, r.Name)
	if err := os.WriteFile(path+".new", raw, 0o644); err != nil {
		return fmt.Errorf("recording the Pod's network: %w", err)
	}
	return os.Rename(path+".new", path)
}

// removeRecord leaves the file alone if another Pod of the same name wrote it in the meantime.
func removeRecord(dir string, o Options) error {
	r, err := ReadRecord(dir, o.Namespace, o.Name)
	if errors.Is(err, ErrNoRecord) || err == nil && r.UID != o.UID {
		return nil
	}
	return os.Remove(recordPath(dir, o.Namespace, o.Name))
}

func recordPath(dir, namespace, name string) string {
	return filepath.Join(dir, namespace+"_"+name+".json")
}
