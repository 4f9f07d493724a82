# The ingress test-bed. `make help` lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

# ---- settings, to be given on the command line: make conformance CLUSTER=kind TAGS=@walkthrough ----
CLUSTER     ?= embedded#          embedded, or what `bin/testbed run --help` lists
FEATURES    ?=#                   feature files or folders; all of them if empty
TAGS        ?= ~@resilience && ~@rates && ~@compatibility# a tag expression such as '@walkthrough && ~@load'
REPORTS     ?= reports/out#       where the reports go
K8S_VERSION ?=#                   Kubernetes of the embedded cluster, as 1.37; the default one if empty
KIND_IMAGE  ?=#                   CLUSTER=kind: image of the nodes; kind's default if empty
KIND_CONFIG ?=#                   CLUSTER=kind: file with kind's own configuration
K3D_IMAGE   ?=#                   CLUSTER=k3d: image of K3s; k3d's default if empty
ARCHS       ?= amd64 arm64#       architectures that `make release` builds for
E2E_FOCUS   ?= \[Conformance\]#   make kubernetes-e2e: the specs to run, a regular expression
E2E_SKIP    ?=#                   make kubernetes-e2e: the specs of those to leave out
E2E_PROCS   ?= 4#                 make kubernetes-e2e: how many specs run at the same time
export CLUSTER K8S_VERSION KIND_IMAGE KIND_CONFIG K3D_IMAGE

