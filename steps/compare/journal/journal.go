// Package journal remembers the results of a comparison in a file, so that a run that was broken off can be resumed.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/ingress-testbed/testbed/steps/compare"
)

// Journal is a file with a line for each request. It implements compare.Journal.
type Journal struct {
	mu    sync.Mutex
	file  *os.File
	known map[string]compare.Result
}

// line is a line of the file. The first has the Key, the others the rest.
type line struct {
	Key    string         `json:"key,omitempty"`
	ID     string         `json:"id,omitempty"`
	Result compare.Result `json:"result,omitempty"`
}

// maxLine bounds a line, in bytes.
const maxLine = 4 << 20

// Open opens the file of that name, or makes it. key stands for what is compared: a file with another key is an error. A last
// line that is incomplete, because the run was killed, is dropped.
func Open(name, key string) (*Journal, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the file to resume from: %w", err)
	}
	j := &Journal{file: file, known: map[string]compare.Result{}}
	if err := j.read(key); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return j, nil
}

func (j *Journal) read(key string) error {
	reader := bufio.NewReaderSize(j.file, maxLine)
	var complete int64
	for number := 0; ; number++ {
		text, err := reader.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return j.end(number == 0, complete, key)
		case err != nil:
			return fmt.Errorf("reading line %d: %w", number+1, err)
		}
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("line %d is not an entry of a comparison: %w", number+1, err)
		}
		if number == 0 && one.Key != key {
			return errors.New("it is of another comparison: other objects, controllers or settings; give another file")
		}
		if one.ID != "" {
			j.known[one.ID] = one.Result
		}
		complete += int64(len(text))
	}
}

// end cuts off an incomplete line, and begins an empty file.
func (j *Journal) end(empty bool, complete int64, key string) error {
	if err := j.file.Truncate(complete); err != nil {
		return fmt.Errorf("cutting off an incomplete line: %w", err)
	}
	if _, err := j.file.Seek(complete, io.SeekStart); err != nil {
		return fmt.Errorf("finding the end: %w", err)
	}
	if empty {
		return j.write(line{Key: key})
	}
	return nil
}

// Known is how many requests have a result.
func (j *Journal) Known() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.known)
}

// Lookup implements compare.Journal.
func (j *Journal) Lookup(id string) (compare.Result, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	result, ok := j.known[id]
	return result, ok
}

// Add implements compare.Journal.
func (j *Journal) Add(id string, result compare.Result) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.known[id] = result
	return j.write(line{ID: id, Result: result})
}

func (j *Journal) write(one line) error {
	content, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encoding a result: %w", err)
	}
	if _, err := j.file.Write(append(content, '\n')); err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
