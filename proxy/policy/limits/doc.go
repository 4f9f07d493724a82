// Package limits has the policies that limit how often and how fast one client may send requests. What they count
// outlives tables. Their memory is bounded.
package limits
