package process

import "strings"

// isVersion says whether a hello's version, "2.16.1 (librdkafka 2.16.1)", is the
// one that was asked for. Some registries write a v before it, some do not.
func isVersion(told, asked string) bool {
	told, _, _ = strings.Cut(told, " ")
	return asked == "" || strings.TrimPrefix(told, "v") == strings.TrimPrefix(asked, "v")
}