# ---- what is built ----
# Where to, and for which architecture: this machine's if empty. `make release` gives both.
BIN         := bin
ARCH        :=
PACKER      := $(BIN)/testbed#    packs images, and so is of this machine's architecture
KUBE_MODULE := clusters/embedded/kube
KUBE_SOURCES := $(wildcard $(KUBE_MODULE)/*.go $(KUBE_MODULE)/*/*.go)
# Every Kubernetes minor version has a mod file. The newest, which is the default, has go.mod.
KUBE_MODS   := $(sort $(wildcard $(KUBE_MODULE)/versions/*.mod)) $(KUBE_MODULE)/go.mod
KUBE_VERSIONS := $(shell sed -n 's|^\tk8s.io/kubernetes ||p' $(KUBE_MODS))
KUBE_MINORS := $(foreach v,$(KUBE_VERSIONS),$(basename $(v:v%=%)))
KUBE_VERSION = $(or $(if $(K8S_VERSION),$(filter v$(K8S_VERSION:v%=%) v$(K8S_VERSION:v%=%).%,$(KUBE_VERSIONS)),$(lastword $(KUBE_VERSIONS))),\
	$(error Kubernetes $(K8S_VERSION) is not known: K8S_VERSION takes $(KUBE_MINORS); make bump-kubernetes adds others))
KUBE_MOD     = $(or $(wildcard $(KUBE_MODULE)/versions/$(basename $(KUBE_VERSION:v%=%)).mod),$(KUBE_MODULE)/go.mod)
KUBE         = $(BIN)/kubernetes/$(KUBE_VERSION)/kube
# Kubernetes' own tests, of the default version.
E2E_MODULE  := $(KUBE_MODULE)/e2e
CNI_PLUGINS := main/bridge main/loopback ipam/host-local meta/portmap
COREDNS_MODULE := clusters/embedded/coredns
IMAGES      := $(BIN)/images/controller.tar $(BIN)/images/backends.tar $(BIN)/images/capture.tar
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

export CGO_ENABLED ?= 0
# `go build` with a display of its progress. Builds are reproducible, with or without Git.
GO_BUILD     = go run ./cmd/gobuild $(if $(ARCH),-arch $(ARCH)) -o $(CURDIR)/$@
GO_FLAGS    := -trimpath -buildvcs=false
comma       := ,
# Where Kubernetes keeps its own version; its programs report it to each other.
KUBE_LDFLAGS = -s -w $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(p).gitVersion=$(KUBE_VERSION) -X $(p).gitMajor=1 \
	-X $(p).gitMinor=$(word 2,$(subst ., ,$(KUBE_VERSION))) -X $(p).gitTreeState=clean)

# Recipes use these to say what they do.
say = @printf '\033[1m%s\033[0m\n' "$(1)"

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "Settings:"
	@awk -F ' *[?]=#? *|# *' '/^[A-Z0-9_]+ +[?]=/{printf "  %-20s %s\n", $$1, $$NF}' $(MAKEFILE_LIST)

.PHONY: conformance
conformance: build ## start a cluster, run the feature files on real traffic, write the report
	bin/testbed run --cluster $(CLUSTER) --reports $(REPORTS) --tags '$(TAGS)' $(FEATURES)

.PHONY: replay
replay: build ## send the record of ingress-nginx to the controller, report the agreement
	bin/testbed replay --cluster $(CLUSTER) --compatibility '$(COMPATIBILITY)' --reports $(REPORTS)/replay --unexplained 0
COMPATIBILITY ?= ingress-nginx#   replay: mode of the controller, ingress-nginx or mend

.PHONY: conformance-matrix
conformance-matrix: bin/testbed ## run conformance on every Kubernetes version of the embedded cluster, and combine the reports
	$(call say,Conformance on Kubernetes $(KUBE_MINORS): about two minutes each$(comma) and the first time ten more to build each)
	@for version in $(KUBE_VERSIONS); do \
	  rm -rf $(REPORTS)/matrix/$$version; \
	  $(MAKE) conformance CLUSTER=embedded K8S_VERSION=$$version REPORTS=$(REPORTS)/matrix/$$version || true; \
	done
	bin/testbed combine --out $(REPORTS)/matrix $(addprefix $(REPORTS)/matrix/,$(KUBE_VERSIONS))

.PHONY: mutants
mutants: build ## build broken controllers; scenarios of features/resilience have to fail with each
	features/resilience/mutants/run.sh bin $(REPORTS)/mutants $(MUTANTS)
MUTANTS     ?=#                   mutants: patches of features/resilience/mutants; all of them if empty

.PHONY: load
load: build ## requests at a row of rates: latencies, lost requests, the controller's CPU and memory as a table
	bin/testbed run --cluster $(CLUSTER) --reports $(REPORTS)/load --load-scale $(LOAD_SCALE) load/rates.feature
LOAD_SCALE  ?= 1#                 load: what the rates are multiplied by

.PHONY: mutants-table
mutants-table: require-go ## wrong tables of routes, with each of which conformance scenarios have to fail; writes docs/mutants.md
	go test ./steps/mutants -run TestEveryMutantIsFound -count 1 -timeout 60m -others -document $(CURDIR)/docs/mutants.md

.PHONY: kubernetes-versions
kubernetes-versions: ## list the Kubernetes versions that K8S_VERSION takes
	@printf '%s\n' $(KUBE_MINORS)

.PHONY: test
test: require-go require-cc ## run the unit tests with the race detector; needs neither root nor a cluster
	$(call say,Unit tests (several minutes the first time$(comma) while their libraries are compiled))
	go test -timeout 20m ./steps/mutants -others
	go test ./steps/compare/inprocess
	CGO_ENABLED=1 go test -race -timeout 20m ./...
	cd $(KUBE_MODULE) && go mod verify >/dev/null
	cd $(COREDNS_MODULE) && go mod verify >/dev/null

.PHONY: test-privileged
test-privileged: build ## run the tests that create real clusters and containers, as root
# One package at a time: some check all mounts and interfaces of this machine, which others change. Four clusters at a time: their
# tests mostly wait. Those of the shell skip what takes namespaces where these can't be made, as by an ordinary user.
	go test -p 1 -parallel 4 -tags privileged \
	  $$(git grep -l '^//go:build.*privileged' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|') ./clusters/embedded/shell

.PHONY: kubernetes-e2e
kubernetes-e2e: build require-e2e ## run Kubernetes' own conformance tests on the embedded cluster, about an hour with building them
	$(call say,Building Kubernetes' tests: ten minutes on two cores the first time)
	@mkdir -p bin/e2e
# Without vet, which would check Kubernetes' two thousand packages as well.
	@cd $(E2E_MODULE) && go test -c -vet=off -trimpath -ldflags "$(KUBE_LDFLAGS)" -o $(CURDIR)/bin/e2e/e2e.test . && \
	  go build -trimpath -ldflags "$(KUBE_LDFLAGS)" -o $(CURDIR)/bin/e2e/ k8s.io/kubernetes/test/images/agnhost k8s.io/sample-apiserver \
	    github.com/onsi/ginkgo/v2/ginkgo && \
	  go build -trimpath -ldflags "-s -w" -o $(CURDIR)/bin/e2e/etcd go.etcd.io/etcd/server/v3 && \
	  go run ./images --programs $(CURDIR)/bin/e2e \
	    --agnhost-source "$$(go list -f '{{.Dir}}' k8s.io/kubernetes/test/images/agnhost)" --out $(CURDIR)/bin/e2e/images.tar
	$(E2E_MODULE)/run.sh bin $(REPORTS)/kubernetes '$(E2E_FOCUS)' '$(E2E_SKIP)' $(E2E_PROCS)

.PHONY: lint
lint: require-go ## check formatting, golangci-lint and actionlint, at pinned versions
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); \
	  if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	cd $(COREDNS_MODULE) && go mod tidy -diff
	cd $(KUBE_MODULE) && for mod in $(KUBE_MODS:$(KUBE_MODULE)/%=%); do go mod tidy -diff -modfile=$$mod; done
	cd $(E2E_MODULE) && go mod tidy -diff
	go tool -modfile=.tools/golangci-lint/go.mod golangci-lint run
	go tool -modfile=.tools/actionlint/go.mod actionlint .github/workflows/*.yml fixtures/starter/files/.github/workflows/*.yml

.PHONY: bench
bench: require-go ## run micro-benchmarks, and measure the memory of 100 idle connections of each kind
# -short leaves out 1,000 and 10,000 idle connections (proxy/bench/README.md).
	go test -short -run '^$$' -bench . -benchmem ./proxy/... ./controller/...

.PHONY: bench-proxy
bench-proxy: require-go ## compare the proxy with nginx, nginx with Lua, HAProxy and ReverseProxy; BENCH='-run http1' for a part
	@PATH=$$PATH:/usr/sbin:/sbin; type -P nginx haproxy wrk h2load >/dev/null && \
	  test -e /usr/share/nginx/modules-available/mod-http-lua.conf -a -e /usr/share/lua/5.1/cjson || \
	  $(call install,nginx libnginx-mod-http-lua lua-cjson haproxy wrk nghttp2-client,the programs to compare with)
	$(call say,Comparing proxies: half an hour$(comma) best on an idle machine)
	go run ./proxy/bench $(BENCH)

.PHONY: fuzz
fuzz: require-go ## fuzz every parser for FUZZTIME
	@for package in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$package/*_test.go | sed 's/func //'); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./$$package; \
	  done; done
FUZZTIME ?= 30s#                  how long `make fuzz` runs each target

.PHONY: bump-kubernetes
bump-kubernetes: require-go ## add a Kubernetes minor version or bump one: make bump-kubernetes K8S=v1.37.3
	@$(KUBE_MODULE)/bump.sh '$(K8S)'

# All files in the archives get the time of the commit (https://reproducible-builds.org/specs/source-date-epoch/).
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
CYCLONEDX_GOMOD   := go tool -modfile=.tools/cyclonedx-gomod/go.mod cyclonedx-gomod

.PHONY: release
release: require-go ## build the archives of a release, with licences, SBOMs and checksums, in dist/ (docs/releasing.md)
	@rm -rf dist bin/release
	@$(MAKE) bin/testbed
	@for arch in $(ARCHS); do $(MAKE) programs BIN=bin/release/linux-$$arch ARCH=$$arch PACKER=bin/testbed; done
	$(call say,Collecting licences$(comma) listing modules and packing)
	@go run ./cmd/release --version $(VERSION) --time $(SOURCE_DATE_EPOCH) --out dist --module . --module $(KUBE_MODULE) --module $(COREDNS_MODULE) \
	  --add LICENSE=LICENSE --add examples=docs/examples \
	  $(foreach word,$(CYCLONEDX_GOMOD),--sbom-command $(word)) $(ARCHS:%=bin/release/linux-%)

.PHONY: clean
clean: ## remove build results and reports; Go's caches are kept
	rm -rf bin dist reports/out

# ---- building ----

.PHONY: build
build: require-go $(if $(filter embedded,$(CLUSTER)),require-nft $(KUBE) $(BIN)/cni $(BIN)/images/coredns.tar) $(BIN)/testbed $(IMAGES) ## build everything into bin/

# The contents of a release.
.PHONY: programs
programs: $(KUBE) $(BIN)/cni $(BIN)/images/coredns.tar $(BIN)/testbed $(IMAGES)

# Go detects what is out of date, and does so quickly.
.PHONY: $(BIN)/testbed $(BIN)/controller $(BIN)/backends $(BIN)/capture
$(BIN)/testbed $(BIN)/controller $(BIN)/backends $(BIN)/capture: require-go
	@echo "Building $@"
	@$(GO_BUILD) -- $(GO_FLAGS) -ldflags "-s -w -X main.version=$(VERSION)" ./cmd/$(@F)

$(BIN)/images/%.tar: $(BIN)/% $(PACKER)
	@$(PACKER) build-image $< --name testbed.local/$*:dev --out $@ >/dev/null

# Kubernetes is a module of its own, because it needs a replacement for each of the modules it is made of.
$(KUBE): $(KUBE_MOD) $(KUBE_MOD:.mod=.sum) $(KUBE_SOURCES) | require-go
	$(call say,Building Kubernetes $(KUBE_VERSION): six to ten minutes on two cores the first time$(comma) then seconds)
	@$(GO_BUILD) -dir $(KUBE_MODULE) -- $(GO_FLAGS) -modfile=$(KUBE_MOD:$(KUBE_MODULE)/%=%) -ldflags "$(KUBE_LDFLAGS)" .

$(BIN)/cni: $(KUBE_MODULE)/go.mod Makefile | require-go
	@echo "Building $@"
	@$(GO_BUILD)/ -dir $(KUBE_MODULE) -- $(GO_FLAGS) -ldflags "-s -w" \
	  $(addprefix github.com/containernetworking/plugins/plugins/,$(CNI_PLUGINS))
	@touch $@

# Traefik, for its recipe (docs/recipes.md). The tag is that of the recipe, the version that of the module.
TRAEFIK_MODULE := .tools/traefik
.PHONY: others
others: $(BIN)/images/others/traefik_v3.7.tar ## build the ingress controllers of recipes that have a Go module: Traefik
$(BIN)/others/traefik: $(addprefix $(TRAEFIK_MODULE)/,go.mod go.sum build.sh dnsproviders.go.txt ext/ext.go) | require-go
	$(call say,Building Traefik: ten minutes of CPU time the first time)
	@mkdir -p $(@D)
	@$(TRAEFIK_MODULE)/build.sh $(CURDIR)/$@
$(BIN)/images/others/traefik_v3.7.tar: $(BIN)/others/traefik $(PACKER)
	@mkdir -p $(@D)
	@$(PACKER) build-image $< --name docker.io/library/traefik:v3.7 --out $@ >/dev/null

# CoreDNS is a module of its own too, and its version the one in its go.mod.
$(BIN)/coredns: $(addprefix $(COREDNS_MODULE)/,go.mod go.sum main.go) | require-go
	@echo "Building $@"
	@$(GO_BUILD) -dir $(COREDNS_MODULE) -- $(GO_FLAGS) -ldflags "-s -w" .

# ---- what must be there ----

.PHONY: require-go
require-go:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or later (https://go.dev/doc/install)" >&2; exit 1; }

.PHONY: require-nft
require-nft:
	@PATH=$$PATH:/usr/sbin:/sbin; command -v nft >/dev/null || $(call install,nftables,nft)

# What the images of Kubernetes' tests are made of, beside agnhost.
.PHONY: require-e2e
require-e2e:
	@PATH=$$PATH:/usr/sbin:/sbin; type -P busybox curl dig ss nc bash >/dev/null || \
	  $(call install,busybox-static curl bind9-dnsutils iproute2 netcat-openbsd bash,programs for the images of its tests)

.PHONY: require-cc
require-cc:
	@command -v gcc >/dev/null || command -v clang >/dev/null || $(call install,gcc libc6-dev,a C compiler$(comma) which Go's race detector needs)

# install PACKAGES,WHAT: installs Debian packages as root, or says who must.
install = if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $(1)"; \
	  { apt-get install -y -qq $(1) || { apt-get update -qq && apt-get install -y -qq $(1); }; } >/dev/null; \
	else echo "Missing: $(2). As root: apt-get install $(1)" >&2; exit 1; fi
