package settings

import (
	"regexp"
)

// secret are words of a name whose value is never printed.
var secret = regexp.MustCompile(`(?i)password|secret|jaas|credential|token|passphrase|user\.?info|private\.?key|keystore\.key|key\.pem|ssl[._]key$|api\.?key`)

// userinfo is a name and password within an address.
var userinfo = regexp.MustCompile(`://[^/@\s]+@`)

// Mask is a value of the name as it may be printed.
func Mask(name, value string) string {
	if secret.MatchString(name) && value != "" {
		return "(hidden)"
	}
	return userinfo.ReplaceAllString(value, "://(hidden)@")
}
