#!/usr/bin/env bash
# Installs the test-bed for the composite action: the ARCHIVE that is given, or that of the release VERSION, whose checksum
# is compared. VERSION may be empty. The embedded cluster (CLUSTER) also needs nft and some modules of the kernel.
set -euo pipefail
shopt -s inherit_errexit

releases=https://github.com/ingress-testbed/testbed/releases

fail() {
  echo "::error::$*"
  exit 1
}

[ "$(uname -s)" = Linux ] || fail "the test-bed needs a Linux runner, such as ubuntu-24.04"
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64 | arm64) architecture=arm64 ;;
  *) fail "there is no release of the test-bed for $(uname -m)" ;;
esac

# GitHub checks an action out into a folder with the name of the ref that follows the @ of `uses`.
if [ -z "$VERSION" ] && [[ $GITHUB_ACTION_PATH =~ /(v[0-9]+\.[0-9]+\.[0-9]+)/?$ ]]; then
  VERSION=${BASH_REMATCH[1]}
fi
case $VERSION in
  "" | latest) from=$releases/latest/download ;;
  v[0-9]*) from=$releases/download/$VERSION ;;
  *) fail "the version $VERSION is not a release: give it as v0.3.0, or none for the newest" ;;
esac

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/testbed.XXXXXX")
if [ -z "$ARCHIVE" ]; then
  name=testbed-linux-$architecture.tar.gz
  for file in "$name" SHA256SUMS; do
    curl -fsSL --retry 3 --max-time 300 -o "$folder/$file" "$from/$file" || fail "cannot download $from/$file"
  done
  (cd "$folder" && grep "  $name\$" SHA256SUMS | sha256sum --check --strict --quiet) || fail "$name does not have the checksum of the release"
  ARCHIVE=$folder/$name
fi
tar -xzf "$ARCHIVE" -C "$folder" || fail "cannot unpack $ARCHIVE"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
if [ "$CLUSTER" = embedded ]; then
  if ! PATH=$PATH:/usr/sbin:/sbin command -v nft >/dev/null; then
    { as_root apt-get update -qq && as_root apt-get install -y -qq nftables; } >/dev/null || fail "nft is missing, and the package nftables cannot be installed"
  fi
  as_root modprobe -a vxlan br_netfilter 2>/dev/null || true # they may be built in, or loaded on demand
fi

"$folder/testbed/testbed" --version
echo "testbed=$folder/testbed/testbed" >>"$GITHUB_OUTPUT"
