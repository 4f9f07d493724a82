package controller_test

import "maps"

// Settings that let the client of a protected proxy in, and that others are added to.

func withPassword() map[string]string {
	return map[string]string{"auth-type": "basic", "auth-secret": "known"}
}

func withServer() map[string]string { return map[string]string{"auth-url": "http://10.9.0.1/200"} }

func withAuthorities() map[string]string {
	return map[string]string{"auth-tls-secret": "ns/authorities", "auth-tls-verify-client": "off"}
}

func and(settings map[string]string, name, value string) map[string]string {
	all := maps.Clone(settings)
	all[name] = value
	return all
}

// deadServers are URLs of servers that refuse the client, fail, are not there, don't speak HTTP, or can't be had.
func deadServers() []string {
	return []string{
		"http://10.9.0.1/401", "http://10.9.0.1/403", "http://10.9.0.1/500", "http://10.9.0.1/302", "http://10.9.0.2/", "http://10.9.0.3/",
		"http://missing.example/", "http://auth.ns.svc/", "http://127.0.0.1/", "http://$host/", "not a url", "https://10.9.0.1/200",
		"http://10.9.0.1/200$unknown", "ftp://10.9.0.1/200",
	}
}

// protectingAnnotations has a case for each annotation that restricts access.
func protectingAnnotations() map[string]protection {
	return map[string]protection{
		"whitelist-source-range": {closed: []string{"10.0.0.0/8", "", "garbage", "10.0.0.0/99", ",", "::/0"}},
		"allowlist-source-range": {
			base:   map[string]string{"whitelist-source-range": "127.0.0.1"},
			closed: []string{"10.0.0.0/8", "127.0.0.0/8", "", "garbage"},
		},
		"denylist-source-range": {closed: []string{"127.0.0.0/8", "garbage", "127.0.0.0/8 10.0.0.0/8"}},
		"satisfy":               {base: withPassword(), closed: []string{"some", "ANY"}},

		"auth-type":        {base: withPassword(), closed: []string{"digest", "none"}},
		"auth-secret":      {base: withPassword(), closed: []string{"users", "missing", "empty", "other/known", "invalid", "a/b/c"}},
		"auth-secret-type": {base: withPassword(), closed: []string{"auth-map", "file"}},
		"auth-realm":       {open: "every text is a realm"},

		"auth-url":                   {base: withServer(), closed: deadServers()},
		"auth-method":                {base: withServer(), closed: []string{"NONE"}},
		"auth-signin":                {base: withServer(), closed: []string{"login", "https://login.example/$unknown"}},
		"auth-signin-redirect-param": {base: withServer(), closed: []string{"a b"}},
		"auth-request-redirect":      {base: withServer(), closed: []string{"$unknown"}},
		"auth-response-headers":      {base: withServer(), closed: []string{"two words"}},
		"auth-proxy-set-headers":     {base: withServer(), closed: []string{"ns/missing", "fields", "other/fields"}},
		"auth-always-set-cookie":     {base: withServer(), closed: []string{"maybe"}},
		"auth-cache-key":             {base: withServer(), closed: []string{"$unknown"}},
		"auth-cache-duration":        {base: and(withServer(), "auth-cache-key", "$host"), closed: []string{"soon", "200 soon"}},
		"auth-snippet":               {base: withServer(), closed: []string{"deny all;"}},

		"auth-tls-secret":        {closed: []string{"ns/authorities", "ns/missing", "ns/empty", "ns/invalid", "other/authorities", "a/b/c", "missing"}},
		"auth-tls-verify-client": {base: withAuthorities(), closed: []string{"on", "yes"}},
		"auth-tls-verify-depth":  {base: withAuthorities(), closed: []string{"deep", "-1"}},
		"auth-tls-match-cn":      {base: withAuthorities(), closed: []string{"("}},
		"auth-tls-error-page":    {base: withAuthorities(), closed: []string{"page"}},

		"limit-connections":      {closed: []string{"many", "-1"}},
		"limit-rps":              {closed: []string{"many", "-1"}},
		"limit-rpm":              {closed: []string{"many", "-1"}},
		"limit-burst-multiplier": {base: map[string]string{"limit-rps": "100"}, closed: []string{"many", "-1"}},
		"limit-whitelist":        {base: map[string]string{"limit-rps": "100"}, closed: []string{"garbage"}},
		"limit-allowlist":        {base: map[string]string{"limit-rps": "100"}, closed: []string{"garbage"}},

		"custom-headers":      {closed: []string{"ns/missing", "fields"}},
		"proxy-ssl-ciphers":   {base: map[string]string{"proxy-ssl-secret": "ns/authorities"}, closed: []string{"HIGH:!WEAK"}},
		"proxy-ssl-protocols": {base: map[string]string{"proxy-ssl-secret": "ns/authorities"}, closed: []string{"TLSv1.4"}},

		"ssl-passthrough": {closed: []string{"true", "maybe"}},
		"ssl-ciphers":     {closed: []string{"HIGH:!WEAK", "HIGH:-NONE"}},

		"enable-modsecurity":      {closed: []string{"true", "maybe"}},
		"enable-owasp-core-rules": {closed: []string{"true", "maybe"}},
		"modsecurity-snippet":     {closed: []string{"SecRuleEngine On"}},
		"configuration-snippet":   {closed: []string{"deny all;"}},
		"server-snippet":          {closed: []string{"deny all;"}},
		"stream-snippet":          {closed: []string{"deny all;"}},
	}
}

