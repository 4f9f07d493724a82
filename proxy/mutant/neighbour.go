package mutant

import "github.com/ingress-testbed/testbed/proxy/route"

// position is the place of a route in a table.
type position struct{ host, route int }

// toNeighbours calls give with each route of the table and its neighbour as they were before. Neighbour is changed.
func toNeighbours(give func(from route.Route, neighbour *route.Route)) func(*route.Table) {
	return func(table *route.Table) {
		before := clone(table)
		for i, host := range before.Hosts {
			for k, from := range host.Routes {
				if at, found := neighbourOf(before, position{i, k}); found {
					give(from, &table.Hosts[at.host].Routes[at.route])
				}
			}
		}
	}
}

// neighbourOf returns the next route of the host, or the first one of the next host; after the last comes the first. A
// route that is alone has none.
func neighbourOf(table *route.Table, of position) (position, bool) {
	if count := len(table.Hosts[of.host].Routes); count > 1 {
		return position{of.host, (of.route + 1) % count}, true
	}
	for i := range len(table.Hosts) - 1 {
		next := (of.host + 1 + i) % len(table.Hosts)
		if len(table.Hosts[next].Routes) > 0 {
			return position{next, 0}, true
		}
	}
	return position{}, false
}
