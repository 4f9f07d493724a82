package explain

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// Register registers the flags, with curl's names and letters. --from is another name of --client.
func (f *Flags) Register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.Method, "request", "X", "", "`method` of the request")
	flags.StringArrayVarP(&f.Headers, "header", "H", nil, "header `field`, \"Name: value\"; may be repeated")
	flags.StringArrayVarP(&f.Data, "data", "d", nil, "`body` of the request; may be repeated")
	flags.StringArrayVarP(&f.Cookies, "cookie", "b", nil, "`cookie`, \"name=value\"; may be repeated")
	flags.StringVarP(&f.User, "user", "u", "", "`name:password` for basic authentication")
	flags.BoolVarP(&f.Head, "head", "I", false, "send a HEAD request")
	flags.BoolP("insecure", "k", false, "accepted for curl's sake: certificates are explained and not verified")
	flags.BoolVar(&f.HTTP2, "http2", false, "send the request over HTTP/2")
	flags.BoolVar(&f.PathAsIs, "path-as-is", false, "keep dot segments in the path")
	flags.StringVar(&f.Client, "client", "", "`address` that the request comes from (default "+DefaultClient().String()+")")
	flags.VarP((*pemFile)(&f.Certificate), "cert", "E", "`file` with the certificate of the client in PEM, which may have its key, too")
	flags.Var((*pemFile)(&f.Certificate), "key", "`file` with the key of that certificate in PEM")
	normalize := flags.GetNormalizeFunc()
	flags.SetNormalizeFunc(func(set *pflag.FlagSet, name string) pflag.NormalizedName {
		return cmp.Or(map[string]pflag.NormalizedName{"from": "client"}[name], normalize(set, name))
	})
}

// pemFile adds the contents of the files that a flag names.
type pemFile string

// String implements pflag.Value.
func (f *pemFile) String() string { return "" }

// Type implements pflag.Value.
func (f *pemFile) Type() string { return "file" }

// Set implements pflag.Value.
func (f *pemFile) Set(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	*f += pemFile(content) + "\n"
	return nil
}
