package stack

// rule says where a caller's register is found.
type rule struct {
	kind   ruleKind
	offset int64 // from the frame's address
	from   int   // the register that holds it
}

type ruleKind uint8

const (
	same      ruleKind = iota // it was not touched
	undefined                 // it is lost, or needs what is not understood
	saved                     // it lies at the frame's address + offset
	sum                       // it is the frame's address + offset
	moved                     // it is in another register
)

// row is how to unwind from one place in a function.
type row struct {
	base    int   // the register that the frame's address is counted from
	offset  int64 // and how far it is
	unknown bool  // the frame's address needs an expression
	rules   [registerCount]rule
}

// maxRemembered bounds how deep rows are put aside.
const maxRemembered = 16

// machine carries out the instructions of the tables (DWARF 4, 6.4.2) up to a place.
type machine struct {
	table *frameTable
	row
	initial    [registerCount]rule
	remembered []row
	at         uint64 // the place that the row is for
}

// row works out how to unwind from an address of the module.
func (t *frameTable) row(own uint64) (row, error) {
	m := machine{table: t, at: t.begin}
	if err := m.run(t.initial, own, true); err != nil {
		return row{}, err
	}
	m.initial = m.rules
	if err := m.run(t.instructions, own, false); err != nil {
		return row{}, err
	}
	return m.row, nil
}

// run carries out instructions until they are about places behind own.
func (m *machine) run(instructions []byte, own uint64, initial bool) error {
	c := cursor{rest: instructions}
	for len(c.rest) > 0 && c.err == nil {
		opcode := c.byte()
		advance := m.advance(opcode, &c)
		if advance > 0 && !initial {
			if m.at += advance * m.table.codeFactor; m.at > own {
				return c.err
			}
		}
		if advance == 0 {
			m.step(opcode, &c)
		}
	}
	return c.err
}

// advance is how far an instruction moves the place, 0 for one that does not.
func (m *machine) advance(opcode byte, c *cursor) uint64 {
	switch {
	case opcode>>6 == 1:
		return uint64(opcode & 0x3f)
	case opcode == 0x02:
		return c.number(1)
	case opcode == 0x03:
		return c.number(2)
	case opcode == 0x04:
		return c.number(4)
	}
	return 0
}

// step carries out an instruction that changes the row.
func (m *machine) step(opcode byte, c *cursor) {
	switch opcode >> 6 {
	case 1: // an advance by nothing
		return
	case 2:
		m.set(uint64(opcode&0x3f), rule{kind: saved, offset: int64(c.unsigned()) * m.table.dataFactor})
		return
	case 3:
		m.restore(uint64(opcode & 0x3f))
		return
	}
	if !m.stepRegister(opcode, c) && !m.stepFrame(opcode, c) {
		c.err = errTables
	}
}

// stepRegister carries out an instruction about one register.
func (m *machine) stepRegister(opcode byte, c *cursor) bool {
	factor := m.table.dataFactor
	switch opcode {
	case 0x05: // offset_extended
		m.set(c.unsigned(), rule{kind: saved, offset: int64(c.unsigned()) * factor})
	case 0x06: // restore_extended
		m.restore(c.unsigned())
	case 0x07: // undefined
		m.set(c.unsigned(), rule{kind: undefined})
	case 0x08: // same_value
		m.set(c.unsigned(), rule{kind: same})
	case 0x09: // register
		m.set(c.unsigned(), rule{kind: moved, from: int(min(c.unsigned(), registerCount))})
	case 0x10, 0x16: // expression, val_expression
		register := c.unsigned()
		c.take(c.unsigned())
		m.set(register, rule{kind: undefined})
	case 0x11: // offset_extended_sf
		m.set(c.unsigned(), rule{kind: saved, offset: c.signed() * factor})
	case 0x14: // val_offset
		m.set(c.unsigned(), rule{kind: sum, offset: int64(c.unsigned()) * factor})
	case 0x15: // val_offset_sf
		m.set(c.unsigned(), rule{kind: sum, offset: c.signed() * factor})
	default:
		return false
	}
	return true
}

// stepFrame carries out an instruction about the frame's address or the whole row.
func (m *machine) stepFrame(opcode byte, c *cursor) bool {
	switch opcode {
	case 0x00, 0x02, 0x03, 0x04: // nop, and advances by nothing
	case 0x0a: // remember_state
		if len(m.remembered) >= maxRemembered {
			return false
		}
		m.remembered = append(m.remembered, m.row)
	case 0x0b: // restore_state
		if len(m.remembered) == 0 {
			return false
		}
		m.row = m.remembered[len(m.remembered)-1]
		m.remembered = m.remembered[:len(m.remembered)-1]
	case 0x0c: // def_cfa
		m.base, m.offset, m.unknown = register(c), int64(c.unsigned()), false
	case 0x0d: // def_cfa_register
		m.base, m.unknown = register(c), false
	case 0x0e: // def_cfa_offset
		m.offset = int64(c.unsigned())
	case 0x0f: // def_cfa_expression
		c.take(c.unsigned())
		m.unknown = true
	case 0x12: // def_cfa_sf
		m.base, m.offset, m.unknown = register(c), c.signed()*m.table.dataFactor, false
	case 0x13: // def_cfa_offset_sf
		m.offset = c.signed() * m.table.dataFactor
	case 0x2e: // GNU_args_size
		c.unsigned()
	default:
		return false
	}
	return true
}

// register takes the number of a register; those that are not followed become one that
// does not exist.
func register(c *cursor) int { return int(min(c.unsigned(), registerCount)) }

func (m *machine) set(register uint64, r rule) {
	if register < registerCount {
		m.rules[register] = r
	}
}

func (m *machine) restore(register uint64) {
	if register < registerCount {
		m.rules[register] = m.initial[register]
	}
}

// caller works out the registers of the caller. ok is false where the frame's address
// or the place to return to cannot be known; last where there is no caller.
func (r row) caller(regs registers, mem *pages, returnColumn uint64) (up registers, last, ok bool) {
	if r.unknown || r.base >= registerCount || !regs.known[r.base] || returnColumn >= registerCount {
		return up, false, false
	}
	frame := regs.value[r.base] + uint64(r.offset)
	for number := range registerCount {
		if value, known := r.rules[number].value(number, frame, regs, mem); known {
			up.set(number, value)
		}
	}
	if r.rules[returnColumn].kind == undefined {
		return up, true, true
	}
	up.set(regPC, up.value[returnColumn])
	if r.rules[regSP].kind == same {
		up.set(regSP, frame)
	}
	return up, up.pc() == 0, up.known[returnColumn] && r.rules[returnColumn].kind != same
}

// value is the caller's register as the rule tells it.
func (r rule) value(number int, frame uint64, regs registers, mem *pages) (value uint64, known bool) {
	switch r.kind {
	case same:
		return regs.value[number], regs.known[number]
	case saved:
		value, err := mem.word(frame + uint64(r.offset))
		return value, err == nil
	case sum:
		return frame + uint64(r.offset), true
	case moved:
		if r.from < registerCount {
			return regs.value[r.from], regs.known[r.from]
		}
	}
	return 0, false
}
