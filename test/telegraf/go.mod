module github.com/vigilance-go/vigilance/test/telegraf

go 1.26.0

require github.com/influxdata/telegraf v1.37.2

require (
	github.com/gobwas/glob v0.2.3 // indirect
	github.com/kolo/xmlrpc v0.0.0-20220921171641-a4b6fa1dd06b // indirect
)
