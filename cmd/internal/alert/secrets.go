package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/notify"
)

// SecretFlags declares --name and --name-file. Each may be given several times
// and a file has a secret a line.
func SecretFlags(name string) []cli.Flag {
	return []cli.Flag{&cli.StringSliceFlag{Name: name}, &cli.StringSliceFlag{Name: name + "-file"}}
}

// Secrets reads the values of SecretFlags: from the files, the options, or,
// where there is neither, from the environment variable.
func Secrets(c *cli.Context, name, variable string) ([]notify.Secret, error) {
	var secrets []notify.Secret
	for _, file := range c.StringSlice(name + "-file") {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read --%s-file: %w", name, err)
		}
		lines := words(string(data))
		if len(lines) == 0 {
			return nil, fmt.Errorf("read --%s-file %q: it is empty", name, file)
		}
		secrets = append(secrets, lines...)
	}
	for _, value := range c.StringSlice(name) {
		secrets = append(secrets, notify.Secret(value))
	}
	if len(secrets) == 0 {
		secrets = words(os.Getenv(variable))
	}
	return secrets, nil
}

// OneSecret is Secrets for at most one.
func OneSecret(c *cli.Context, name, variable string) (notify.Secret, error) {
	all, err := Secrets(c, name, variable)
	if err != nil || len(all) == 0 {
		return "", err
	}
	if len(all) > 1 {
		return "", fmt.Errorf("read options: %d values of --%s, want one", len(all), name)
	}
	return all[0], nil
}

func words(text string) []notify.Secret {
	var secrets []notify.Secret
	for _, word := range strings.Fields(text) {
		secrets = append(secrets, notify.Secret(word))
	}
	return secrets
}

// NameOf names a destination after its secret, which cannot be found out from
// it: so its messages stay its own when options change their order.
func NameOf(service string, secret notify.Secret) string {
	sum := sha256.Sum256([]byte(secret))
	return service + "-" + hex.EncodeToString(sum[:4])
}
