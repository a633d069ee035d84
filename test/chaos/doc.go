// Package chaos breaks things around a running supervisord, from outside, and
// counts what is lost or leaked: there must be nothing. It decides which faults
// are tried, and what must still hold afterwards; it never looks into the
// daemon but by what any user can see: /proc, the log, XML-RPC and /metrics.
//
// Its tests are for Linux. Without flags they take about a minute; with
// -duration, each fault is kept up for its share of that time.
package chaos
