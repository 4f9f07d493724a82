package capture

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// Numbers of RFC 8446 (sections 4, 4.2, 5.1) and RFC 6066 section 3.
const (
	recordHandshake       = 22
	handshakeClientHello  = 1
	handshakeServerHello  = 2
	extensionServerName   = 0
	extensionALPN         = 16
	extensionVersions     = 43
	nameTypeHostname      = 0
	maxHandshakeMessage   = 1 << 16
	maxRecordPlaintext    = 1 << 14
	legacyRandomLength    = 32
	maxLegacySessionIDLen = 32
)

// ErrIncomplete is wrapped if a TLS message is valid so far but ends too early.
var ErrIncomplete = errors.New("the message is incomplete")

// ClientHello is a TLS client's first message (RFC 8446 section 4.1.2).
type ClientHello struct {
	// ServerName is the host name in the server_name extension; "" if the client sent none.
	ServerName string
	// Protocols of the application layer (ALPN, RFC 7301), preferred first.
	Protocols []string
	// Versions offered, such as 0x0304 for TLS 1.3.
	Versions     []uint16
	CipherSuites []uint16
}

// ServerHello is the answer to a ClientHello (RFC 8446 section 4.1.3).
type ServerHello struct {
	Version     uint16
	CipherSuite uint16
}

// ParseClientHello reads the ClientHello that a client's byte stream begins with.
func ParseClientHello(stream []byte) (ClientHello, error) {
	hello, err := parseClientHello(stream)
	if err != nil {
		return ClientHello{}, fmt.Errorf("reading a TLS ClientHello: %w", err)
	}
	return hello, nil
}

// ParseServerHello reads the ServerHello that a server's byte stream begins with.
func ParseServerHello(stream []byte) (ServerHello, error) {
	hello, err := parseServerHello(stream)
	if err != nil {
		return ServerHello{}, fmt.Errorf("reading a TLS ServerHello: %w", err)
	}
	return hello, nil
}

// handshakeMessage puts the first handshake message of a stream together, which may span several records.
func handshakeMessage(stream []byte, wanted uint8) (cryptobyte.String, error) {
	records := cryptobyte.String(stream)
	var handshake []byte
	for {
		if len(handshake) >= 4 {
			if handshake[0] != wanted {
				return nil, fmt.Errorf("handshake message of type %d where %d was expected", handshake[0], wanted)
			}
			length := int(handshake[1])<<16 | int(handshake[2])<<8 | int(handshake[3])
			if length > maxHandshakeMessage {
				return nil, fmt.Errorf("a handshake message of %d bytes is too long", length)
			}
			if len(handshake) >= 4+length {
				return handshake[4 : 4+length], nil
			}
		}
		fragment, err := readHandshakeRecord(&records)
		if err != nil {
			return nil, err
		}
		handshake = append(handshake, fragment...)
	}
}

// readHandshakeRecord reads a record (RFC 8446 section 5.1) and returns what it carries of handshake messages.
func readHandshakeRecord(records *cryptobyte.String) ([]byte, error) {
	var contentType uint8
	var version, length uint16
	if !records.ReadUint8(&contentType) {
		return nil, ErrIncomplete
	}
	if contentType != recordHandshake {
		return nil, fmt.Errorf("record of type %d where a handshake (%d) was expected", contentType, recordHandshake)
	}
	if !records.ReadUint16(&version) || !records.ReadUint16(&length) {
		return nil, ErrIncomplete
	}
	if version>>8 != 3 {
		return nil, fmt.Errorf("record version %#04x is not of TLS", version)
	}
	if length == 0 || length > maxRecordPlaintext {
		return nil, fmt.Errorf("a handshake record of %d bytes", length)
	}
	var fragment []byte
	if !records.ReadBytes(&fragment, int(length)) {
		return nil, ErrIncomplete
	}
	return fragment, nil
}

var errMalformed = errors.New("a field's length doesn't fit the message")

