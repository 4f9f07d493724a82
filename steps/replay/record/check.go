package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	maxTimes     = 10_000
	maxBodyBytes = 64 << 20
	maxUsers     = 5
)

// check returns the first error of a case, with the names of its fields.
func (c *Case) check() error {
	switch {
	case c.Name == "":
		return errors.New("a case needs a name")
	case c.Users < 1 || c.Users > maxUsers:
		return fmt.Errorf("users is %d, but has to be from 1 to %d", c.Users, maxUsers)
	}
	for _, object := range c.Objects {
		if object.Kind() == "" || object.Name() == "" {
			return errors.New("an object has no kind or no metadata.name")
		}
	}
	for name, admission := range c.Admission {
		if !slices.ContainsFunc(c.Objects, func(o Object) bool { return o.Name() == name }) {
			return fmt.Errorf("admission is about %q, which is not among the objects", name)
		}
		if !admission.valid() {
			return fmt.Errorf("the admission of %q is %q instead of %q, %q or %q", name, admission, Accepted, RefusedByWebhook+"…", RefusedByAPIServer+"…")
		}
	}
	for i := range c.Requests {
		if err := c.Requests[i].check(); err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
	}
	return nil
}

func (a Admission) valid() bool {
	return a == Accepted || strings.HasPrefix(string(a), RefusedByWebhook) || strings.HasPrefix(string(a), RefusedByAPIServer)
}

func (r *Request) check() error {
	head := r.Target != "" || r.Method != "" || r.Version != "" || r.Host != "" || len(r.Headers)+len(r.OnlyHeaders) > 0 || r.Body != "" || r.BodyBytes != 0
	switch {
	case (r.Raw != "") == head:
		return errors.New("a request has a target, or raw bytes and nothing else of a request")
	case r.Raw == "" && r.Target == "":
		return errors.New("target is missing")
	case r.OnlyHeaders != nil && (r.Host != "" || r.Headers != nil):
		return errors.New("onlyHeaders are all headers: leave out host and headers")
	case r.Body != "" && r.BodyBytes != 0:
		return errors.New("body and bodyBytes exclude each other")
	case r.BodyBytes < 0 || r.BodyBytes > maxBodyBytes:
		return fmt.Errorf("bodyBytes is %d, but has to be from 0 to %d", r.BodyBytes, maxBodyBytes)
	case r.Times < 0 || r.Times > maxTimes:
		return fmt.Errorf("times is %d, but has to be from 0 to %d", r.Times, maxTimes)
	case r.HTTP2 && !r.HTTPS:
		return errors.New("http2 needs https: true")
	case !r.HTTPS && (r.ServerName != "" || r.MaxTLS != "" || r.ClientCertificate != ""):
		return errors.New("serverName, maxTLS and clientCertificate need https: true")
	case r.Port != "" && r.Port != "https":
		return fmt.Errorf("port is %q, but can only be https", r.Port)
	case r.Raw != "" && strings.ContainsFunc(r.Raw, func(c rune) bool { return c > 0xff }):
		return errors.New("raw has a character above U+00FF, which is not a byte")
	case !slices.Contains([]string{"", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}, r.MaxTLS):
		return fmt.Errorf("maxTLS is %q instead of a version such as TLS 1.2", r.MaxTLS)
	}
	return r.checkAnswers()
}

func (r *Request) checkAnswers() error {
	if len(r.Answers) == 0 {
		return nil
	}
	counted := 0
	for _, answer := range r.Answers {
		if answer.Count < 0 || answer.Share < 0 || answer.Share > 1 {
			return errors.New("count and share can't be negative, nor share above 1")
		}
		counted += answer.Count
	}
	known := []Judge{JudgeEqual, JudgeSequence, JudgeShare, JudgeTurns, JudgeBucket, JudgeAnyOf}
	switch {
	case !slices.Contains(known, r.Judge):
		return fmt.Errorf("judge is %q instead of sequence, share, turns, bucket or any of", r.Judge)
	case len(r.Answers) > 1 && r.Judge == JudgeEqual:
		return errors.New("there are several answers: set judge to how they are compared")
	case len(r.Answers) > 1 && r.Judge != JudgeAnyOf && counted != r.Repetitions():
		return fmt.Errorf("the counts of the answers are %d together, but the request is sent %d times", counted, r.Repetitions())
	case r.Judge == JudgeBucket && r.Refill <= 0:
		return errors.New("judge: bucket needs refill, in requests a second")
	}
	return nil
}
