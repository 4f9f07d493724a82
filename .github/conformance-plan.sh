#!/usr/bin/env bash
# Says on which clusters the feature files run, for the jobs of conformance.yml: lines like
#
#   kind=[{"name":"kind v1.37.0","folder":"report-kind-v1.37.0","image":"kindest/node:v1.37.0@sha256:…"}]
#
# EVENT is the event that GitHub tells of. A pull request runs on the newest kind alone, unless EVERY_CLUSTER is true.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

# An image is good for one release of kind: these are from the notes of the release that go.mod has,
# https://github.com/kubernetes-sigs/kind/releases, oldest first.
kind_images=(
  kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d
  kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0
  kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed
  kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5
)
# https://hub.docker.com/r/rancher/k3s/tags
k3s_images=(rancher/k3s:v1.36.4-k3s1 rancher/k3s:v1.37.1-k3s1)

go mod download sigs.k8s.io/kind
default=$(sed -n 's/^const Image = "\(.*\)"/\1/p' "$(go list -m -f '{{.Dir}}' sigs.k8s.io/kind)/pkg/apis/config/defaults/image.go")
if [ "$default" != "${kind_images[-1]}" ]; then
  echo "$0: the kind in go.mod wants $default: take over the images of its release notes" >&2
  exit 1
fi

embedded() {
  local minors mod
  mapfile -t minors < <(make -s kubernetes-versions)
  [ ${#minors[@]} -gt 0 ]
  for minor in "${minors[@]}"; do
    mod=clusters/embedded/kube/versions/$minor
    [ -e "$mod.mod" ] || mod=clusters/embedded/kube/go
    jq -n --arg minor "$minor" --arg mod "$mod" \
      '{name: "embedded \($minor)", folder: "report-embedded-\($minor)", kubernetes: $minor, user: "root", mod: "\($mod).mod", sum: "\($mod).sum"}'
  done
  # What users without root get, once.
  jq -n --arg minor "$minor" --arg mod "$mod" \
    '{name: "embedded \($minor) without root", folder: "report-embedded-\($minor)-rootless", kubernetes: $minor, user: "runner", mod: "\($mod).mod", sum: "\($mod).sum"}'
}

# in_containers PROVIDER IMAGE...: the tag names the version of Kubernetes.
in_containers() {
  local provider=$1 image tag
  shift
  for image; do
    tag=${image#*:}
    tag=${tag%%@*}
    jq -n --arg provider "$provider" --arg tag "$tag" --arg image "$image" \
      '{name: "\($provider) \($tag)", folder: "report-\($provider)-\($tag)", image: $image}'
  done
}

case ${EVENT:?} in
  pull_request)
    [ "${EVERY_CLUSTER:-}" = true ] || { kind_images=("${kind_images[-1]}"); k3s_images=(); }
    ;;
  push) k3s_images=() ;;
esac
embedded=$(embedded | jq -sc .)
kind=$(in_containers kind "${kind_images[@]}" | jq -sc .)
k3d=$(in_containers k3d "${k3s_images[@]}" | jq -sc .)
printf '%s\n' "embedded=$embedded" "kind=$kind" "k3d=$k3d"
