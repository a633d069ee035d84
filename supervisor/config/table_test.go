package config

import (
	"fmt"
	"testing"
)

// TestTable holds tables of both kinds, with and without an index, to what a
// map and a list of the names say.
func TestTable(t *testing.T) {
	for _, count := range []int{1, fewNames, fewNames + 1, 4 * fewNames} {
		var table table[int]
		for round := range 2 { // the second one sets them anew
			for i := range count {
				table.set(fmt.Sprint("name", i), i+round)
			}
		}
		checkTable(t, &table, count, func(int) bool { return true })
		even := func(i int) bool { return i%2 == 0 }
		table.removeAll(func(name string) bool {
			var i int
			if _, err := fmt.Sscanf(name, "name%d", &i); err != nil {
				t.Fatal(err)
			}
			return !even(i)
		})
		checkTable(t, &table, count, even)
		if table.clear(); table.has("name0") || len(table.entries) != 0 {
			t.Errorf("a cleared table of %d has name0: %v, and %d entries, want none", count, table.has("name0"), len(table.entries))
		}
	}
}

// checkTable checks that the table has the names of the numbers below count
// that are in it, in their order.
func checkTable(t *testing.T, table *table[int], count int, in func(int) bool) {
	t.Helper()
	place := 0
	for i := range count {
		name := fmt.Sprint("name", i)
		got, ok := table.get(name)
		if ok != in(i) || ok && got != i+1 {
			t.Errorf("of %d, get(%q) = %d, %v, want %d, %v", count, name, got, ok, i+1, in(i))
		}
		if !in(i) {
			continue
		}
		if place >= len(table.entries) || table.entries[place].name != name {
			t.Fatalf("of %d, entry %d is not %q: %v", count, place, name, table.entries)
		}
		place++
	}
	if place != len(table.entries) {
		t.Errorf("a table of %d has %d entries, want %d", count, len(table.entries), place)
	}
}

// TestSubstituteAgrees holds the short way of expanding a text to the long one.
func TestSubstituteAgrees(t *testing.T) {
	vars := newNames()
	vars.set("a", textValue("A"))
	vars.set("n", numberValue(7))
	vars.set("(x)", textValue("X"))
	taken := 0
	for _, text := range []string{
		"%(a)s", "%(n)s", "x%(a)sy", "%(a)s%(n)s", "/%(a)s/%(n)s.log", "%(n)d", "%(n)02d", "%%", "%(a)", "%(a", "%(", "%",
		"%(b)s", "%((x))s", "%(a)s%s", "%(a)5s", "%()s", "é%(a)sé", "%(a)r", "100%", "%(a)s%",
	} {
		want, err := percentFormat(text, scope{vars})
		got, ok := substitute(text, scope{vars})
		if ok && (err != nil || got != want) {
			t.Errorf("substitute(%q) = %q, want %q, %v", text, got, want, err)
		}
		if ok {
			taken++
		}
	}
	const simple = 6 // those before the one with %d, and the one with é
	if taken != simple {
		t.Errorf("substitute took %d of the texts, want %d", taken, simple)
	}
}
