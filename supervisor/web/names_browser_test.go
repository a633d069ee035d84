package web

import "testing"

// TestNamesAreNoMarkupInARealBrowser gives everything that has a name one that
// would be markup, and looks at each page for what would have come of it.
func TestNamesAreNoMarkupInARealBrowser(t *testing.T) {
	t.Parallel()
	d := programs("[supervisord]\nidentifier=<img\tsrc=x\tonerror=document.title='owned'>\n" +
		"[program:<svg\tonload=document.title='owned'>]\ncommand=/bin/cat\nstartsecs=0\n" +
		"[program:\"'><u>x]\ncommand=/nonexistent/<script>document.title='owned'<\\script>\nstartretries=0\n" +
		"[group:<b>g]\nprograms=\"'><u>x\n[program:javascript%%3aalert(1)]\ncommand=/bin/cat\nstartsecs=0\n").run(t)
	for _, path := range []string{"/", "/log.html", "/tail.html?processname=%3Csvg%09onload%3Ddocument.title%3D'owned'%3E", "/?message=%3Cu%3Ex"} {
		b := open(t, d, path)
		b.shows(`document.readyState === "complete"`)
		if path == "/" {
			b.connected()
			b.shows(`document.querySelectorAll("tr.program").length === 3`)
		}
		if n := eval[int](b, `document.querySelectorAll("main u, main b:not(.side b), main img, main script, body > img, .brand img, svg[onload], a[href^='javascript:']").length`); n != 0 {
			t.Errorf("%s: %d elements came of names", path, n)
		}
		if title := eval[string](b, `document.title`); title == "owned" {
			t.Errorf("%s: a name was carried out", path)
		}
	}
}
