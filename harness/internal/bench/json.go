package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
)

// writeJSON writes all measurements to a file. It is for programs to read, so every
// bound also says whether it was met.
func writeJSON(path string, r Result) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("encode the measurements: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the measurements: %w", err)
	}
	return nil
}

// MarshalJSON adds whether the bound was met. JSON has no word for what is not a
// number; null stands for it.
func (b Bound) MarshalJSON() ([]byte, error) {
	type plain Bound
	value := &b.Value
	if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
		value, b.Value = nil, 0
	}
	return json.Marshal(struct {
		plain
		Value *float64 `json:"value"`
		Met   bool     `json:"met"`
	}{plain(b), value, value != nil && b.Met()})
}
