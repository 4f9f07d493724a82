// Package runtime compiles a route.Table for serving requests, and has the state that is kept when a table is replaced: the turns
// of upstreams, connection pools, metrics series.
//
// A Table is immutable except for counters, and replaced as a whole: a request uses one from its beginning to its end. The cost
// of an update depends on what it changes. Hosts that stay the same are not compiled again, and neither are upstreams; routes refer
// to upstreams by slots, so that a change of endpoints makes a new table from the old hosts.
package runtime
