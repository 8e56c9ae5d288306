package warden

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// keep is how much of a stream's beginning, and of its end, is kept.
const keep = 64 << 10

// capture reads one stream of the target: everything is counted and watched, the head
// and the tail are kept.
type capture struct {
	fd     int // -1 once nobody holds the other end
	stream *strike.Stream
	bytes  int64
	head   []byte
	ring   []byte // the last keep bytes behind the head, from next on
	next   int
	closed time.Duration // when the last holder was gone; 0 before
}

// pollFD is the descriptor to wait on, -1 when there is nothing more to come.
func (c *capture) pollFD() int32 {
	if c == nil {
		return -1
	}
	return int32(c.fd)
}

// drainOnce reads what is there, once; it must be known that reading does not block.
// A terminal whose last holder is gone answers EIO where a pipe answers with its end.
func (c *capture) drainOnce(buf []byte, at time.Duration) (more bool) {
	n, err := unix.Read(c.fd, buf)
	if err == unix.EINTR || err == unix.EAGAIN {
		return true
	}
	if n <= 0 {
		c.close()
		c.closed = at
		c.stream.Close(at)
		return false
	}
	c.store(buf[:n])
	c.stream.Write(buf[:n], at)
	return true
}

func (c *capture) store(text []byte) {
	c.bytes += int64(len(text))
	if room := keep - len(c.head); room > 0 {
		n := min(room, len(text))
		c.head = append(c.head, text[:n]...)
		text = text[n:]
	}
	if len(text) > keep {
		text = text[len(text)-keep:]
	}
	if len(c.ring) < keep {
		n := min(keep-len(c.ring), len(text))
		c.ring = append(c.ring, text[:n]...)
		text = text[n:]
	}
	for len(text) > 0 {
		n := copy(c.ring[c.next:], text)
		c.next = (c.next + n) % keep
		text = text[n:]
	}
}

// left bounds what is read of a stream at the end, in bytes: far more than a pipe
// holds. Somebody outside the tree may hold the stream too, and write without end.
const left = 16 << 20

// finish takes in what is still in the pipe, without waiting for more, and gives what
// was kept.
func (c *capture) finish(buf []byte, at time.Duration) observation.Captured {
	if c == nil {
		return observation.Captured{}
	}
	for end := c.bytes + left; c.fd >= 0 && c.bytes < end; {
		fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil || !c.drainOnce(buf, at) {
			break
		}
	}
	if c.closed == 0 {
		c.stream.Close(at)
	}
	tail := append(c.ring[c.next:len(c.ring):len(c.ring)], c.ring[:c.next]...)
	return observation.Captured{
		Bytes: c.bytes, Lines: c.stream.Lines, Head: c.head, Tail: tail,
		Dropped: c.bytes - int64(len(c.head)) - int64(len(tail)),
	}
}

func (c *capture) close() {
	if c != nil && c.fd >= 0 {
		unix.Close(c.fd) //nolint:errcheck // nothing was written
		c.fd = -1
	}
}
