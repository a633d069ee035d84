package notify_test

import (
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	for _, tt := range []struct{ hours, now, end string }{
		{"22:00-07:00", "2026-11-22 21:59:59", ""},
		{"22:00-07:00", "2026-11-22 22:00:00", "2026-11-23 07:00:00"},
		{"22:00-07:00", "2026-11-23 06:59:59", "2026-11-23 07:00:00"},
		{"22:00-07:00", "2026-11-23 07:00:00", ""},
		{"12:00-13:30", "2026-11-22 13:00:00", "2026-11-22 13:30:00"},
		{"12:00-13:30", "2026-11-22 13:30:00", ""},
		{"22:00-07:00", "2026-10-25 01:00:00", "2026-10-25 07:00:00"}, // an hour longer
		{"23:00-00:00", "2026-12-31 23:30:00", "2027-01-01 00:00:00"},
	} {
		q, err := notify.ParseQuiet(tt.hours)
		if err != nil {
			t.Errorf("ParseQuiet(%q) = %v", tt.hours, err)
		}
		now, err := time.ParseInLocation(time.DateTime, tt.now, berlin)
		if err != nil {
			t.Fatal(err)
		}
		end, quiet := q.End(now)
		got := ""
		if quiet {
			got = end.Format(time.DateTime)
		}
		if got != tt.end {
			t.Errorf("%s: End(%s) = %q, want %q", tt.hours, tt.now, got, tt.end)
		}
	}
	for _, bad := range []string{"", "22-7", "22:00", "25:00-07:00", "07:00-07:00", "22:00-07:00-08:00"} {
		if q, err := notify.ParseQuiet(bad); err == nil {
			t.Errorf("ParseQuiet(%q) = %v, want an error", bad, q)
		}
	}
}
