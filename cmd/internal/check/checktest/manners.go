package checktest

import (
	"reflect"
	"testing"
)

// Manners checks that an option of superlance's means the same in each way in
// which Python's getopt and optparse let it be written: glued and apart, with =,
// and abbreviated. read returns the options that a command line stands for. Each
// option is its letter, its long name, that in short, and a value, which is empty
// for one that takes none.
func Manners[T any](t *testing.T, read func(args ...string) (T, error), options [][4]string) {
	t.Helper()
	without, err := read()
	if err != nil {
		t.Fatalf("options without arguments: %v", err)
	}
	for _, o := range options {
		letter, long, abbreviated, value := "-"+o[0], "--"+o[1], "--"+o[2], o[3]
		forms := [][]string{{letter}, {long}, {abbreviated}}
		if value != "" {
			forms = [][]string{
				{letter + value}, {letter, value}, {long, value}, {long + "=" + value}, {abbreviated, value}, {abbreviated + "=" + value},
			}
		}
		want, err := read(forms[0]...)
		if err != nil || reflect.DeepEqual(want, without) {
			t.Errorf("%q = %+v, %v; want that it means something", forms[0], want, err)
		}
		for _, form := range forms[1:] {
			if got, err := read(form...); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q = %+v, %v; want what %q is, %+v", form, got, err, forms[0], want)
			}
		}
	}
}
