//go:build tools

// Package tools pins the programs of the rehearsal; go.mod lists them as tools.
package tools
