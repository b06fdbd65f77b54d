package native

// permits are the anomalies that a world's configuration does not promise the absence
// of, as docs/anomalies.md says under "Forfeited by". All else is promised.
func (c *Config) permits() map[string]bool {
	may := map[string]bool{}
	for _, cl := range c.Clients {
		if cl.Group != "" && cl.Commit != commitTxn && cl.Commit != commitBefore {
			may["duplicate-output"] = true // at least once
		}
	}
	return may
}
