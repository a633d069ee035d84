package chat

import "sort"

// Chars returns the length of a text in UTF-16 units: the largest of the
// things that services mean by characters.
func Chars(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// Fit renders a text so that its size is at most limit. Where it is not, the
// beginning of the log goes first, then the end of the body; the text says
// that it was truncated. It fails to fit only where limit is less than
// everything else needs.
//
// render writes a body and a log; size measures what was rendered.
func (t Text) Fit(limit int, size func(string) int, render func(body, log string) string) string {
	out := render(t.Body, t.Log)
	if t.Log != "" {
		out = shrink(out, limit, size, len(t.Log), func(n int) string {
			return render(t.Body, cutStart(t.Log, n, t.Lang))
		})
		if size(out) > limit {
			t.Log = ""
			out = render(t.Body, "")
		}
	}
	return shrink(out, limit, size, len(t.Body), func(n int) string { return render(cutEnd(t.Body, n, t.Lang), t.Log) })
}

// shrink takes away as little as makes the rest fit, or else all there is.
func shrink(out string, limit int, size func(string) int, most int, without func(n int) string) string {
	if most == 0 || size(out) <= limit {
		return out
	}
	n := sort.Search(most, func(n int) bool { return size(without(n)) <= limit })
	return without(n)
}

// Bytes is the size of a text in bytes.
func Bytes(s string) int { return len(s) }
