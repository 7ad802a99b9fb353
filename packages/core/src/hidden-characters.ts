/**
 * Code points that no name may hold, because a reader cannot see them, a terminal or a header obeys them, or a
 * protocol on the way cannot carry them. ZWJ and ZWNJ are among them: with them, two names that look the same differ.
 */
const CODE_POINTS = [
  '\\u{0}-\\u{1f}', // C0 controls: NUL, TAB, CR, LF and the rest
  '\\u{7f}-\\u{9f}', // DEL and the C1 controls
  '\\u{ad}', // soft hyphen
  '\\u{34f}', // combining grapheme joiner
  '\\u{61c}', // Arabic letter mark (bidi)
  '\\u{180e}', // Mongolian vowel separator
  '\\u{200b}-\\u{200f}', // zero-width space, ZWNJ, ZWJ; left-to-right and right-to-left marks (bidi)
  '\\u{2028}-\\u{202e}', // line and paragraph separators; bidi embeddings and overrides
  '\\u{2060}-\\u{206f}', // word joiner, invisible operators, bidi isolates, deprecated format characters
  '\\u{d800}-\\u{dfff}', // lone surrogates: not text, and not encodable as UTF-8
  '\\u{feff}', // byte order mark, zero-width no-break space
  '\\u{fff9}-\\u{fffb}', // interlinear annotation
  '\\u{fffe}\\u{ffff}', // not characters of XML 1.0 (section 2.2), in which S3 lists its keys
  '\\u{e0000}-\\u{e007f}', // tags
]

/** Every hidden character of a text; for `replace` and `search`, not for `test`, which would keep its place. */
export const HIDDEN = new RegExp(`[${CODE_POINTS.join('')}]`, 'gu')
