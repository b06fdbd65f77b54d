package native

// permits are the anomalies that a world's configuration does not promise the absence
// of, as docs/anomalies.md says under "Forfeited by". All else is promised.
func (c *Config) permits() map[string]bool {
	may := map[string]bool{}
	for _, cl := range c.Clients {
		if cl.Group == "" || cl.Commit == commitTxn {
			continue
		}
		if cl.Commit != commitBefore {
			may["duplicate-output"] = true // at least once
		}
		if cl.Commit == commitBefore || cl.Commit == commitAuto {
			may["lost-input"] = true // at most once
		}
		if !cl.Committed { // it reads what is open, and what is aborted later
			for _, kind := range []string{"aborted-read", "dirty-read", "intermediate-read", "read-above-lso", "lost-input"} {
				may[kind] = true
			}
		}
	}
	return may
}
