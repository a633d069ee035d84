package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPublishedReportIsOneRun: the page, its plots and the rows of the README
// are what one run has found, and a goal that was missed is explained.
func TestPublishedReportIsOneRun(t *testing.T) {
	const docs, remedy = "../docs", "; run make bench-page"
	r, err := readReport(filepath.Join(docs, "benchmarks.json"))
	if err != nil {
		t.Fatal(err)
	}
	page := readFile(t, filepath.Join(docs, "benchmarks.md"))
	if r.page(page) != page {
		t.Errorf("docs/benchmarks.md is not what benchmarks.json says%s", remedy)
	}
	for name, want := range r.images() {
		if readFile(t, filepath.Join(docs, "images", name)) != want {
			t.Errorf("docs/images/%s is not what benchmarks.json says%s", name, remedy)
		}
	}
	readme := readFile(t, "../README.md")
	switch want, err := r.putRows(readme); {
	case err != nil:
		t.Error("README.md:", err)
	case want != readme:
		t.Errorf("the rows in README.md are not those of benchmarks.json%s", remedy)
	}

	_, notes, _ := strings.Cut(page, notesBegin)
	notes, _, _ = strings.Cut(notes, notesEnd)
	explained := func(figure, words string) {
		t.Helper()
		if !strings.Contains(notes, "`"+figure+"`") {
			t.Errorf("%s missed its goal, %s: docs/benchmarks.md does not say why; write `%s` and what limits it between the marks there",
				figure, words, figure)
		}
	}
	for _, f := range r.Findings {
		if v, words := judge(f, r.first(), r.last()); v == missed {
			explained(f.Figure, words)
		}
	}
	for _, g := range r.growths() {
		if e, known := g.exponent(r.first()); known && growthVerdict(e) == missed {
			explained(g.figure, "to grow in proportion")
		}
	}
}
