// Package access has the policies that restrict access: by address, User-Agent or Referer, password, client certificate, and by
// the answer of an external server. They fail closed: a policy that can't be set up does not compile, and package runtime denies
// its route; if a check can't be made, the request is answered with an error.
//
// The order in which they run is that of nginx: what is blocked is refused before anything else is answered, the others
// run in the stage Authorizing. Without Any, all of them must let a request pass.
package access
