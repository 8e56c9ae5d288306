package warden

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

func TestTry(t *testing.T) {
	w, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%+v\n", w.Abilities)
	sched, _ := signals.ParseSchedule("TERM/1s/KILL")
	req := Request{
		Path: "/bin/sh", Args: []string{"sh", "-c", "echo hi; sleep 1000; echo x"}, Env: os.Environ(), Dir: "/",
		Shot:   plan.Shot{Schedule: sched, To: signals.ToProcess, Point: plan.Point{Time: &plan.TimePoint{From: "ready", After: 20 * time.Millisecond}}},
		Settle: 200 * time.Millisecond, Limit: time.Minute,
	}
	o, err := w.Run(context.Background(), req)
	b, _ := json.MarshalIndent(o, "", " ")
	fmt.Println(string(b), err)
	req.Path, req.Args = "/bin/sleep", []string{"sleep", "1000"}
	req.Shot.Point.Time.From, req.Shot.Point.Time.After = "launch", 0
	start := time.Now()
	for i := 0; i < 500; i++ {
		o, err = w.Run(context.Background(), req)
		if err != nil || o.Failure != nil {
			t.Fatal(err, o.Failure)
		}
	}
	b, _ = json.Marshal(o); fmt.Println(string(b)); fmt.Println(time.Since(start)/500)
	var lates []time.Duration
	for i := 0; i < 50; i++ {
		req.Shot.Point.Time.After = time.Duration(1000+i*79) * time.Microsecond
		o, err = w.Run(context.Background(), req)
		lates = append(lates, o.Strike.Late())
	}
	fmt.Println(lates)
	fmt.Println(w.Close())
}

var _ = scenario.FromReady
