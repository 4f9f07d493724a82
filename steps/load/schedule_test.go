package load_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/steps/load"
)

func TestRequestsAreDueAtTheRateOfTheSchedule(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		schedule string
		count    int // requests in total; 0 if it has no end
		due      map[uint64]time.Duration
	}{
		{"500", 0, map[uint64]time.Duration{0: 0, 1: 2 * time.Millisecond, 5000: 10 * time.Second}},
		{"100 for 2s", 200, map[uint64]time.Duration{0: 0, 100: time.Second, 199: 1990 * time.Millisecond}},
		{"100 for 1s, 200 for 1s, 400", 0, map[uint64]time.Duration{99: 990 * time.Millisecond, 100: time.Second, 300: 2 * time.Second, 700: 3 * time.Second}},
		// Half of the requests of a ramp from 0 are due after the square root of a half of its time.
		{"0 to 200 over 2s", 200, map[uint64]time.Duration{0: 0, 50: time.Second, 100: 1414213562 * time.Nanosecond}},
		{"200 to 0 over 2s", 200, map[uint64]time.Duration{150: time.Second}},
		{"0 for 1s, 10 for 1s", 10, map[uint64]time.Duration{0: time.Second}},
	} {
		schedule, err := load.ParseSchedule(one.schedule)
		if err != nil {
			t.Fatal(err)
		}
		if got := schedule.String(); got != one.schedule {
			t.Errorf("%s is written as %s", one.schedule, got)
		}
		for number, want := range one.due {
			got, ok := schedule.At(number)
			if difference := (got - want).Abs(); !ok || difference > time.Microsecond {
				t.Errorf("%s: request %d is due at %v (%t), want %v", one.schedule, number, got, ok, want)
			}
		}
		if one.count == 0 {
			continue
		}
		if _, ok := schedule.At(uint64(one.count - 1)); !ok {
			t.Errorf("%s: request %d of %d is never due", one.schedule, one.count-1, one.count)
		}
		if at, ok := schedule.At(uint64(one.count)); ok {
			t.Errorf("%s: request %d is due at %v, but there should be %d", one.schedule, one.count, at, one.count)
		}
	}
}

func TestAScheduleIsCutOff(t *testing.T) {
	t.Parallel()
	schedule, err := load.ParseSchedule("100 for 1s, 100 to 300 over 2s")
	if err != nil {
		t.Fatal(err)
	}
	if got := schedule.For(2 * time.Second).String(); got != "100 for 1s, 100 to 200 over 1s" {
		t.Errorf("got %s", got)
	}
	if got := load.Constant(50).For(3 * time.Second).String(); got != "50 for 3s" {
		t.Errorf("got %s", got)
	}
}

func TestAScheduleIsScaled(t *testing.T) {
	t.Parallel()
	schedule, err := load.ParseSchedule("100 for 1s, 100 to 300 over 2s, 60000")
	if err != nil {
		t.Fatal(err)
	}
	scaled := schedule.Scaled(2.5)
	if got := scaled.String(); got != "250 for 1s, 250 to 750 over 2s, 100000" {
		t.Errorf("got %s", got)
	}
	// 250 in the first second, and 1000 in the next two.
	if due, ok := scaled.At(1250); !ok || (due-3*time.Second).Abs() > time.Microsecond {
		t.Errorf("request 1250 is due at %s", due)
	}
}

func TestWrongSchedulesAreRejected(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "is not a rate",
		"fast":                           "is not a rate",
		"-5":                             "is not a rate",
		"100, 200":                       "has no end",
		"100 for soon":                   "is not a duration",
		"100 for 0s":                     "is not a duration",
		"1000000":                        "is not one from 0",
		"100 for 11m":                    "10m0s at most",
		"1 for 6m, 1 for 6m":             "10m0s at most",
		"100 to 200":                     "is not a rate",
		strings.Repeat("1 for 1s,", 200): "at most 100 phases",
	} {
		if schedule, err := load.ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, schedule, err, want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"500", "100 for 2s", "100 to 500 over 3s", "0 to 1 over 1ns, 5", "0.5 for 1m, 100000", "1 for 1s,", "9e9 for 1s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := load.ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := load.ParseSchedule(schedule.String())
		if err != nil || again.String() != schedule.String() {
			t.Fatalf("%q is written as %q, which is read as %q (%v)", text, schedule, again, err)
		}
		last := time.Duration(0)
		for number := range uint64(2000) {
			due, ok := schedule.At(number)
			if !ok {
				break
			}
			if due < last-time.Microsecond {
				t.Fatalf("%q: request %d is due at %v, before the one before, at %v", text, number, due, last)
			}
			last = due
		}
	})
}
