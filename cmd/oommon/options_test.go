package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

func TestHelpNamesAllOptions(t *testing.T) { checktest.Help(t, usage(), flags()) }
