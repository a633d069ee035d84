package web

import (
	"encoding/json"
	"testing"
)

func TestASlowBrowserGetsTheWholePictureAgain(t *testing.T) {
	h := newHub(nil)
	h.rows = map[string]row{"cat": {Name: "cat", Group: "cat", State: "RUNNING", PID: 7}}
	h.order = []string{"cat"}
	slow, quick := &client{out: make(chan message, clientRoom)}, &client{out: make(chan message, clientRoom)}
	h.clients[slow], h.clients[quick] = struct{}{}, struct{}{}
	for range clientRoom + 3 {
		h.broadcast("event", happening{Text: "something"})
		<-quick.out
	}
	if !slow.behind.Load() || quick.behind.Load() {
		t.Errorf("behind: the slow browser %v, the quick one %v; want true, false", slow.behind.Load(), quick.behind.Load())
	}
	m := h.picture(slow, "token")
	var p picture
	if err := json.Unmarshal(m.data, &p); err != nil || m.event != "picture" {
		t.Fatalf("the picture is %q: %v", m.data, err)
	}
	if len(p.Rows) != 1 || p.Rows[0] != h.rows["cat"] || p.Lost != 3 || p.Token != "token" || p.Mood != "RUNNING" {
		t.Errorf("the picture is %+v, want cat, the token and 3 lost events", p)
	}
	if len(slow.out) != 0 || slow.behind.Load() {
		t.Errorf("after the picture %d old messages wait, behind %v; want none, false", len(slow.out), slow.behind.Load())
	}
}