// protectingKeys has a case for each key of the ConfigMap that restricts access.
func protectingKeys() map[string]protection {
	server := map[string]string{"global-auth-url": "http://10.9.0.1/200"}
	return map[string]protection{
		"whitelist-source-range": {closed: []string{"10.0.0.0/8", "garbage", "10.0.0.0/99", ",", "::/0"}},
		"denylist-source-range":  {closed: []string{"127.0.0.0/8", "garbage"}},
		"block-cidrs":            {closed: []string{"127.0.0.0/8", "garbage"}},
		"block-user-agents":      {closed: []string{"~^Go-", "~(", "~*("}},
		"block-referers":         {closed: []string{"~^http://spam", "~("}},

		"global-auth-url":                   {base: server, closed: deadServers()},
		"global-auth-method":                {base: server, closed: []string{"NONE"}},
		"global-auth-signin":                {base: server, closed: []string{"login"}},
		"global-auth-signin-redirect-param": {base: server, closed: []string{"a b"}},
		"global-auth-response-headers":      {base: server, closed: []string{"two words"}},
		"global-auth-request-redirect":      {base: server, closed: []string{"$unknown"}},
		"global-auth-snippet":               {base: server, closed: []string{"deny all;"}},
		"global-auth-cache-key":             {base: server, closed: []string{"$unknown"}},
		"global-auth-cache-duration":        {base: and(server, "global-auth-cache-key", "$host"), closed: []string{"soon"}},
		"global-auth-always-set-cookie":     {base: server, closed: []string{"maybe"}},

		"ssl-ecdh-curve": {closed: []string{"none"}},
		"ssl-protocols":  {closed: []string{"TLSv1.4", "all"}},
		"ssl-ciphers":    {closed: []string{"HIGH:!WEAK", "HIGH:-NONE"}},

		"enable-modsecurity":           {closed: []string{"true", "maybe"}},
		"enable-owasp-modsecurity-crs": {closed: []string{"true", "maybe"}},
		"modsecurity-snippet":          {closed: []string{"SecRuleEngine On"}},
		"main-snippet":                 {closed: []string{"user nobody;"}},
		"http-snippet":                 {closed: []string{"deny all;"}},
		"server-snippet":               {closed: []string{"deny all;"}},
		"location-snippet":             {closed: []string{"deny all;"}},
		"stream-snippet":               {closed: []string{"deny all;"}},
	}
}

type combination struct{ annotations, settings map[string]string }

// protectingCombinations exclude the client only together, or by what is missing.
func protectingCombinations() map[string]combination {
	inside := map[string]string{"whitelist-source-range": "10.0.0.0/8"}
	password := map[string]string{"auth-type": "basic", "auth-secret": "users"}
	either := and(and(password, "satisfy", "any"), "whitelist-source-range", "10.0.0.0/8")
	return map[string]combination{
		"either address or password":              {annotations: either},
		"either, with a wrong list":               {annotations: and(either, "whitelist-source-range", "garbage")},
		"either, with a missing Secret":           {annotations: and(either, "auth-secret", "missing")},
		"either password or no denied address":    {annotations: and(and(password, "satisfy", "any"), "denylist-source-range", "10.0.0.0/8")},
		"auth-secret without auth-type":           {annotations: map[string]string{"auth-secret": "users"}},
		"auth-type without auth-secret":           {annotations: map[string]string{"auth-type": "basic"}},
		"auth-signin without auth-url":            {annotations: map[string]string{"auth-signin": "https://login.example/"}},
		"auth-tls-verify-client without a Secret": {annotations: map[string]string{"auth-tls-verify-client": "on"}},
		"client certificates of another name": {
			annotations: map[string]string{"auth-tls-secret": "ns/authorities", "auth-tls-verify-client": "optional", "auth-tls-match-cn": "CN=alice"},
		},
		"a misspelt annotation":      {annotations: map[string]string{"auth-ulr": "http://10.9.0.1/200"}},
		"a misspelt key":             {settings: map[string]string{"global-auth-ulr": "http://10.9.0.1/200"}},
		"an address that is made up": {annotations: inside},
		"an address that proxies report, none of which can be trusted": {
			annotations: inside, settings: map[string]string{"use-forwarded-headers": "true", "proxy-real-ip-cidr": "garbage"},
		},
		"an address that other proxies may report": {
			annotations: inside, settings: map[string]string{"use-forwarded-headers": "true", "proxy-real-ip-cidr": "192.0.2.0/24"},
		},
		"global authentication, with a wrong exemption": {
			annotations: map[string]string{"enable-global-auth": "never"}, settings: map[string]string{"global-auth-url": "http://10.9.0.1/401"},
		},
		"global authentication, with an exemption for other paths": {
			settings: map[string]string{"global-auth-url": "http://10.9.0.1/401", "no-auth-locations": "/open"},
		},
	}
}
