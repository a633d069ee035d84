package config

import "slices"

// table is an ordered set of names with their values. The zero table is empty.
//
// Sections and scopes have a handful of names, which are found faster by
// looking at each than by a map, and without the memory of one for each
// section; larger ones get an index.
type table[V any] struct {
	entries []entry[V]
	index   map[string]int // into entries; nil while these are few
}

type entry[V any] struct {
	name  string
	value V
}

// fewNames is how many names are looked through one by one.
const fewNames = 24

// find returns the name's place, or -1.
func (t *table[V]) find(name string) int {
	if t.index != nil {
		if at, ok := t.index[name]; ok {
			return at
		}
		return -1
	}
	for i := range t.entries {
		if t.entries[i].name == name {
			return i
		}
	}
	return -1
}

// get returns the name's value.
func (t *table[V]) get(name string) (value V, ok bool) {
	at := t.find(name)
	if at < 0 {
		return value, false
	}
	return t.entries[at].value, true
}

// has tells whether the name has a value.
func (t *table[V]) has(name string) bool { return t.find(name) >= 0 }

// set gives the name a value. A new one comes last.
func (t *table[V]) set(name string, value V) {
	if at := t.find(name); at >= 0 {
		t.entries[at].value = value
		return
	}
	t.entries = append(t.entries, entry[V]{name, value})
	switch {
	case t.index != nil:
		t.index[name] = len(t.entries) - 1
	case len(t.entries) > fewNames:
		t.reindex()
	}
}

// removeAll takes out the names for which gone says so.
func (t *table[V]) removeAll(gone func(name string) bool) {
	before := len(t.entries)
	t.entries = slices.DeleteFunc(t.entries, func(e entry[V]) bool { return gone(e.name) })
	if len(t.entries) < before && t.index != nil {
		t.reindex()
	}
}

// clear empties the table, whose memory serves the next names.
func (t *table[V]) clear() {
	clear(t.entries)
	t.entries, t.index = t.entries[:0], nil
}

// reindex makes the index of the names.
func (t *table[V]) reindex() {
	t.index = make(map[string]int, 2*len(t.entries))
	for i := range t.entries {
		t.index[t.entries[i].name] = i
	}
}
