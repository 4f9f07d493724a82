#!/usr/bin/env bash
# Shows that the scenarios of features/resilience fail where they must: builds a broken controller from each patch beside
# this file, without changing the working tree, and runs the scenarios that the patch names. Each has to fail.
#
#   run.sh BIN REPORTS [PATCH]...    BIN has what `make build` makes
set -euo pipefail
bin=$(realpath "$1") reports=$2; shift 2
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../.." && pwd)
[ $# -gt 0 ] || set -- "$here"/*.patch
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
survived=0
for patch in "$@"; do
  name=$(basename "$patch" .patch); copy=$work/$name; mkdir -p "$copy/source" "$copy/bin"
  printf '\033[1m%s\033[0m  %s\n' "$name" "$(head -1 "$patch")"
  # The changed files take the place of the real ones only in this build.
  overlay=
  for file in $(sed -n 's|^+++ b/||p' "$patch"); do
    mkdir -p "$copy/source/$(dirname "$file")"; cp "$root/$file" "$copy/source/$file"
    overlay+="${overlay:+,}\"$root/$file\":\"$copy/source/$file\""
  done
  patch --quiet --strip=1 --directory="$copy/source" < "$patch"
  echo "{\"Replace\":{$overlay}}" > "$copy/overlay.json"
  (cd "$root" && CGO_ENABLED=0 go build -overlay "$copy/overlay.json" -trimpath -buildvcs=false -o "$copy/controller" ./cmd/controller)
  # The program finds the others in its own folder.
  cp -as "$bin/." "$copy/bin/"; rm "$copy/bin/testbed" "$copy/bin/images/controller.tar"; cp "$bin/testbed" "$copy/bin/"
  "$copy/bin/testbed" build-image "$copy/controller" --name testbed.local/controller:dev --out "$copy/bin/images/controller.tar" >/dev/null
  selected=()
  while IFS=: read -r _ file scenario; do
    file=$root/features/resilience/${file# } scenario=${scenario# }
    line=$(grep -nxF "  Scenario: $scenario" "$file" | cut -d: -f1) || { echo "no scenario \"$scenario\" in $file" >&2; exit 2; }
    selected+=("$file:$line")
  done < <(grep '^Fails:' "$patch")
  status=0
  "$copy/bin/testbed" run --cluster embedded --reports "$reports/$name" "${selected[@]}" > "$copy/log" 2>&1 || status=$?
  grep -E '^  [✓✗–-] |^ +(expected|seen): ' "$copy/log" || true
  # A scenario that is skipped shows nothing.
  if [ $status -ne 1 ] || grep -Eq '^  (✓|–) ' "$copy/log"; then
    grep -q '^  ' "$copy/log" || cat "$copy/log"
    echo "  SURVIVED: not all ${#selected[@]} scenarios failed with this controller"; survived=1
  fi
done
exit $survived
