//go:build !linux

package main

import "syscall"

// runInternal returns false: there are no embedded clusters without Linux.
func runInternal([]string) (code int, done bool) { return 0, false }

// redirect makes a file descriptor refer to the file of another.
func redirect(from, to int) error { return syscall.Dup2(to, from) }
