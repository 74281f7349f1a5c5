import Anser from 'anser'
import { printablePart } from './log-text.ts'

/** The hues of the page: each has a token that can be read on every ground, in both themes. */
export const HUES = ['red', 'yellow', 'green', 'cyan', 'blue', 'magenta'] as const
export type Hue = (typeof HUES)[number] | 'gray'

/** A part of a message with one look. */
export interface ColouredPart {
  readonly text: string
  readonly hue?: Hue
  /** Its ground has the hue, and its text the colour of the page. */
  readonly isFilled?: boolean
  readonly isBold?: boolean
  readonly isFaint?: boolean
  readonly isItalic?: boolean
  readonly isUnderlined?: boolean
}

/** More than any line of a program has; the rest of the line has the look of the last one. */
const MOST_PARTS = 200
/** Colours of terminals, links of OSC 8 and other orders; those of colour stay. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it removes.
const NO_COLOUR = /\u001b\[[0-?]*[ -/]*[@-ln-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g

/**
 * The parts of a message as a terminal colours them. A colour becomes the nearest hue of the page: what a program chose for a black terminal would not be seen on
 * white.
 */
export function colouredParts(message: string): readonly ColouredPart[] {
  if (!message.includes('\u001b')) return [{ text: printablePart(message) }]
  const entries = Anser.ansiToJson(message.replace(NO_COLOUR, ''), { remove_empty: true })
  const parts = entries.slice(0, MOST_PARTS).map(partOf)
  const rest = entries.slice(MOST_PARTS).map(({ content }) => content)
  return rest.length === 0 ? parts : [...parts, { text: printablePart(rest.join('')) }]
}

function partOf({ content, fg, bg, decorations }: Anser.AnserJsonEntry): ColouredPart {
  const [own, ground] = [hueOf(fg), hueOf(bg)]
  const isReversed = decorations.includes('reverse')
  const isFilled = isReversed || (ground !== undefined && ground !== 'gray')
  const hue = isFilled ? (ground ?? own ?? 'gray') : own
  return {
    text: printablePart(content),
    ...(hue === undefined ? {} : { hue }),
    ...(isFilled ? { isFilled } : {}),
    ...(decorations.includes('bold') ? { isBold: true } : {}),
    ...(decorations.includes('dim') ? { isFaint: true } : {}),
    ...(decorations.includes('italic') ? { isItalic: true } : {}),
    ...(decorations.includes('underline') ? { isUnderlined: true } : {}),
  }
}

/** @param colour `red, green, blue`; undefined: of the page, as black and white are */
function hueOf(colour: string | null): Hue | undefined {
  if (colour === null) return undefined
  const [red = 0, green = 0, blue = 0] = colour.split(',').map(Number)
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)]
  const range = most - least
  if (range < 40) return most > 60 && most < 170 ? 'gray' : undefined
  const sixth = most === red ? ((green - blue) / range + 6) % 6 : most === green ? (blue - red) / range + 2 : (red - green) / range + 4
  return HUES[Math.round(sixth) % 6]
}
