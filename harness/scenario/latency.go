package scenario

// Budget is the bound of one quantile of a [LatencyBudget].
type Budget struct {
	// Name is the field: p50, p95, p99 or max.
	Name string
	// Share is the part of the trials that keep to the bound.
	Share float64
	Most  Duration
}

// Budgets lists the bounds that are set, from the median up; none of a nil budget.
func (b *LatencyBudget) Budgets() (list []Budget) {
	if b == nil {
		return nil
	}
	for _, q := range []struct {
		name  string
		share float64
		most  *Duration
	}{{"p50", 0.50, b.P50}, {"p95", 0.95, b.P95}, {"p99", 0.99, b.P99}, {"max", 1, b.Max}} {
		if q.most != nil {
			list = append(list, Budget{q.name, q.share, *q.most})
		}
	}
	return list
}

// latency refuses budgets that cannot be kept, or that a wider one makes idle.
func (c *collector) latency(b *LatencyBudget) {
	budgets := b.Budgets()
	if b != nil && len(budgets) == 0 {
		c.add("expect.latency", "no quantile is bounded; write one such as {p99: 800ms}, or leave latency out")
	}
	for i, q := range budgets {
		path := "expect.latency." + q.Name
		c.time(path, q.Most)
		if q.Most == 0 {
			c.add(path, "0s cannot be kept; write more, or leave it out")
		}
		if i > 0 && q.Most < budgets[i-1].Most {
			c.add(path, "%s is less than the %s of %s, which could never be reached; write as much or more", q.Most, budgets[i-1].Most, budgets[i-1].Name)
		}
	}
}
