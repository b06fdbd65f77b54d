//go:build synctests

package faketime

const tagged = true
