package release

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Notices are the licences and notices of all third-party code in some programs: each different text, with the modules
// that it comes with.
type Notices struct {
	texts map[string]map[source]bool
}

// source is a file with a notice.
type source struct {
	module string // "path version"
	file   string // slash-separated, below the module's folder
}

func (s source) String() string { return s.module + ": " + s.file }

// CollectNotices reads the licences of everything that is linked into the programs, from the folders of the packages
// and those above them, up to the folder of their module. A module without any is an error. The modules are the folders
// of those that the programs were built in.
func CollectNotices(ctx context.Context, programs []Program, modules []string) (*Notices, error) {
	notices := &Notices{texts: make(map[string]map[source]bool)}
	licensed := make(map[string]bool) // module → whether a licence was found
	seen := make(map[string]bool)     // folders
	for _, program := range programs {
		packages, err := program.packages(ctx, modules)
		if err != nil {
			return nil, err
		}
		for _, one := range packages {
			if one.Standard || one.Module == nil || one.Module.Main {
				continue
			}
			found, err := notices.addAbove(one.Dir, one.Module, seen)
			if err != nil {
				return nil, err
			}
			licensed[one.Module.name()] = licensed[one.Module.name()] || found
		}
	}
	if err := notices.addGo(ctx); err != nil {
		return nil, err
	}
	for _, module := range slices.Sorted(maps.Keys(licensed)) {
		if !licensed[module] {
			return nil, fmt.Errorf("no licence found in the module %s", module)
		}
	}
	return notices, nil
}

// addAbove adds the licences in a package's folder and in those above it, up to its module's. It reports whether there
// are any in folders that were not seen before.
func (n *Notices) addAbove(folder string, module *goModule, seen map[string]bool) (bool, error) {
	found := false
	for !seen[folder] {
		seen[folder] = true
		here, err := n.add(folder, module.Dir, module.name())
		if err != nil {
			return false, err
		}
		found = found || here
		if folder == module.Dir || len(folder) <= len(module.Dir) {
			break
		}
		folder = filepath.Dir(folder)
	}
	return found, nil
}

// addGo adds the licence of the standard library.
func (n *Notices) addGo(ctx context.Context) error {
	output, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("finding Go's own folder: %w", err)
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	found, err := n.add(root, root, standardLibrary+" "+version)
	if err == nil && !found {
		err = fmt.Errorf("no licence found in %s", root)
	}
	return err
}

// standardLibrary stands for the path of a module.
const standardLibrary = "std"

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]es?|unlicense|copying|copyright|notices?|patents)([-._].*)?$`)

// sourceFile matches files that are named like licences and contain code or data.
var sourceFile = regexp.MustCompile(`(?i)\.(go|s|json|ya?ml|tmpl|tpl|sh|py|html)$`)

// add adds the licences that are files of a folder, and reports whether there are any.
func (n *Notices) add(folder, root, module string) (bool, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false, fmt.Errorf("looking for licences of %s: %w", module, err)
	}
	found := false
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenceFile.MatchString(entry.Name()) || sourceFile.MatchString(entry.Name()) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			return false, fmt.Errorf("reading a licence of %s: %w", module, err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return false, fmt.Errorf("naming a licence of %s: %w", module, err)
		}
		text := normalized(content)
		if n.texts[text] == nil {
			n.texts[text] = make(map[source]bool)
		}
		n.texts[text][source{module, filepath.ToSlash(name)}] = true
		found = true
	}
	return found, nil
}

// normalized removes what differs between copies of the same text: line ends, and space at the ends of lines.
func normalized(content []byte) string {
	var text strings.Builder
	for line := range bytes.Lines(content) {
		text.WriteString(strings.TrimRight(string(line), " \t\r\n\f"))
		text.WriteByte('\n')
	}
	return strings.Trim(text.String(), "\n") + "\n"
}

// Write writes the notices as one text, sorted by the modules.
func (n *Notices) Write(w io.Writer) error {
	if len(n.texts) == 0 {
		return errors.New("there are no notices to write")
	}
	type section struct {
		sources []string
		text    string
	}
	var sections []section
	for text, sources := range n.texts {
		one := section{text: text}
		for source := range sources {
			one.sources = append(one.sources, source.String())
		}
		slices.Sort(one.sources)
		sections = append(sections, one)
	}
	slices.SortFunc(sections, func(a, b section) int { return slices.Compare(a.sources, b.sources) })
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "Licences and notices of third-party software in this archive\n\n"+
		"The programs are built from the Go modules that are named below, without changes to them. The source code of each\n"+
		"is the Go module of that path and version, as Go's module proxies serve it.")
	line := strings.Repeat("=", 100)
	for _, section := range sections {
		fmt.Fprintf(out, "\n%s\n%s\n%s\n\n%s", line, strings.Join(section.sources, "\n"), line, section.text)
	}
	return out.Flush()
}
