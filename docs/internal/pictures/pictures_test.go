package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every tool's page shows its message, in a picture that is there and small.
func TestEveryPictureIsShown(t *testing.T) {
	pages, err := filepath.Glob("../../tools/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages of tools = %q, %v; want some", pages, err)
	}
	var shown strings.Builder
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	for _, p := range portraits() {
		name := "message-" + p.name + ".png"
		info, err := os.Stat(filepath.Join("../../images", name))
		if err != nil || info.Size() > mostBytes {
			t.Errorf("Stat(%s) = %v, %v; want a picture of at most %d bytes", name, info, err, mostBytes)
		}
		if !strings.Contains(shown.String(), "../images/"+name) {
			t.Errorf("no page of docs/tools shows %s", name)
		}
	}
}

func TestMarkupShowsWhatTheServicesWould(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"#### a \\*b\\* <c>", "<h4>a *b* &lt;c&gt;</h4>"},
		{"**bold** and ********", "<div><b>bold</b> and ********</div>"},
		{`**<font color="warning">x</font>** <@zhang>`, `<div><b><span class="warning">x</span></b> <span class="mention">@zhang</span></div>`},
		{"> a\n> b", "<blockquote>a</blockquote><blockquote>b</blockquote>"},
		{"```\n<x> & **y**\n```", "<pre>&lt;x&gt; &amp; **y**\n</pre>"},
		{"a  \n\n<script>", `<div>a</div><div class="gap"></div><div>&lt;script&gt;</div>`},
	} {
		if got := markdown(tt.in); string(got) != tt.want {
			t.Errorf("markdown(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
	if got, want := mrkdwn("*a &lt;b&gt;*\n```\n&amp;\n```"), "<div><b>a &lt;b&gt;</b></div><pre>&amp;\n</pre>"; string(got) != want {
		t.Errorf("mrkdwn = %s, want %s", got, want)
	}
}
