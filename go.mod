module github.com/vigilance-go/vigilance

go 1.26
