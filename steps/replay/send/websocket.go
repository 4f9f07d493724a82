package send

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Frames of WebSocket (RFC 6455, section 5.2): a final text frame, and the bit that says that a payload is masked.
// Libraries make the opening handshake themselves, with a key of their own; here the record has its very header.
const (
	finalText   = 0x81
	masked      = 0x80
	extended16  = 126
	maxTextSize = 1 << 16
)

// writeText writes a text message of at most 125 bytes; longer ones are cut off. The mask is zero, which is a valid one.
func writeText(w io.Writer, text string) error {
	text = text[:min(len(text), extended16-1)]
	_, err := w.Write(append([]byte{finalText, masked | byte(len(text)), 0, 0, 0, 0}, text...))
	return err
}

// readText reads a text message in one unmasked frame. Anything else is errNoMessage.
func readText(r *bufio.Reader) (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	length := int(head[1])
	if head[0] != finalText || length > extended16 {
		return "", errNoMessage
	}
	if length == extended16 {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			return "", err
		}
		length = int(binary.BigEndian.Uint16(long[:]))
	}
	payload := make([]byte, min(length, maxTextSize))
	_, err := io.ReadFull(r, payload)
	return string(payload), err
}
