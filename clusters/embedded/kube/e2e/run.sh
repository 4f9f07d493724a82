#!/usr/bin/env bash
# Runs Kubernetes' own end-to-end tests on an embedded cluster, inside its first node:
#
#   run.sh BIN REPORTS FOCUS SKIP PROCESSES
#
# BIN has what `make kubernetes-e2e` builds. FOCUS and SKIP are regular expressions on the names of specs. E2E_TIMEOUT ends
# the run.
set -euo pipefail
bin=$(realpath "$1") reports=$2 focus=$3 skip=$4 processes=$5
name=kubernetes-e2e
mkdir -p "$reports"
reports=$(realpath "$reports")

"$bin/testbed" up --name $name
trap '"$bin/testbed" down --name $name' EXIT
"$bin/testbed" load --name $name "$bin/e2e/images.tar"
"$bin/testbed" shell --name $name k3s-s -- "$bin/e2e/ginkgo" --procs="$processes" --focus="$focus" --skip="$skip" \
  --timeout="${E2E_TIMEOUT:-4h}" --no-color --output-dir="$reports" --junit-report=junit.xml "$bin/e2e/e2e.test" -- \
  --provider=local --disable-log-dump --report-dir="$reports"
