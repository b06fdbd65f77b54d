// Package onceproof carries the sources of the client libraries' workers, so that
// `onceproof clients build` can build them on a machine that has no checkout. The
// program itself is cmd/onceproof; what others may import is in history, checker,
// guarantee and worker/roles.
package onceproof

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// What workers are built from: their own folders, and the packages of this module that
// workers written in Go import. New files of these folders are matched by the patterns;
// a test fails on one that is not.
//
//go:embed go.mod go.sum guarantee/*.go history/*.go internal/network/*.go worker/*.go worker/roles/*.go
//go:embed clients/build-* clients/node clients/python/*.py clients/franz-go/build clients/franz-go/*.go clients/franz-go/worker/*.go
//go:embed clients/java/build clients/java/pom.xml clients/java/src
//go:embed clients/rdkafka/build clients/rdkafka/build.rs clients/rdkafka/Cargo.toml clients/rdkafka/Cargo.lock clients/rdkafka/src
//go:embed clients/aiokafka/build clients/aiokafka/requirements.txt clients/aiokafka/worker.py
//go:embed clients/confluent-kafka/build clients/confluent-kafka/requirements.txt clients/confluent-kafka/worker.py
//go:embed clients/kafka-python/build clients/kafka-python/requirements.txt clients/kafka-python/worker.py
//go:embed clients/kafkajs/build clients/kafkajs/*.json clients/kafkajs/worker.mjs
//go:embed clients/@confluentinc/kafka-javascript/build clients/@confluentinc/kafka-javascript/*.json
//go:embed clients/@confluentinc/kafka-javascript/worker.mjs
//go:embed clients/@platformatic/kafka/build clients/@platformatic/kafka/*.json clients/@platformatic/kafka/worker.mjs
var sources embed.FS

// modules has the workers that are Go modules of their own: go:embed does not reach
// into another module. `make sources` packs it; a test compares it with the folders.
//
//go:embed clients/modules.zip
var modules []byte

// WorkerSources returns the content of each file that workers are built from, by its
// path in this repository with slashes. Tests are left out.
func WorkerSources() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files[path], err = sources.ReadFile(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the workers' sources: %w", err)
	}
	packed, err := zip.NewReader(bytes.NewReader(modules), int64(len(modules)))
	if err != nil {
		return nil, fmt.Errorf("read the workers' sources: %w", err)
	}
	for _, f := range packed.File {
		if files[f.Name], err = unpack(f); err != nil {
			return nil, fmt.Errorf("read the workers' sources: %s: %w", f.Name, err)
		}
	}
	return files, nil
}

func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
