package chars

import "testing"

func TestWhole(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"", 0}, {"a", 0}, {"é", 0}, {"€", 0}, {"😀", 0},
		{"é"[:1], 1}, {"€"[:1], 1}, {"€"[:2], 2}, {"😀"[:3], 3}, {"a😀"[:2], 1},
		{"\xff", 0}, {"\x80", 0}, {"\x80\x80\x80\x80", 0}, {"a\xe9 ", 0},
	}
	for _, tt := range tests {
		if got := len(tt.text) - Whole([]byte(tt.text)); got != tt.want {
			t.Errorf("Whole(%q) leaves %d bytes, want %d", tt.text, got, tt.want)
		}
	}
}
