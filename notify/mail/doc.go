// Package mail delivers alerts as e-mail, through an SMTP server or a sendmail
// command.
//
// It decides what a mail looks like and which failures are for good: those,
// and only those, for which an SMTP server gave a code of 500 or more. It
// never retries, and sends one mail to one recipient a call, so that a
// recipient who is refused takes no mail away from the others.
package mail
