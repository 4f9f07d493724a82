// Package access has the policies that keep clients out: by address, by what they say they are, by password, by a
// certificate, and by the word of an external server. They fail closed: a policy that can't be set up does not compile,
// and package runtime denies its route; a check that can't be made answers with an error.
//
// The order in which they run is that of nginx: what is blocked is refused before anything else is answered, the others
// run in the stage Authorizing. Without Any, all of them must let a request pass.
package access
