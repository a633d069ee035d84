package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

const (
	// colours is how many colours a picture has at most, and mostBytes how large
	// its file may be.
	colours   = 48
	mostBytes = 40 << 10
)

// photograph has Chromium make a picture of a page, and writes it without the
// margins and with few colours. It returns the size of the file in bytes.
func photograph(ctx context.Context, page, file, dir string) (int, error) {
	path, err := filepath.Abs(page)
	if err != nil {
		return 0, err
	}
	shot := filepath.Join(dir, "shot.png")
	chromium := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--force-device-scale-factor=1.5", "--window-size=680,1200", "--user-data-dir="+filepath.Join(dir, "chromium"),
		"--screenshot="+shot, "file://"+path)
	if out, err := chromium.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("run chromium: %w\n%s", err, out)
	}
	data, err := os.ReadFile(shot)
	if err != nil {
		return 0, err
	}
	whole, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	part, ok := whole.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		return 0, errors.New("cut the picture: it has a form that cannot be cut")
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, reduce(part.SubImage(content(whole)))); err != nil {
		return 0, err
	}
	if b.Len() > mostBytes {
		return 0, fmt.Errorf("the picture has %d bytes, want at most %d", b.Len(), mostBytes)
	}
	return b.Len(), os.WriteFile(file, b.Bytes(), 0o644) // for everybody
}

// content returns where a picture is not as its last pixel, and a few pixels
// around.
func content(m image.Image) image.Rectangle {
	const margin = 6
	all := m.Bounds()
	empty := m.At(all.Max.X-1, all.Max.Y-1)
	var r image.Rectangle
	for y := all.Min.Y; y < all.Max.Y; y++ {
		for x := all.Min.X; x < all.Max.X; x++ {
			if m.At(x, y) != empty {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r.Inset(-margin).Intersect(all)
}

// reduce returns a picture with its most frequent colours; the others become
// the nearest of them.
func reduce(m image.Image) *image.Paletted {
	counts := make(map[color.RGBA]int)
	each(m, func(_, _ int, c color.RGBA) { counts[c]++ })
	frequent := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range frequent[:min(len(frequent), colours)] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(m.Bounds(), palette)
	nearest := make(map[color.RGBA]uint8)
	each(m, func(x, y int, c color.RGBA) {
		index, known := nearest[c]
		if !known {
			index = uint8(palette.Index(c)) // there are fewer than 256
			nearest[c] = index
		}
		out.SetColorIndex(x, y, index)
	})
	return out
}

// each calls do for every pixel.
func each(m image.Image, do func(x, y int, c color.RGBA)) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c, ok := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
			if ok {
				do(x, y, c)
			}
		}
	}
}
