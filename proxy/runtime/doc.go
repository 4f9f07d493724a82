// Package runtime compiles a route.Table to what requests are served by, and keeps what outlives a table: the turns of
// upstreams, connection pools, metrics series.
//
// A Table is immutable but for counters, and swapped as a whole: a request uses one from its beginning to its end. An
// update costs what it changes. Hosts that stay the same are not compiled again, and neither are upstreams; routes refer
// to upstreams by slots, so that a change of endpoints makes a new table out of the old hosts.
package runtime
