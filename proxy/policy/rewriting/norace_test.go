//go:build !race

package rewriting_test

const raceDetector = false
