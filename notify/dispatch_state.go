package notify

import "encoding/json"

// saved is what a Store keeps, with the times that the system's clock tells.
type saved struct {
	Targets map[string]*lane `json:"targets,omitempty"`
	Pacer   PacerState       `json:"pacer"`
}

func (r *dispatch) load() {
	if r.Store == nil {
		return
	}
	data, err := r.Store.Load()
	var s saved
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		r.log.Warn("cannot read when messages were sent; beginning anew", "err", err)
		return
	}
	now := r.clock.now()
	for to, l := range s.Targets {
		r.lane(to).lane = *l.each(now.past)
	}
	if r.pacer != nil {
		r.pacer.Restore(s.Pacer)
	}
}

func (r *dispatch) save() {
	if r.Store == nil {
		return
	}
	now := r.clock.now()
	s := saved{Targets: make(map[string]*lane)}
	for to, l := range r.lanes {
		s.Targets[to] = l.each(now.tell)
	}
	if r.pacer != nil {
		// With one more message, which is about to be sent.
		s.Pacer = r.pacer.limits.take(r.pacer.State(), now.system)
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = r.Store.Save(data)
	}
	if err != nil && !r.unsaved {
		r.log.Warn("cannot save when messages were sent; after a restart more may be sent than allowed", "err", err)
	}
	r.unsaved = err != nil
}
