// Package openssl reads OpenSSL's lists of ciphers and versions of TLS (openssl-ciphers(1)) for Go's TLS.
package openssl

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// cipher is one of Go's ciphers of TLS 1.2 and older, with OpenSSL's name and what its keywords select by.
type cipher struct {
	id       uint16
	name     string
	keywords []string
}

// ciphers are all of Go's, the strong ones first.
func ciphers() []cipher {
	const ec, rsa, ecdsa = "ECDHE EECDH kEECDH kECDHE", "aRSA", "aECDSA ECDSA"
	all := []struct {
		id             uint16
		name, keywords string
	}{
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", ec + " " + ecdsa + " AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", ec + " " + rsa + " AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", ec + " " + ecdsa + " AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", ec + " " + rsa + " AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", ec + " " + ecdsa + " CHACHA20 SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", ec + " " + rsa + " CHACHA20 SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", ec + " " + ecdsa + " AES AES128 SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", ec + " " + rsa + " AES AES128 SHA256 HIGH TLSv1.2"},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", ec + " " + ecdsa + " AES AES128 SHA SHA1 HIGH"},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", ec + " " + rsa + " AES AES128 SHA SHA1 HIGH"},
		{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", ec + " " + ecdsa + " AES AES256 SHA SHA1 HIGH"},
		{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", ec + " " + rsa + " AES AES256 SHA SHA1 HIGH"},
		{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", "kRSA RSA aRSA AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
		{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", "kRSA RSA aRSA AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", "kRSA RSA aRSA AES AES128 SHA256 HIGH TLSv1.2"},
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", "kRSA RSA aRSA AES AES128 SHA SHA1 HIGH"},
		{tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", "kRSA RSA aRSA AES AES256 SHA SHA1 HIGH"},
	}
	made := make([]cipher, len(all))
	for i, c := range all {
		made[i] = cipher{c.id, c.name, append(strings.Fields(c.keywords), "ALL", "DEFAULT", c.name)}
	}
	return made
}

// absent are keywords of what Go's TLS has not at all, so that excluding it is done.
func absent() []string {
	return []string{
		"aNULL", "eNULL", "NULL", "ADH", "AECDH", "EXPORT", "EXP", "EXPORT40", "EXPORT56", "LOW", "MEDIUM", "DES", "3DES", "RC2", "RC4", "MD5",
		"PSK", "kPSK", "aPSK", "kECDHEPSK", "kDHEPSK", "kRSAPSK", "SRP", "kSRP", "aSRP", "DSS", "aDSS", "CAMELLIA", "CAMELLIA128",
		"CAMELLIA256", "ARIA", "ARIA128", "ARIA256", "ARIAGCM", "SEED", "IDEA", "kEDH", "kDHE", "EDH", "DHE", "DH", "kDH", "kDHd", "kDHr", "aDH",
		"kECDH", "kECDHr", "kECDHe", "aECDH", "GOST", "kGOST", "aGOST", "aGOST01", "AESCCM", "AESCCM8", "SSLv2", "SSLv3", "COMPLEMENTOFDEFAULT",
		"COMPLEMENTOFALL", "KRB5", "kKRB5", "aKRB5", "FZA",
	}
}

// Ciphers returns the ciphers of TLS 1.2 that a list allows, none if it allows none that Go has, and the names of ciphers
// that Go does not have. It fails if the list excludes something that is not known, because it would be allowed otherwise.
func Ciphers(list string) (allowed []uint16, missing []string, err error) {
	all := ciphers()
	banned := map[uint16]bool{}
	for _, term := range strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ',' || c == ' ' }) {
		text, operator := term, byte(0)
		if strings.ContainsRune("!-+", rune(term[0])) {
			text, operator = term[1:], term[0]
		}
		if strings.HasPrefix(term, "@") { // an order, or a level of security that Go's ciphers have
			continue
		}
		selected, known := choose(all, text)
		switch {
		case operator == '!' || operator == '-':
			if !known {
				return nil, nil, fmt.Errorf("%q excludes what is not known", term)
			}
			for _, id := range selected {
				allowed = slices.DeleteFunc(allowed, func(other uint16) bool { return other == id })
				banned[id] = banned[id] || operator == '!'
			}
		case operator == '+': // moves ciphers to the end; Go has an order of its own
		case len(selected) == 0:
			missing = append(missing, text)
		default:
			for _, id := range selected {
				if !banned[id] && !slices.Contains(allowed, id) {
					allowed = append(allowed, id)
				}
			}
		}
	}
	return allowed, missing, nil
}

// choose returns the ciphers that have all keywords of a term, and whether they are known.
func choose(all []cipher, term string) (ids []uint16, known bool) {
	keywords := strings.Split(term, "+")
	known = true
	for _, keyword := range keywords {
		isKnown := slices.Contains(absent(), keyword) || slices.ContainsFunc(all, func(c cipher) bool { return slices.Contains(c.keywords, keyword) })
		known = known && (isKnown || isName(keyword))
	}
	for _, c := range all {
		if !slices.ContainsFunc(keywords, func(keyword string) bool { return !slices.Contains(c.keywords, keyword) }) {
			ids = append(ids, c.id)
		}
	}
	return ids, known
}

// isName reports whether a word may be the name of a single cipher, such as DHE-RSA-AES128-GCM-SHA256.
func isName(word string) bool {
	return strings.Contains(word, "-") && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// Versions returns the oldest and the newest version of TLS in a list such as "TLSv1.2 TLSv1.3".
func Versions(list string) (oldest, newest uint16, err error) {
	known := []struct {
		name    string
		version uint16
	}{{"TLSv1", tls.VersionTLS10}, {"TLSv1.1", tls.VersionTLS11}, {"TLSv1.2", tls.VersionTLS12}, {"TLSv1.3", tls.VersionTLS13}}
	given := map[uint16]bool{}
	for _, word := range strings.Fields(list) {
		found := false
		for _, k := range known {
			if k.name == word {
				given[k.version], found = true, true
			}
		}
		if !found {
			return 0, 0, fmt.Errorf("there is no version %q of TLS", word)
		}
	}
	for _, k := range known {
		if !given[k.version] {
			continue
		}
		if newest != 0 && newest != k.version-1 {
			return 0, 0, fmt.Errorf("a version between others is left out, which is not possible")
		}
		if oldest == 0 {
			oldest = k.version
		}
		newest = k.version
	}
	if oldest == 0 {
		return 0, 0, fmt.Errorf("no version of TLS is left")
	}
	return oldest, newest, nil
}
