package spool

// EncodeSlot returns a slot that holds a record.
func EncodeSlot(record []byte) []byte { return encodeSlot(kept, 0, record) }
