#!/usr/bin/env bash
# build.sh OUT [FLAGS]: builds Traefik from its Go module, of the version in go.mod, to the file OUT.
#
# Two things are not as in its own builds. Its library for ACME is used without DNS providers (dnsproviders.go.txt), whose modules can't all
# be had; and the page of its dashboard, which is built by other means, is empty. Neither is part of what an ingress does.
set -euo pipefail
out=$1; shift
cd "$(dirname "${BASH_SOURCE[0]}")"
lego=../../bin/others/lego
version=$(sed -n 's|^\tgithub.com/go-acme/lego/v5 \(v[^ ]*\).*|\1|p' go.mod)
source=$(cd / && GOFLAGS=-mod=mod go mod download -json "github.com/go-acme/lego/v5@$version" | sed -n 's|^\t"Dir": "\(.*\)",$|\1|p')
rm -rf "$lego"
mkdir -p "$(dirname "$lego")"
cp -r "$source" "$lego"
chmod -R u+w "$lego"
cp dnsproviders.go.txt "$lego/providers/dns/zz_gen_dns_providers.go"
exec go build -trimpath -buildvcs=false -ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=$(
  sed -n 's|.*github.com/traefik/traefik/v3 v\([^ ]*\).*|\1|p' go.mod | head -1)" "$@" -o "$out" github.com/traefik/traefik/v3/cmd/traefik
