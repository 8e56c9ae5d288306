package observation

import "time"

// Acknowledged is what became of the work that the target said it had done.
type Acknowledged struct {
	// Said is how many records were acknowledged by a whole line, and Certain how many of
	// these by the main process before its end, or by anybody while it lived: the rest may
	// have been in flight, and counts neither as kept nor as lost.
	Said    int `json:"said"`
	Certain int `json:"certain"`
	// Found is how many of the acknowledged records are there and whole.
	Found int `json:"found"`
	// Lost, Duplicated, Torn and Misplaced count certain records that are not there, there
	// more than once, there in part, or out of order.
	Lost       int `json:"lost,omitempty"`
	Duplicated int `json:"duplicated,omitempty"`
	Torn       int `json:"torn,omitempty"`
	Misplaced  int `json:"misplaced,omitempty"`
	// First are the first of each kind, with when they were acknowledged.
	First []Record `json:"first,omitempty"`
	// Unknown says why nothing can be said: the file cannot be read, the command failed.
	Unknown string `json:"unknown,omitempty"`
}

// Record is one acknowledged record.
type Record struct {
	// Fate is lost, duplicated, torn or misplaced.
	Fate string        `json:"fate"`
	ID   string        `json:"id"`
	At   time.Duration `json:"at_ns"`
	// Where says where it was found, or where it should be.
	Where string `json:"where,omitempty"`
}

// Restart is how the target started again in the folder that the stop left.
type Restart struct {
	// With is alone, or survivors where what outlived the first one was still alive.
	With string `json:"with"`
	// Ready says that it became ready, After how long that took, First how long a first
	// start takes, and Bound how long it might take.
	Ready bool          `json:"ready"`
	After time.Duration `json:"after_ns,omitempty"`
	First time.Duration `json:"first_ns,omitempty"`
	Bound time.Duration `json:"bound_ns,omitempty"`
	// Cause is why not, as its output and the folder tell: stale-lock, stale-pid,
	// stale-socket, damaged-state, port-in-use, slow, exited or unknown.
	Cause string `json:"cause,omitempty"`
	// Status is the raw wait status where it left, and Output the end of what it printed.
	Status *uint32  `json:"status,omitempty"`
	Output []string `json:"output,omitempty"`
	// Unknown says why nothing can be said.
	Unknown string `json:"unknown,omitempty"`
}

// Lost is what a trial lost, to be held against that of another: a smaller one lost less.
type Lost struct {
	// Damaged counts files that an oracle calls damaged or missing, Records acknowledged
	// records that are lost, torn or duplicated.
	Damaged int `json:"damaged"`
	Records int `json:"records"`
	// NoRestart says that the target did not start again.
	NoRestart bool `json:"no_restart,omitempty"`
}

// Compared is the same shot with KILL, beside this trial.
type Compared struct {
	// Struck says that KILL came at the same point.
	Struck bool `json:"struck"`
	// Own is what this trial lost, Kill what KILL lost.
	Own  Lost `json:"own"`
	Kill Lost `json:"kill"`
	// Unknown says why nothing can be said.
	Unknown string `json:"unknown,omitempty"`
}
