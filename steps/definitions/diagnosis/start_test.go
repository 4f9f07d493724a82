package diagnosis

import (
	"testing"
	"time"
)

func TestStartOf(t *testing.T) {
	t.Parallel()
	const log = `I1127 10:00:00.000001       1 client.go:42] "Connected to the API server" version="v1.37.2"
I1127 10:00:02.500000       1 run.go:130] "Serving" version="dev" http="[::]:80" https="[::]:443" afterReading="1.25s"
`
	if got, err := startOf(log); err != nil || got != 1250*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := startOf(`"Serving new endpoints" upstream="a"`); err == nil {
		t.Errorf("%s of a log without a start", got)
	}
}
