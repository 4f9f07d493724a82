// Package ext stands in for the module of that name, in which other editions of Traefik add fields to its configuration. Traefik's own
// repository replaces it by a folder that its published module doesn't have.
package ext

// HTTP has no further fields of the HTTP configuration.
type HTTP struct{}

// Router has no further fields of a router.
type Router struct{}
