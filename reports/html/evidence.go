package html

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// maxText bounds what the page holds of one text, in bytes.
const maxText = 128 << 10

// evidenceView has one field set.
type evidenceView struct {
	Text         *textView
	Distribution *distributionView
	Ladder       *ladderView
	Load         *loadView
	File         *results.SavedFile
	FileSize     string
}

func (e evidenceView) kind() string {
	switch {
	case e.Distribution != nil:
		return "chart"
	case e.Ladder != nil:
		return "packets"
	case e.Load != nil:
		return "load"
	case e.File != nil:
		return "file"
	}
	return "text"
}

type textView struct {
	Title, Body string
	Lines       int
	Open        bool
}

func newEvidence(e evidence.Evidence, step *results.Step) evidenceView {
	switch e := e.(type) {
	case evidence.Distribution:
		return evidenceView{Distribution: newDistribution(e)}
	case evidence.Ladder:
		return evidenceView{Ladder: newLadder(e, step)}
	case evidence.Load:
		return evidenceView{Load: newLoad(&e)}
	case results.SavedFile:
		e.Title, e.Name, e.Error = plaintext.Line(e.Title), plaintext.Line(e.Name), plaintext.Clean(e.Error)
		return evidenceView{File: &e, FileSize: size(e.Size)}
	case evidence.Text:
		return evidenceView{Text: newText(e, step.Status.Failing())}
	}
	attachment := e.Attachment()
	return evidenceView{Text: newText(evidence.Text{Title: attachment.FileName, Body: string(attachment.Body)}, false)}
}

func newText(text evidence.Text, open bool) *textView {
	body := plaintext.Shorten(text.Body, maxText, func(omitted int) string {
		return fmt.Sprintf("\n\n… %s left out …\n\n", size(int64(omitted)))
	})
	body = strings.TrimRight(plaintext.Clean(body), "\n")
	v := &textView{Title: plaintext.Line(text.Title), Body: body, Lines: strings.Count(body, "\n") + 1}
	if v.Title == "" {
		v.Title = "Text"
	}
	v.Open = open && v.Lines <= 12
	return v
}
