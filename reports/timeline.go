package reports

// Timeline is a run in a few hundred kilobytes, whatever its length.
type Timeline struct {
	Duration int64 `json:"duration"` // ns
}
