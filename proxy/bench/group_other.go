//go:build !linux

package main

import "syscall"

// ownGroup starts a process in a group of its own. It outlives a benchmark that is killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
