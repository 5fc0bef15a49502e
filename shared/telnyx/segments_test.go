package telnyx_test

import (
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

func TestSegments_CountsAsTheCarriersDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       int
	}{
		{"nothing", "", 1},
		{"160 septets", strings.Repeat("a", 160), 1},
		{"161 septets", strings.Repeat("a", 161), 2},
		{"306 septets", strings.Repeat("a", 306), 2},
		{"307 septets", strings.Repeat("a", 307), 3},
		{"ten parts", strings.Repeat("a", 1530), 10},
		{"more than ten parts", strings.Repeat("a", 1531), 11},
		{"an escape is not split", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3},
		{"an escape that fits", strings.Repeat("a", 151) + "€" + strings.Repeat("a", 153), 2},
		{"70 units", "😜" + strings.Repeat("1", 68), 1},
		{"71 units", "😜" + strings.Repeat("1", 69), 2},
		{"134 units", "😜" + strings.Repeat("1", 132), 2},
		{"135 units", "😜" + strings.Repeat("1", 133), 3},
		{"a flag is four units", "🇮🇹" + strings.Repeat("1", 66), 1},
		{"a flag and one more", "🇮🇹" + strings.Repeat("1", 67), 2},
		{"a pair is not split", strings.Repeat("á", 66) + "😀" + strings.Repeat("á", 66), 3},
		{"70 of two bytes", strings.Repeat("Á", 70), 1},
		{"71 of two bytes", strings.Repeat("Á", 71), 2},
		{"brackets are one unit beside an emoji", "😀" + strings.Repeat("]", 68), 1},
		{"and one more", "😀" + strings.Repeat("]", 69), 2},
		{"670 units are ten parts", strings.Repeat("á", 670), 10},
		{"no UTF-8", strings.Repeat("\xff", 71), 2},
	}
	for _, tt := range tests {
		if got := telnyx.Segments(tt.text); got != tt.want {
			t.Errorf("%s: %d segments, want %d", tt.name, got, tt.want)
		}
	}
}

func TestSegments_AnEscapedCharacterIsTwoSeptets(t *testing.T) {
	t.Parallel()
	for _, escaped := range `^{}\[~]|€` {
		if got := telnyx.Segments(string(escaped) + strings.Repeat("1", 158)); got != 1 {
			t.Errorf("%q and 158 digits: %d segments, want 1", escaped, got)
		}
		if got := telnyx.Segments(string(escaped) + strings.Repeat("1", 159)); got != 2 {
			t.Errorf("%q and 159 digits: %d segments, want 2", escaped, got)
		}
	}
}

func TestSegments_TheAlphabetIsGSM0338(t *testing.T) {
	t.Parallel()
	// 100 characters fit into one part of GSM 03.38 and take two of UTF-16.
	for _, inside := range "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüàAZaz09" {
		if got := telnyx.Segments(strings.Repeat(string(inside), 100)); got != 1 {
			t.Errorf("%q is counted as outside of the alphabet", inside)
		}
	}
	for _, outside := range "çáíóúÁ‘’“”–—…`\t₹ａ中" {
		if got := telnyx.Segments(strings.Repeat("a", 99) + string(outside)); got != 2 {
			t.Errorf("%q is counted as inside of the alphabet", outside)
		}
	}
}
