module github.com/onceproof/onceproof/clients/confluent-kafka-go

go 1.26.8

require (
	github.com/confluentinc/confluent-kafka-go/v2 v2.15.1
	github.com/onceproof/onceproof v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/onceproof/onceproof => ../..
