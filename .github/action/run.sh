#!/usr/bin/env bash
# Runs feature files for the composite action, whose inputs are in the environment. Embedded clusters are started as root
# where that is possible, because only then Pods can have users of their own.
set -euo pipefail
shopt -s inherit_errexit

command=("$TESTBED" run --cluster "$CLUSTER" --tags "$TAGS" --reports "$REPORTS")
read -r -d '' -a images <<<"$IMAGES" || true # it returns 1 at the end
for image in "${images[@]}"; do
  command+=(--load "$image")
done
mapfile -t options <<<"$OPTIONS"
for option in "${options[@]}"; do
  [ -z "$option" ] || command+=("$option")
done
read -r -d '' -a features <<<"$FEATURES" || true
command+=(-- "${features[@]}")

sudo=()
if [ "$CLUSTER" = embedded ] && [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then
  sudo=(sudo -n --preserve-env env "PATH=$PATH")
fi
code=0
"${sudo[@]}" "${command[@]}" || code=$?
if [ -d "$REPORTS" ]; then
  [ ${#sudo[@]} = 0 ] || sudo -n chown -R "$(id -u):$(id -g)" "$REPORTS"
  [ ! -e "$REPORTS/index.html" ] || echo "report=$REPORTS/index.html" >>"$GITHUB_OUTPUT"
fi
exit "$code"
