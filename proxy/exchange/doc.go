// Package exchange serves one request and its reply: it finds the route, runs its policies, sends the request to
// endpoints until one of them replies, and relays the reply.
//
// It is the only package that connects both sides, and is independent of their protocols: the client is a
// downstream.Client, an endpoint a pool of package upstream. What a route does beside forwarding is in package policy,
// what is compiled of a table in package runtime.
//
//	Serve → identify (forwarded) → runtime.Table.Find → policy.Chain.Request → runtime.Table.Select
//	      → forward (one loop of attempts) → upstream.Pool.RoundTrip → policy.Chain.Reply → relay | tunnel
//	      → record (metrics, access log)
package exchange
