package compare

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
)

// Curl is a probe as a curl command, with ADDRESS in place of the controller's address.
func Curl(probe *derive.Probe) string {
	r := probe.Request
	scheme := "http"
	args := []string{"curl", "-si", "--path-as-is"}
	if r.HTTPS {
		scheme = "https"
		args = append(args, "-k")
	}
	if r.Version == "HTTP/1.0" {
		args = append(args, "--http1.0")
	}
	authority, hostArgs := curlHost(r.Host, scheme)
	args = append(args, hostArgs...)
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
	target := r.Target
	if !strings.HasPrefix(target, "/") {
		args, target = append(args, "--request-target", quoted(target)), "/"
	}
	return strings.Join(append(args, quoted(scheme+"://"+authority+target)), " ")
}

// curlHost returns what the URL has in place of the host, and the arguments that lead to the controller with this Host field.
func curlHost(host, scheme string) (authority string, args []string) {
	if host == "" {
		return "ADDRESS", []string{"-H", "Host:"}
	}
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	name, explicit, found := strings.Cut(host, ":")
	if _, err := strconv.ParseUint(explicit, 10, 16); found && err != nil {
		return name, []string{"--connect-to", quoted(name + ":" + port + ":ADDRESS:"), "-H", quoted("Host: " + host)}
	}
	if found {
		port = explicit
	}
	return host, []string{"--connect-to", quoted(name + ":" + port + ":ADDRESS:")}
}

// quoted is a text as a word of a shell, in which a command makes a long repetition of a letter.
func quoted(text string) string {
	if before, letter, times, after := repetition(text); times > 0 {
		word := quoted(before) + fmt.Sprintf(`"$(head -c %d /dev/zero | tr '\0' %c)"`, times, letter)
		if after != "" {
			word += quoted(after)
		}
		return word
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,", r)
	}) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// shortened is a text that names a long repetition of a letter instead of writing it.
func shortened(text string) string {
	before, letter, times, after := repetition(text)
	if times == 0 {
		return text
	}
	return fmt.Sprintf("%s(%d times %c)%s", before, times, letter, after)
}

// repetition finds a letter that is repeated more than 200 times; times is 0 if there is none.
func repetition(text string) (before string, letter byte, times int, after string) {
	const long = 200
	for start := 0; start < len(text); {
		end := start + 1
		for end < len(text) && text[end] == text[start] {
			end++
		}
		if c := text[start]; end-start > long && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return text[:start], c, end - start, text[end:]
		}
		start = end
	}
	return text, 0, 0, ""
}
