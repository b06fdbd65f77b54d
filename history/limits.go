package history

// Limits of one line. They bound what a hostile or broken history can cost: a
// range of ten bytes may stand for this many records and no more.
const (
	MaxLine    = 16 << 20 // bytes of one line
	MaxRecords = 1 << 18  // records (offsets, keys, values, inputs) of one event
	maxDepth   = 32       // nesting of data
)
