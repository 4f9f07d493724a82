package release

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// Product is what an archive holds as a whole.
type Product struct {
	// Name and Version, such as "testbed" and "v0.3.0".
	Name, Version string
	// Time of the release.
	Time time.Time
}

// SBOMGenerator is the command line of cyclonedx-gomod, which reads the modules of one program.
type SBOMGenerator []string

// Generate returns the software bill of materials of one program.
func (g SBOMGenerator) Generate(ctx context.Context, program Program, version string) (*cyclonedx.BOM, error) {
	arguments := slices.Concat(g[1:], []string{"bin", "-json", "-std", "-noserial", "-notimestamp", "-version", version, program.Path})
	command := exec.CommandContext(ctx, g[0], arguments...)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("reading the modules of %s: %w: %s", program.Name, err, problems.String())
	}
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(output), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, fmt.Errorf("reading the bill of materials of %s: %w", program.Name, err)
	}
	return bom, nil
}

// SBOM describes an archive: the product depends on its programs, and each of them on its modules.
type SBOM struct {
	product  Product
	licences Licences
	programs []cyclonedx.Component
	modules  map[string]cyclonedx.Component
	uses     map[string]map[string]bool // component → components that it depends on
}

// NewSBOM returns one without programs. The licences are those of their modules.
func NewSBOM(product Product, licences Licences) *SBOM {
	return &SBOM{product: product, licences: licences, modules: make(map[string]cyclonedx.Component), uses: make(map[string]map[string]bool)}
}

// Add adds a program, and the modules of its own bill of materials.
func (s *SBOM) Add(program Program, bom *cyclonedx.BOM) error {
	sum, err := checksum(program.Path)
	if err != nil {
		return err
	}
	reference := "program:" + program.Name
	s.programs = append(s.programs, cyclonedx.Component{
		BOMRef: reference, Type: cyclonedx.ComponentTypeApplication, Name: program.Name, Version: s.product.Version,
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: sum}},
	})
	s.use(s.product.Name, reference)
	if bom.Components == nil {
		return fmt.Errorf("the bill of materials of %s has no components", program.Name)
	}
	for _, module := range *bom.Components {
		if names := s.licences[module.Name+" "+module.Version]; len(names) > 0 {
			module.Evidence = &cyclonedx.Evidence{Licenses: licenses(names)}
		}
		s.modules[module.BOMRef] = module
		s.use(reference, module.BOMRef)
	}
	return nil
}

func (s *SBOM) use(component, other string) {
	if s.uses[component] == nil {
		s.uses[component] = make(map[string]bool)
	}
	s.uses[component][other] = true
}

func licenses(identifiers []string) *cyclonedx.Licenses {
	var licenses cyclonedx.Licenses
	for _, identifier := range identifiers {
		licenses = append(licenses, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: identifier}})
	}
	return &licenses
}

// Write writes it in CycloneDX's JSON format, in the version that most readers understand.
func (s *SBOM) Write(w io.Writer) error {
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{
		Timestamp: s.product.Time.UTC().Format(time.RFC3339),
		Component: &cyclonedx.Component{
			BOMRef: s.product.Name, Type: cyclonedx.ComponentTypeApplication, Name: s.product.Name, Version: s.product.Version,
			Licenses: licenses([]string{"Apache-2.0"}),
		},
	}
	modules := slices.SortedFunc(maps.Values(s.modules), func(a, b cyclonedx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	programs := slices.SortedFunc(slices.Values(s.programs), func(a, b cyclonedx.Component) int { return cmp.Compare(a.Name, b.Name) })
	components := slices.Concat(programs, modules)
	bom.Components = &components
	var dependencies []cyclonedx.Dependency
	for _, component := range slices.Sorted(maps.Keys(s.uses)) {
		others := slices.Sorted(maps.Keys(s.uses[component]))
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: component, Dependencies: &others})
	}
	bom.Dependencies = &dependencies
	encoder := cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON)
	if err := encoder.SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return fmt.Errorf("writing the bill of materials: %w", err)
	}
	return nil
}