func parseClientHello(stream []byte) (ClientHello, error) {
	message, err := handshakeMessage(stream, handshakeClientHello)
	if err != nil {
		return ClientHello{}, err
	}
	var legacyVersion uint16
	var sessionID, suites, compressions cryptobyte.String
	if !message.ReadUint16(&legacyVersion) || !message.Skip(legacyRandomLength) ||
		!message.ReadUint8LengthPrefixed(&sessionID) || len(sessionID) > maxLegacySessionIDLen ||
		!message.ReadUint16LengthPrefixed(&suites) || !message.ReadUint8LengthPrefixed(&compressions) {
		return ClientHello{}, errMalformed
	}
	var hello ClientHello
	if hello.CipherSuites, err = readUint16s(suites); err != nil {
		return ClientHello{}, err
	}
	err = eachExtension(message, func(extension uint16, data cryptobyte.String) error {
		switch extension {
		case extensionServerName:
			hello.ServerName, err = readServerName(data)
		case extensionALPN:
			hello.Protocols, err = readProtocols(data)
		case extensionVersions:
			var versions cryptobyte.String
			if !data.ReadUint8LengthPrefixed(&versions) || !data.Empty() {
				return errMalformed
			}
			hello.Versions, err = readUint16s(versions)
		}
		return err
	})
	if err != nil {
		return ClientHello{}, err
	}
	if hello.Versions == nil { // before TLS 1.3 the version was a field
		hello.Versions = []uint16{legacyVersion}
	}
	return hello, nil
}

func parseServerHello(stream []byte) (ServerHello, error) {
	message, err := handshakeMessage(stream, handshakeServerHello)
	if err != nil {
		return ServerHello{}, err
	}
	var hello ServerHello
	var sessionID cryptobyte.String
	if !message.ReadUint16(&hello.Version) || !message.Skip(legacyRandomLength) ||
		!message.ReadUint8LengthPrefixed(&sessionID) || len(sessionID) > maxLegacySessionIDLen ||
		!message.ReadUint16(&hello.CipherSuite) || !message.Skip(1) {
		return ServerHello{}, errMalformed
	}
	err = eachExtension(message, func(extension uint16, data cryptobyte.String) error {
		if extension == extensionVersions && (!data.ReadUint16(&hello.Version) || !data.Empty()) {
			return errMalformed
		}
		return nil
	})
	if err != nil {
		return ServerHello{}, err
	}
	return hello, nil
}

// eachExtension reads the extensions that end a hello. An old hello may have none.
func eachExtension(message cryptobyte.String, visit func(extension uint16, data cryptobyte.String) error) error {
	if message.Empty() {
		return nil
	}
	var extensions cryptobyte.String
	if !message.ReadUint16LengthPrefixed(&extensions) || !message.Empty() {
		return errMalformed
	}
	seen := map[uint16]bool{}
	for !extensions.Empty() {
		var extension uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&extension) || !extensions.ReadUint16LengthPrefixed(&data) {
			return errMalformed
		}
		if seen[extension] {
			return fmt.Errorf("duplicate extension %d", extension)
		}
		seen[extension] = true
		if err := visit(extension, data); err != nil {
			return fmt.Errorf("extension %d: %w", extension, err)
		}
	}
	return nil
}

func readServerName(data cryptobyte.String) (string, error) {
	var names cryptobyte.String
	if !data.ReadUint16LengthPrefixed(&names) || !data.Empty() || names.Empty() {
		return "", errMalformed
	}
	hostname := ""
	for !names.Empty() {
		var nameType uint8
		var name cryptobyte.String
		if !names.ReadUint8(&nameType) || !names.ReadUint16LengthPrefixed(&name) || name.Empty() {
			return "", errMalformed
		}
		if nameType != nameTypeHostname {
			continue
		}
		if hostname != "" {
			return "", errors.New("two host names")
		}
		hostname = string(name)
	}
	return hostname, nil
}

func readProtocols(data cryptobyte.String) ([]string, error) {
	var list cryptobyte.String
	if !data.ReadUint16LengthPrefixed(&list) || !data.Empty() || list.Empty() {
		return nil, errMalformed
	}
	var protocols []string
	for !list.Empty() {
		var protocol cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&protocol) || protocol.Empty() {
			return nil, errMalformed
		}
		protocols = append(protocols, string(protocol))
	}
	return protocols, nil
}

func readUint16s(data cryptobyte.String) ([]uint16, error) {
	if data.Empty() {
		return nil, errMalformed
	}
	var numbers []uint16
	for !data.Empty() {
		var number uint16
		if !data.ReadUint16(&number) {
			return nil, errMalformed
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}
