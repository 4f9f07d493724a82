package balance

import "math/rand/v2"

// Hashed returns the index of the endpoint for a key, by rendezvous hashing: the same key has the same endpoint, whichever
// controller selects it, and if an endpoint is added or removed only the keys move that it has or had. There must be an
// endpoint.
func (r *RoundRobin) Hashed(key []byte) int {
	hash := hashOf(key)
	best, highest := 0, uint64(0)
	for i := range r.hashes {
		if score := mix(hash ^ r.hashes[i]); i == 0 || score > highest {
			best, highest = i, score
		}
	}
	return best
}

// HashedSubset returns the index of one of the few endpoints for a key, at random. There must be an endpoint, and size must
// be positive.
func (r *RoundRobin) HashedSubset(key []byte, size int) int {
	n := len(r.endpoints)
	first := r.Hashed(key) / size * size
	return first + rand.IntN(min(size, n-first)) //nolint:gosec // a share of the traffic need not be unpredictable
}

// hashOf is FNV-1a with 64 bits.
func hashOf[S ~string | ~[]byte](text S) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * 1099511628211
	}
	return hash
}

// mix spreads the bits of a number (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
