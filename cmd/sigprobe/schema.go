package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

func newSchema(std streams) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of a scenario file",
		Example: "  sigprobe schema > sigprobe.schema.json",
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			schema, err := scenario.Schema()
			if err == nil {
				_, err = std.out.Write(schema)
			}
			if err != nil && !readerGone(err) {
				return broken(fmt.Errorf("print the schema: %w", err))
			}
			return nil
		},
	}
}
