// Package evidence holds what a step shows of what it saw: texts, distributions, packet ladders, load runs and files. A step
// attaches evidence whether it passes or fails,
//
//	return godog.Attach(ctx, evidence.Text{Title: "Controller log", Body: log}.Attachment()), nil
//
// and the reports draw it: a distribution as a bar chart, a ladder as a diagram, a load run as plots over time, a file as a link.
package evidence

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"time"

	"github.com/cucumber/godog"
)

// Media types of attachments. Texts and files keep the types that other readers of Cucumber's JSON know.
const (
	TextMediaType         = "text/plain; charset=utf-8"
	DistributionMediaType = "application/vnd.ingress-testbed.distribution+json"
	LadderMediaType       = "application/vnd.ingress-testbed.ladder+json"
	FileMediaType         = "application/vnd.ingress-testbed.file+json"
)

// Evidence is one thing that a step saw.
type Evidence interface {
	// Attachment is the form in which godog carries the evidence from the step to the formatters.
	Attachment() godog.Attachment
}

// Text is anything that is read as text: a log, a routing table, an object's YAML, a response.
type Text struct {
	Title string
	Body  string
}

// Distribution is how requests were shared out, and how that was judged.
type Distribution struct {
	Title  string  `json:"title"`
	Total  int     `json:"total"` // requests made
	Shares []Share `json:"shares"`
	// Test names the statistical test and says what it states, such as "exact binomial test, two-sided: …".
	// It is empty where the counts must be exact.
	Test string `json:"test,omitempty"`
	// PValue is the probability of counts at least this far off, if the expectation holds.
	PValue float64 `json:"pValue"`
	// FalseAlarm is the probability with which the test refuses a correct system.
	FalseAlarm float64 `json:"falseAlarm"`
}

// Share is the part of the requests that had one outcome.
type Share struct {
	Label    string  `json:"label"`
	Observed int     `json:"observed"` // requests
	Expected float64 `json:"expected"` // requests
	// Low and High bound the counts that are accepted, both included.
	Low  int `json:"low"`
	High int `json:"high"`
}

// Accepted reports whether the observed count is within the bounds.
func (s Share) Accepted() bool { return s.Low <= s.Observed && s.Observed <= s.High }

// Ladder is a sequence of packets between parties, drawn as lines between columns.
type Ladder struct {
	Title string `json:"title"`
	// Columns names the parties from left to right. Parties that only packets name are added on the right.
	Columns []string `json:"columns"`
	Packets []Packet `json:"packets"`
	// File is the Name of the File with the whole capture, if that is attached to the same step.
	File string `json:"file,omitempty"`
}

// Packet is one line of a ladder.
type Packet struct {
	Time  time.Time `json:"time"`
	From  string    `json:"from"` // a column's name
	To    string    `json:"to"`   // a column's name
	Label string    `json:"label"`
	// Detail is further text, such as ports, sequence numbers and the names of TLS messages.
	Detail string `json:"detail,omitempty"`
}

// File is kept beside the report, in its folder evidence, and linked from it: a packet capture, say.
type File struct {
	Title string `json:"title"`
	// Name is the file's name as offered to the reader, such as "https.pcap". Only its last element counts.
	Name      string `json:"name"`
	MediaType string `json:"mediaType"` // "application/octet-stream" if empty
	// Path of the file to copy; it has to stay until the reports are written. Bytes is used if Path is empty.
	Path  string `json:"path,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

// PcapMediaType is the media type of packet captures that IANA has registered (vnd.tcpdump.pcap) and that Wireshark
// opens.
const PcapMediaType = "application/vnd.tcpdump.pcap"

// Attachment implements Evidence.
func (t Text) Attachment() godog.Attachment {
	return godog.Attachment{FileName: t.Title, MediaType: TextMediaType, Body: []byte(t.Body)}
}

// Attachment implements Evidence.
func (d Distribution) Attachment() godog.Attachment {
	return encode(d.Title, DistributionMediaType, d)
}

// Attachment implements Evidence.
func (l Ladder) Attachment() godog.Attachment { return encode(l.Title, LadderMediaType, l) }

// Attachment implements Evidence.
func (f File) Attachment() godog.Attachment { return encode(f.Name, FileMediaType, f) }

// encode falls back to text, so that a value JSON can't carry (a NaN) still reaches the report.
func encode(name, mediaType string, value any) godog.Attachment {
	body, err := json.Marshal(value)
	if err != nil {
		return Text{Title: name, Body: fmt.Sprintf("%+v\n(shown as text: %v)", value, err)}.Attachment()
	}
	return godog.Attachment{FileName: name, MediaType: mediaType, Body: body}
}

// Parse turns an attachment back into evidence. Attachments of other origin become a Text if their media type is
// textual and a File otherwise; a damaged body becomes a Text that says so. It never fails, as a report must show
// what it got.
func Parse(attachment godog.Attachment) Evidence {
	switch attachment.MediaType {
	case DistributionMediaType:
		return decode[Distribution](attachment)
	case LadderMediaType:
		return decode[Ladder](attachment)
	case LoadMediaType:
		return decode[Load](attachment)
	case FileMediaType:
		return decode[File](attachment)
	}
	if textual(attachment.MediaType) {
		return Text{Title: attachment.FileName, Body: string(attachment.Body)}
	}
	name := attachment.FileName
	if name == "" {
		name = "attachment"
	}
	return File{Title: name, Name: name, MediaType: attachment.MediaType, Bytes: attachment.Body}
}

func decode[E Evidence](attachment godog.Attachment) Evidence {
	var value E
	if err := json.Unmarshal(attachment.Body, &value); err != nil {
		return Text{
			Title: attachment.FileName,
			Body:  fmt.Sprintf("This evidence could not be read: %v\n\n%s", err, attachment.Body),
		}
	}
	return value
}

func textual(mediaType string) bool {
	parsed, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return mediaType == ""
	}
	switch parsed {
	case "application/json", "application/yaml", "application/xml":
		return true
	}
	return strings.HasPrefix(parsed, "text/")
}
