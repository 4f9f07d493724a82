#!/usr/bin/env bash
# Adds a Kubernetes minor version to the embedded cluster, or bumps the patch release of one that is there:
#
#   bump.sh v1.36.4
#
# The newest minor version is the default and has go.mod; each older one has versions/1.MM.mod, for `go build -modfile`.
# A file is written anew each time, so that nothing of an earlier release stays in it. The default version also has a
# module with Kubernetes' own tests, e2e/go.mod.
set -euo pipefail
cd "$(dirname "$0")"

release=${1:-}
[[ $release =~ ^v1\.([0-9]+)\.[0-9]+$ ]] || { echo "say which release: bump.sh v1.36.4" >&2; exit 2; }
minor=${BASH_REMATCH[1]}

default_minor=$(sed -nE 's|^\tk8s\.io/kubernetes v1\.([0-9]+)\..*|\1|p' go.mod)
if ((minor > default_minor)); then
  echo "Kubernetes 1.$minor becomes the default, 1.$default_minor moves to versions/"
  grep -v 'containernetworking/plugins/plugins/' go.mod >"versions/1.$default_minor.mod"
  cp go.sum "versions/1.$default_minor.sum"
  go mod tidy -modfile="versions/1.$default_minor.mod"
fi
file=versions/1.$minor.mod
if ((minor >= default_minor)); then file=go.mod; fi

source=$(go mod download -json "k8s.io/kubernetes@$release" | sed -n 's/^\t"GoMod": "\(.*\)",/\1/p')
[ -n "$source" ] || { echo "there is no Kubernetes $release" >&2; exit 1; }
new=$(mktemp --suffix=.mod)
trap 'rm -f "$new"' EXIT

sed -nE '/^(module|go) /p' go.mod >"$new"
edits=(-require="k8s.io/kubernetes@$release")
# Kubernetes' own libraries are released apart from it, as v0.MM.P, and its go.mod names them v0.0.0.
for library in $(sed -nE 's|^\t(k8s\.io/[a-z0-9-]+) v0\.0\.0( .*)?$|\1|p' "$source"); do
  edits+=(-replace="$library=$library@v0${release#v1}")
done
# The etcd that this release was tested with is the one whose client it has.
edits+=(-require="go.etcd.io/etcd/server/v3@$(sed -nE 's|^\tgo\.etcd\.io/etcd/client/v3 (v[^ ]+).*|\1|p' "$source")")
common=("${edits[@]}")
if [ "$file" = go.mod ]; then
  # The container network plug-ins are built once, with the default version.
  edits+=(-require="$(sed -nE 's|^\t(github\.com/containernetworking/plugins) (v[^ ]+).*|\1@\2|p' go.mod)")
  for plugin in $(sed -nE 's|^\t(github\.com/containernetworking/plugins/plugins/.*)|\1|p' go.mod); do edits+=(-tool="$plugin"); done
fi
go mod edit "${edits[@]}" "$new"
cat "$new" >"$file"
rm -f "${file%.mod}.sum"
go mod tidy -modfile="$file"
if [ "$file" = go.mod ]; then
  sed -nE '/^(module|go) /p' e2e/go.mod >"$new"
  go mod edit "${common[@]}" -require="k8s.io/sample-apiserver@v0${release#v1}" -tool=github.com/onsi/ginkgo/v2/ginkgo \
    -tool=k8s.io/kubernetes/test/images/agnhost -tool=k8s.io/sample-apiserver -tool=go.etcd.io/etcd/server/v3 "$new"
  cat "$new" >e2e/go.mod
  rm -f e2e/go.sum
  (cd e2e && go mod tidy)
fi
echo "Kubernetes $release: $file"
