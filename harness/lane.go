package harness

import (
	"context"
	"errors"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// lane is a warden and how it lately did. It belongs to who has taken it.
type lane struct {
	// w is nil for a warden that is yet to be started, or that died and is to be replaced.
	w *warden.Warden
	// took is how long the last trial took, and ended when it did; 0 before the first.
	took  time.Duration
	ended time.Time
}

// shortTrial is how long trials take at the most for the next one to be asked for while
// one runs. What two processes take to wake each other up counts in short trials alone;
// a long one that is asked for early would have to be waited for when the campaign is to
// end.
const shortTrial = 20 * time.Millisecond

// mayWait says that a trial may wait behind the one that runs: the last one was short,
// and the warden that will be asked for more is the one that was asked for this.
func (l *lane) mayWait(f *flight) bool {
	return l.took > 0 && l.took < shortTrial && f.w == l.w
}

// start starts a warden where there is none.
func (l *lane) start() (err error) {
	if l.w == nil {
		l.w, err = warden.Start()
	}
	return err
}

func (l *lane) abilities() (warden.Abilities, error) {
	if err := l.start(); err != nil {
		return warden.Abilities{}, err
	}
	return l.w.Abilities, nil
}

// flight is a trial that a lane's warden was asked for.
type flight struct {
	l       *lane
	w       *warden.Warden // who was asked
	ctx     context.Context
	request warden.Request
	asked   *warden.Asked
	at      time.Time
	err     error
}

// launch asks the lane's warden for a trial; one is started where there is none.
func (l *lane) launch(ctx context.Context, request warden.Request) *flight {
	f := &flight{l: l, ctx: ctx, request: request}
	f.ask()
	return f
}

func (f *flight) ask() {
	if f.err = f.l.start(); f.err == nil {
		f.w, f.at, f.asked = f.l.w, time.Now(), f.l.w.Ask(f.ctx, f.request)
	}
}

// land waits for the end of the trial. One that the warden did not come to, because it
// left after the trial before, is asked of another one. Flights land in the order of
// their launch, and none is launched between the end of a warden and the landing of what
// waited for it: answers come in the order of asking.
func (f *flight) land() (o observation.Observation, err error) {
	for f.err == nil {
		o, err = f.asked.Answer()
		f.note()
		switch {
		case errors.Is(err, warden.ErrUnstarted):
			f.l.close() //nolint:errcheck // whoever had the trial before tells
			f.ask()
			continue
		case err != nil || f.ctx.Err() != nil:
			return o, errors.Join(err, f.l.close())
		case o.Failure != nil && o.Failure.Kind == "cleanup":
			// What it could not remove would be taken for a survivor of the next trial.
			f.l.close() //nolint:errcheck // the observation says already what is left
		}
		return o, err
	}
	return o, f.err
}

// note notes how long the trial took, without the time in which it waited for the one
// before.
func (f *flight) note() {
	begun := f.at
	if f.l.ended.After(begun) {
		begun = f.l.ended
	}
	f.l.ended = time.Now()
	f.l.took = f.l.ended.Sub(begun)
}

// close lets the warden leave, if there is one.
func (l *lane) close() error {
	if l.w == nil {
		return nil
	}
	w := l.w
	l.w = nil
	return w.Close()
}
