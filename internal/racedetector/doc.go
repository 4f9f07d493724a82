// Package racedetector tells tests whether they run with the race detector, which makes them five to ten times slower and adds
// allocations.
package racedetector
