package signals

import (
	"fmt"
	"slices"
)

// Delivery says to whom a signal goes.
type Delivery string

// The four deliveries.
const (
	// ToProcess sends to the target's main process alone, as a service manager's
	// "kill main process" or a plain kill does.
	ToProcess Delivery = "process"
	// ToGroup sends to the target's process group, as a shell's kill %1 does.
	ToGroup Delivery = "group"
	// ToSession sends to every process of the target's session, one by one.
	ToSession Delivery = "session"
	// ToTTY types the key that stands for the signal into a real terminal that the
	// target runs on: Ctrl-C for INT, Ctrl-\ for QUIT, Ctrl-Z for TSTP; HUP hangs
	// the terminal up, WINCH resizes it. Other signals have no key.
	ToTTY Delivery = "tty"
)

// Deliveries lists them all, in the order of their reach.
var Deliveries = []Delivery{ToProcess, ToGroup, ToSession, ToTTY}

// ParseDelivery reads one of [Deliveries].
func ParseDelivery(text string) (Delivery, error) {
	if d := Delivery(text); slices.Contains(Deliveries, d) {
		return d, nil
	}
	return "", fmt.Errorf("%q is no delivery; write process, group, session or tty", text)
}

// UnmarshalText reads what [ParseDelivery] reads.
func (d *Delivery) UnmarshalText(text []byte) error {
	parsed, err := ParseDelivery(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// Typable lists the signals that [ToTTY] can deliver.
var Typable = []Signal{INT, QUIT, TSTP, HUP, WINCH}

// Untypable lists the signals of the schedule that [ToTTY] cannot deliver, each once.
// KILL is not among them: it goes to the process whatever the delivery.
func (s Schedule) Untypable() []Signal {
	var none []Signal
	for _, step := range s.Steps {
		if step.Signal != KILL && !slices.Contains(Typable, step.Signal) && !slices.Contains(none, step.Signal) {
			none = append(none, step.Signal)
		}
	}
	return none
}
