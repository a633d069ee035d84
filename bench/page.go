package main

func (r *report) writePage(name string) error { return nil }
