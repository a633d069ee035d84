// Package checktest has what the tests of httpok, memmon and oommon share: a
// supervisord of their own making, which has the processes that a test says, and
// real ones.
package checktest
