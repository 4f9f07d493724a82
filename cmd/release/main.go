// Command release makes the archives of a release from what `make release` built, with the licences and the bill of
// materials of all that is in them, and their checksums.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/internal/release"
)

const product = "testbed"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var r releaser
	var seconds int64
	var sbom []string
	cmd := &cobra.Command{
		Use:   "release --version VERSION --time SECONDS FOLDER/OS-ARCHITECTURE...",
		Short: "Pack the archives of a release from the folders of its build",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			r.product.Time, r.sbom, r.progress = time.Unix(seconds, 0), sbom, cmd.OutOrStdout()
			return r.release(cmd.Context(), folders)
		},
		SilenceUsage: true, SilenceErrors: true,
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	r.product.Name = product
	flags := cmd.Flags()
	flags.StringVar(&r.product.Version, "version", "", "`version` of the release, such as v0.3.0")
	flags.Int64Var(&seconds, "time", 0, "time of the release in `seconds` since 1970; the modification time of all files in the archives")
	flags.StringVar(&r.out, "out", "dist", "`folder` for the archives")
	flags.StringToStringVar(&r.extra, "add", map[string]string{}, "`NAME=PATH` of a further file or folder of all archives, such as LICENSE=LICENSE; may be repeated")
	flags.StringArrayVar(&r.modules, "module", []string{"."}, "`folder` of a module that programs are built from; may be repeated")
	flags.StringArrayVar(&sbom, "sbom-command", []string{"cyclonedx-gomod"}, "`word` of the command line that runs cyclonedx-gomod; may be repeated")
	for _, name := range []string{"version", "time"} {
		cobra.CheckErr(cmd.MarkFlagRequired(name))
	}
	return cmd
}

// releaser makes a release.
type releaser struct {
	product  release.Product
	out      string
	extra    map[string]string // name in the archive → path
	modules  []string
	sbom     release.SBOMGenerator
	progress io.Writer
}

func (r *releaser) release(ctx context.Context, folders []string) error {
	var files []string
	for _, folder := range folders {
		written, err := r.archive(ctx, folder)
		if err != nil {
			return err
		}
		files = append(files, written...)
	}
	return release.WriteChecksums(r.out, files)
}

// shipped are the parts of a build that an archive has: files and folders. The programs beside them are in the images.
func shipped() []string { return []string{"testbed", "kubernetes", "cni", "images"} }

// archive makes the archive of a platform, and beside it its bill of materials. It returns the names of both files.
func (r *releaser) archive(ctx context.Context, folder string) ([]string, error) {
	programs, err := release.Programs(folder)
	if err != nil {
		return nil, err
	}
	notices, err := release.CollectNotices(ctx, programs, r.modules)
	if err != nil {
		return nil, err
	}
	licences, err := notices.Identify()
	if err != nil {
		return nil, err
	}
	sbom := release.NewSBOM(r.product, licences)
	for _, program := range programs {
		bom, err := r.sbom.Generate(ctx, program, r.product.Version)
		if err != nil {
			return nil, err
		}
		if err := sbom.Add(program, bom); err != nil {
			return nil, err
		}
	}
	name := product + "-" + filepath.Base(folder)
	archiveName, sbomName := name+".tar.gz", name+".cdx.json"
	noticesPath, sbomPath := filepath.Join(folder, "THIRD_PARTY_NOTICES.txt"), filepath.Join(r.out, sbomName)
	if err := release.WriteFile(noticesPath, notices.Write); err != nil {
		return nil, err
	}
	if err := release.WriteFile(sbomPath, sbom.Write); err != nil {
		return nil, err
	}
	archive := release.Archive{Folder: product, Time: r.product.Time, Files: map[string]string{
		"THIRD_PARTY_NOTICES.txt": noticesPath, "sbom.cdx.json": sbomPath,
	}}
	parts := maps.Clone(r.extra)
	for _, part := range shipped() {
		parts[part] = filepath.Join(folder, part)
	}
	for part, source := range parts {
		if err := archive.AddTree(part, source); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(r.out, archiveName)
	if err := release.WriteFile(path, archive.Write); err != nil {
		return nil, err
	}
	size, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(r.progress, "  %s: %d files, %d MB\n", path, len(archive.Files), size.Size()/1e6)
	return []string{archiveName, sbomName}, nil
}
