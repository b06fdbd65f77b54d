package checker

// permitted is the configuration line that forfeits a guarantee that was found
// violated, "" if the configuration promised it.
func (j *judge) permitted(g Guarantee, found []Finding) string {
	for _, f := range found {
		for _, w := range f.Witnesses {
			if w.Forfeit != "" {
				return w.Forfeit
			}
		}
	}
	return ""
}

// forfeit is the line of a client's configuration that forfeits the promise
// that an anomaly breaks.
func (j *judge) forfeit(g Guarantee, kind Anomaly, client string) string { return "" }
