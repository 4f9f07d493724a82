package compare

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
)

// Curl is a probe as a curl command, with ADDRESS in place of the controller's address.
func Curl(probe *derive.Probe) string {
	r := probe.Request
	scheme, port := "http", "80"
	args := []string{"curl", "-si", "--path-as-is"}
	if r.HTTPS {
		scheme, port = "https", "443"
		args = append(args, "-k")
	}
	host, explicit, found := strings.Cut(r.Host, ":")
	if found {
		port = explicit
	}
	args = append(args, "--connect-to", quoted(fmt.Sprintf("%s:%s:ADDRESS:", host, port)))
	if method := cmp.Or(r.Method, "GET"); method != "GET" {
		args = append(args, "-X", method)
	}
	for _, header := range r.Headers {
		args = append(args, "-H", quoted(header))
	}
	if r.BodyBytes > 0 {
		args = append([]string{fmt.Sprintf("head -c %d /dev/zero |", r.BodyBytes)}, append(args, "--data-binary", "@-")...)
	}
	if r.ClientCertificate != "" {
		args = append(args, "--cert", quoted(r.ClientCertificate+".pem"))
	}
	return strings.Join(append(args, quoted(scheme+"://"+r.Host+r.Target)), " ")
}

// quoted is a text as a word of a shell.
func quoted(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,", r)
	}) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
