package telnyx

import (
	"strings"
	"unicode/utf16"
)

// The GSM 03.38 alphabet: one septet each, and two for the extension.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwo   = "^{}\\[~]|€\f"
)

// Segments is how many SMS parts a text takes: 160 septets in one and 153 in each of several, or 70 and 67 units of UTF-16
// once a single character is outside of GSM 03.38. No character is split across parts.
func Segments(text string) int {
	units, whole, part := gsmUnits(text)
	total := 0
	for _, u := range units {
		total += u
	}
	if total <= whole {
		return 1
	}
	segments, used := 1, 0
	for _, u := range units {
		if used+u > part {
			segments, used = segments+1, 0
		}
		used += u
	}
	return segments
}

// gsmUnits gives each character's size, and how many units one part holds alone and among several.
func gsmUnits(text string) (units []int, whole, part int) {
	units = make([]int, 0, len(text))
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			units = append(units, 1)
		case strings.ContainsRune(gsmTwo, r):
			units = append(units, 2)
		default:
			return utf16Units(text), 70, 67
		}
	}
	return units, 160, 153
}

func utf16Units(text string) []int {
	units := make([]int, 0, len(text))
	for _, r := range text {
		units = append(units, max(utf16.RuneLen(r), 1))
	}
	return units
}
