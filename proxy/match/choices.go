package match

import (
	"slices"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// choices are the values of one path. At most one has no conditions; it serves what the others do not match.
type choices[T any] struct {
	conditional []conditional[T] // most specific first
	otherwise   *T
}

type conditional[T any] struct {
	conditions *conditions
	value      T
}

// add keeps the order of equally specific values.
func (c *choices[T]) add(conditions *conditions, value T) error {
	if conditions == nil {
		if c.otherwise != nil {
			return ErrDuplicate
		}
		c.otherwise = &value
		return nil
	}
	at := len(c.conditional)
	for i := range c.conditional {
		other := c.conditional[i].conditions
		if other.equal(conditions) {
			return ErrDuplicate
		}
		if at == len(c.conditional) && other.compare(conditions) < 0 {
			at = i
		}
	}
	c.conditional = slices.Insert(c.conditional, at, conditional[T]{conditions, value})
	return nil
}

// find returns the first value whose conditions the request satisfies.
func (c *choices[T]) find(r *message.Request) (value T, found bool) {
	for i := range c.conditional {
		if c.conditional[i].conditions.meets(r) {
			return c.conditional[i].value, true
		}
	}
	if c.otherwise == nil {
		return value, false
	}
	return *c.otherwise, true
}
