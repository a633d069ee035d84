package chaos

// play is a program or a listener that misbehaves.
func play(string) int { return 1 }
