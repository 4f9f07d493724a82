package evidence_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cucumber/godog"
	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

func TestParseGivesBackWhatWasAttached(t *testing.T) {
	cases := map[string]evidence.Evidence{
		"text": evidence.Text{Title: "Controller log", Body: "line 1\nline 2 <b>\x00"},
		"distribution": evidence.Distribution{
			Title: "canary", Total: 1000, Test: "exact binomial test", PValue: 0.4, FalseAlarm: 1e-7,
			Shares: []evidence.Share{{Label: "v1", Observed: 903, Expected: 900, Low: 850, High: 946}},
		},
		"ladder": evidence.Ladder{
			Title: "TLS", Columns: []string{"client", "controller"}, File: "https.pcap",
			Packets: []evidence.Packet{{Time: time.Unix(1, 42).UTC(), From: "client", To: "controller", Label: "SYN"}},
		},
		"file": evidence.File{Title: "capture", Name: "a.pcap", MediaType: evidence.PcapMediaType, Bytes: []byte{0, 255}},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, evidence.Parse(want.Attachment())); diff != "" {
				t.Errorf("after a round trip (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseOfAttachmentsOfOtherOrigin(t *testing.T) {
	cases := map[string]struct {
		attachment godog.Attachment
		want       evidence.Evidence
	}{
		"yaml": {
			godog.Attachment{FileName: "object", MediaType: "application/yaml", Body: []byte("a: 1")},
			evidence.Text{Title: "object", Body: "a: 1"},
		},
		"no media type": {
			godog.Attachment{Body: []byte("x")},
			evidence.Text{Body: "x"},
		},
		"binary": {
			godog.Attachment{MediaType: "image/png", Body: []byte{1}},
			evidence.File{Title: "attachment", Name: "attachment", MediaType: "image/png", Bytes: []byte{1}},
		},
		"damaged": {
			godog.Attachment{FileName: "ladder", MediaType: evidence.LadderMediaType, Body: []byte("{")},
			evidence.Text{Title: "ladder", Body: "This evidence could not be read: unexpected end of JSON input\n\n{"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, evidence.Parse(c.attachment)); diff != "" {
				t.Errorf("parsed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANumberThatJSONLacksIsShownAsText(t *testing.T) {
	attachment := evidence.Distribution{Title: "canary", PValue: math.NaN()}.Attachment()
	if attachment.MediaType != evidence.TextMediaType {
		t.Errorf("media type %q, want text", attachment.MediaType)
	}
}

func TestFailure(t *testing.T) {
	cause := errors.New("connection refused")
	failure := &evidence.Failure{
		Expected: "status 200", Seen: "status 502", Cause: cause,
		Look: []string{"the controller's log", "kubectl get endpointslices"},
	}
	want := "expected: status 200\n    seen: status 502\n because: connection refused\n" +
		" look at: the controller's log\n          kubectl get endpointslices"
	if diff := cmp.Diff(want, failure.Error()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	var found *evidence.Failure
	if wrapped := fmt.Errorf("step: %w", failure); !errors.As(wrapped, &found) || !errors.Is(wrapped, cause) {
		t.Error("a wrapped failure hides itself or its cause")
	}
}

func TestSkipReason(t *testing.T) {
	cases := map[string]struct {
		err  error
		want string
	}{
		"made by Skip":   {evidence.Skip("pods are routed, not tunnelled"), "pods are routed, not tunnelled"},
		"from a hook":    {fmt.Errorf("before scenario hook failed: %w", evidence.Skip("no IPv6")), "no IPv6"},
		"reason first":   {fmt.Errorf("no IPv6: %w", godog.ErrSkip), "no IPv6"},
		"without reason": {godog.ErrSkip, ""},
		"no skip at all": {errors.New("broken"), ""},
		"none":           {nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := evidence.SkipReason(c.err); got != c.want {
				t.Errorf("reason %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(evidence.LadderMediaType, "ladder", []byte(`{"packets":[{}]}`))
	f.Add(evidence.FileMediaType, "../../x", []byte(`{"name":"../../x","bytes":"AA=="}`))
	f.Add("text/plain; charset", "", []byte("\xff"))
	f.Fuzz(func(t *testing.T, mediaType, name string, body []byte) {
		if evidence.Parse(godog.Attachment{MediaType: mediaType, FileName: name, Body: body}) == nil {
			t.Error("no evidence")
		}
	})
}
