package frames

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What is written is read by golang.org/x/net as it was meant.
func TestRequestFields(t *testing.T) {
	long := strings.Repeat("v", 300)
	var block []byte
	block = AppendMethod(block, []byte("GET"))
	block = AppendMethod(block, []byte("POST"))
	block = AppendMethod(block, []byte("PURGE"))
	block = AppendScheme(block, true)
	block = AppendScheme(block, false)
	block = AppendPath(block, []byte("/a"), nil, false)
	block = AppendPath(block, []byte("/a"), nil, true)
	block = AppendPath(block, []byte("/a"), []byte("b=c"), true)
	block = AppendField(block, []byte("User-Agent"), []byte("me"))
	block = AppendField(block, []byte("X-"+long), []byte(long))
	block = AppendField(block, []byte("Cookie"), []byte("a=b"))
	want := []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":method", Value: "POST"}, {Name: ":method", Value: "PURGE"},
		{Name: ":scheme", Value: "https"}, {Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/a"}, {Name: ":path", Value: "/a?"}, {Name: ":path", Value: "/a?b=c"},
		{Name: "user-agent", Value: "me"}, {Name: "x-" + long, Value: long}, {Name: "cookie", Value: "a=b", Sensitive: true},
	}
	got, err := hpack.NewDecoder(0, nil).DecodeFull(block) // a table of size 0: nothing may be indexed
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

// Every name has the index that the static table of HPACK gives it.
func TestStaticNames(t *testing.T) {
	for name, index := range staticNames {
		got, err := hpack.NewDecoder(0, nil).DecodeFull([]byte{0x0f, index - 15, 0})
		if index < 15 {
			got, err = hpack.NewDecoder(0, nil).DecodeFull([]byte{index, 0})
		}
		if err != nil || len(got) != 1 || got[0].Name != name {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

func TestFrames(t *testing.T) {
	var sent []byte
	sent = AppendSettings(sent, http2.Setting{ID: http2.SettingEnablePush, Val: 0}, http2.Setting{ID: 4, Val: 70000})
	sent = AppendSettingsAck(sent)
	sent = AppendWindowUpdate(sent, 3, 70000)
	sent = AppendReset(sent, 3, http2.ErrCodeCancel)
	sent = AppendPing(sent, true, []byte("12345678"))
	sent = AppendData(sent, 3, []byte("data"), true)
	start := len(sent)
	sent = append(append(sent, make([]byte, HeaderSize)...), "0123456789"...)
	sent = EndHeaders(sent, start, 5, true, 4)
	framer := http2.NewFramer(nil, bytes.NewReader(sent))
	framer.AllowIllegalReads = true
	var got []string
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			break
		}
		h := frame.Header()
		if parsed := ParseHeader(AppendHeader(nil, Header{int(h.Length), h.Type, h.Flags, h.StreamID})); parsed != (Header{int(h.Length), h.Type, h.Flags, h.StreamID}) {
			t.Errorf("%v is read as %+v", h, parsed)
		}
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(h.String(), "[FrameHeader "), "]"))
	}
	want := []string{
		"SETTINGS len=12", "SETTINGS flags=ACK len=0", "WINDOW_UPDATE stream=3 len=4", "RST_STREAM stream=3 len=4",
		"PING flags=ACK len=8", "DATA flags=END_STREAM stream=3 len=4",
		"HEADERS flags=END_STREAM stream=5 len=4", "CONTINUATION stream=5 len=4", "CONTINUATION flags=END_HEADERS stream=5 len=2",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
