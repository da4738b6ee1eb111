package main

import (
	"image"
	"image/color"
	"testing"
)

func TestReduceKeepsFewColoursExactly(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 40, 40))
	far := []color.RGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {30, 94, 216, 255}, {214, 140, 26, 255}}
	for i := range 1600 {
		img.SetRGBA(i%40, i/40, far[i%len(far)])
	}
	out := reduce(img)
	if len(out.Palette) != len(far) {
		t.Errorf("%d colours, want %d", len(out.Palette), len(far))
	}
	for i := range 1600 {
		if got := color.RGBAModel.Convert(out.At(i%40, i/40)); got != far[i%len(far)] {
			t.Fatalf("pixel %d is %v, want %v", i, got, far[i%len(far)])
		}
	}
}

func TestReduceHasRoomForManyColours(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for x := range 256 {
		for y := range 256 {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	if n := len(reduce(img).Palette); n > 256 || n < 200 {
		t.Errorf("%d colours", n)
	}
}
