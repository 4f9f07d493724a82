package http2

// streams are the streams of a connection. Its fields are guarded by the connection's mutex.
type streams struct {
	open   map[uint32]*Stream // that are neither ended on both sides nor reset
	free   []*Stream
	lastID uint32 // greatest that the client has opened

	// The last streams that the client has ended or reset, in a ring: what follows for one of them is an error. Frames
	// for other closed streams may have been sent before the client knew.
	endedByClient [16]uint32
	next          int
}

func newStreams() streams { return streams{open: make(map[uint32]*Stream)} }

// remove makes s a closed stream, if it is open. byClient says that the client has reset it.
func (t *streams) remove(s *Stream, byClient bool) {
	if t.open[s.id] != s {
		return
	}
	delete(t.open, s.id)
	if s.remoteClosed || byClient {
		t.endedByClient[t.next] = s.id
		t.next = (t.next + 1) % len(t.endedByClient)
	}
}

// wasEndedByClient reports whether a closed stream is known to be one the client has ended or reset.
func (t *streams) wasEndedByClient(id uint32) bool {
	for _, ended := range t.endedByClient {
		if ended == id {
			return true
		}
	}
	return false
}

// get returns a stream to be used.
func (t *streams) get(c *Conn) *Stream {
	last := len(t.free) - 1
	if last < 0 {
		return newStream(c)
	}
	s := t.free[last]
	t.free[last] = nil
	t.free = t.free[:last]
	return s
}

// put keeps a stream that is no longer used, unless it is large.
func (t *streams) put(s *Stream) {
	if s.size() <= maxKeptStream {
		t.free = append(t.free, s)
	}
}

// trim keeps at most so many free streams.
func (t *streams) trim(kept int) {
	switch {
	case kept == 0 && len(t.open) == 0:
		t.free, t.open = nil, make(map[uint32]*Stream)
	case len(t.free) > kept:
		clear(t.free[kept:])
		t.free = t.free[:kept]
	}
}
