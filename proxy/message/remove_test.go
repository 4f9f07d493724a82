package message

import "testing"

func TestRemovedFieldsAreNeitherForwardedNorFound(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nServer: a\r\nStrict-Transport-Security: b\r\nserver: c\r\nContent-Length: 1\r\nX: d\r\n\r\n"
	r := parseReply(t, head)
	r.Remove(StrictTransportSecurity)
	r.RemoveName("server")
	r.RemoveName("content-length") // belongs to the framing
	r.Remove(ContentLength)
	if got := string(r.AppendForwarded(nil)); got != "Content-Length: 1\r\nX: d\r\n" {
		t.Errorf("the reply's lines are %q", got)
	}
	if r.Value("server") != nil || r.Has(StrictTransportSecurity) || string(r.Value("x")) != "d" {
		t.Errorf("removed fields are found: %+v", r.Fields)
	}
	request, err := parse("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nCookie: b\r\nConnection: close\r\nX: c\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	request.Remove(Cookie)
	request.RemoveName("authorization")
	request.RemoveName("connection")
	if got := string(request.AppendForwarded(nil)); got != "X: c\r\n" {
		t.Errorf("the request's lines are %q", got)
	}
	if _, found := request.Lookup("Authorization"); found || request.Value(Cookie) != nil || request.Value(Connection) == nil {
		t.Errorf("the fields are %+v", request.Fields)
	}
}

func TestNamesOfSuspectFields(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: 1\r\nX-Forwarded_Proto: 2\r\nTransfer_Encoding: chunked\r\n_: 3\r\n" +
		"a.b: 4\r\na.b_c: 5\r\nProxy: 6\r\nx!: 7\r\nX-0: 8\r\n\r\n"
	for _, c := range []struct {
		name  string
		allow func(*Request)
		want  string
	}{
		{"by default", func(*Request) {}, "X-0: 8\r\n"},
		{"underscores", (*Request).AllowUnderscores,
			"X_Forwarded_For: 1\r\nX-Forwarded_Proto: 2\r\nTransfer_Encoding: chunked\r\n_: 3\r\nX-0: 8\r\n"},
		{"unusual ones", (*Request).AllowUnusual, "a.b: 4\r\na.b_c: 5\r\nx!: 7\r\nX-0: 8\r\n"},
	} {
		r, err := parse(head)
		if err != nil {
			t.Fatal(err)
		}
		c.allow(r)
		if got := string(r.AppendForwarded(nil)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if _, found := r.Lookup("x_forwarded_for"); found != (c.name == "underscores") {
			t.Errorf("%s: Lookup finds X_Forwarded_For: %t", c.name, found)
		}
		if _, found := r.Lookup("a.B"); found != (c.name == "unusual ones") {
			t.Errorf("%s: Lookup finds a.b: %t", c.name, found)
		}
		if _, found := r.Lookup("proxy"); found {
			t.Errorf("%s: Lookup finds Proxy", c.name)
		}
		if value, found := r.Lookup("x-0"); !found || string(value) != "8" {
			t.Errorf("%s: Lookup doesn't find X-0", c.name)
		}
		if r.Chunked || r.Value(XForwardedFor) != nil || r.Value(Other) == nil {
			t.Errorf("%s: got %+v", c.name, r)
		}
	}
}

func TestClientIdentityIsRemoved(t *testing.T) {
	for _, name := range append(clientIdentityNames(), "Forwarded", "X-Forwarded-Prefix", "X-Forwarded-SSL", "True-Client-IP") {
		head := "GET / HTTP/1.1\r\nHost: h\r\nAccept: a\r\n" + name + ": 6.6.6.6\r\nUser-Agent: b\r\n\r\n"
		r, err := parse(head)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.AppendForwarded(nil)); got != "Accept: a\r\n"+name+": 6.6.6.6\r\nUser-Agent: b\r\n" {
			t.Errorf("%s: of a trusted client, got %q", name, got)
		}
		r.RemoveForwarding()
		if got := string(r.AppendForwarded(nil)); got != "Accept: a\r\nUser-Agent: b\r\n" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestKinds has every kind's name in several cases, and names that differ in one letter.
func TestKinds(t *testing.T) {
	names := namedKinds()
	for _, n := range names {
		upper := []byte(n.name)
		for i := range upper {
			if i%2 == 0 && upper[i] >= 'a' && upper[i] <= 'z' {
				upper[i] -= 'a' - 'A'
			}
		}
		if kindOf([]byte(n.name)) != n.kind || kindOf(upper) != n.kind {
			t.Errorf("%s has the kind %d, %d", n.name, kindOf([]byte(n.name)), kindOf(upper))
		}
		other := []byte(n.name)
		other[len(other)/2]++
		if got := kindOf(other); got != Other {
			t.Errorf("%s has the kind %d", other, got)
		}
	}
	if len(kindNames.names) != len(names) {
		t.Errorf("%d of %d names are in the table", len(kindNames.names), len(names))
	}
}

func TestAllowedInTrailers(t *testing.T) {
	allowed := []string{"X-Sum", "Grpc-Status", "Grpc-Message", "ETag", "Content-Digest", "Server-Timing", "my-metadata-bin"}
	for _, name := range allowed {
		if f := (Field{Name: []byte(name), Kind: kindOf([]byte(name))}); !f.AllowedInTrailers() {
			t.Errorf("%s is not allowed", name)
		}
	}
	for _, name := range []string{
		"Authorization", "X_Forwarded_For", "a.b", "Content-Type", "Set-Cookie", "Forwarded", "Host", "Content-Length", "TE",
		"X-Forwarded-For", "X-Real-IP", "Cookie", "Expect", "Transfer-Encoding", "Trailer", "Connection", "Proxy", "Via",
		"Content-Encoding", "Content-Range", "Cache-Control", "If-None-Match", "Range", "Max-Forwards", "Date", "Location",
		"WWW-Authenticate", "X-HTTP-Method-Override", "X-Original-URL", "True-Client-IP", "Proxy-Authorization", "Vary", "AGE",
	} {
		fields, err := ParseFields(nil, []byte(name+": x\r\n"), 1)
		if err != nil || fields[0].AllowedInTrailers() {
			t.Errorf("%s is allowed, %v", name, err)
		}
	}
	// Metadata of gRPC replies may have underscores; those of requests are as in the header.
	for _, name := range []string{"my_key", "my.key"} {
		fields, err := ParseReplyFields(nil, []byte(name+": x\r\n"), 1)
		if err != nil || !fields[0].AllowedInTrailers() {
			t.Errorf("%s is not allowed in replies, %v", name, err)
		}
	}
}
