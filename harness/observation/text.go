package observation

import (
	"fmt"
	"strings"
)

func join(c Captured) string {
	if c.Dropped == 0 {
		return string(c.Head) + string(c.Tail)
	}
	var b strings.Builder
	b.Write(c.Head)
	if len(c.Head) > 0 && c.Head[len(c.Head)-1] != '\n' {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "[… %d bytes not kept …]\n", c.Dropped)
	b.Write(c.Tail)
	return b.String()
}
