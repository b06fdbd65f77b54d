module github.com/onceproof/onceproof/clients/kafka-go

go 1.26.8

require (
	github.com/onceproof/onceproof v0.0.0
	github.com/segmentio/kafka-go v0.4.51
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/onceproof/onceproof => ../..
