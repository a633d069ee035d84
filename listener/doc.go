// Package listener is the event-listener protocol of Supervisor: its wire
// format for both ends, and the server loop that listeners are written with.
//
// A listener is a program that a supervisord runs from an [eventlistener:x]
// section. It gets events on stdin and answers on stdout. Serve does all of
// that; the program brings a Handler:
//
//	func main() {
//		err := listener.Serve(context.Background(), func(_ context.Context, ev listener.Event) error {
//			p, ok := ev.Body.(listener.ProcessState)
//			if ok && p.EventType == listener.ProcessStateExited && !p.Expected {
//				slog.Warn("a program crashed", "group", p.GroupName, "process", p.ProcessName)
//			}
//			return nil
//		})
//		if err != nil {
//			slog.Error("listener ended", "error", err)
//			os.Exit(1)
//		}
//	}
//
// It runs under this project's supervisord and under Python's Supervisor alike.
//
// The package decides what bytes go over the wire and when a listener says
// READY, OK and FAIL. It never decides which listener gets an event, keeps no
// events, and talks to the daemon in no way but stdin and stdout. It imports
// the standard library only.
//
// # The unit of the len token
//
// A header's len token counts characters (Unicode code points) of the payload,
// which is sent as UTF-8. See [PayloadLen] for why, and for what listeners that
// count bytes see.
package listener
