import { styleText } from 'node:util'

/** The part of a stream that is used. */
export interface Sink {
  /** False when its buffer is full: `drain` is emitted when it accepts more. */
  write(text: string): unknown
  once?(event: 'drain', listener: () => void): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** What a piece of text is for; decides its colour. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong' | 'accent'

const STYLES = { good: 'green', bad: 'red', warning: 'yellow', quiet: 'gray', strong: 'bold', accent: 'cyan' } as const

/** Where a command writes. With `json`, stdout holds exactly one JSON value and nothing else. */
export interface Terminal {
  readonly json: boolean
  /** Whether stdout is a terminal. */
  readonly interactive: boolean
  /** Columns that a table may take: those of the terminal, else those of COLUMNS, else 80. */
  readonly columns: number
  /** A line of the answer: stdout. */
  print(text: string): void
  /** A part of the answer as it is: stdout. Resolves when stdout takes more. */
  write(text: string): Promise<void>
  /** Shows a line in the place of the one that was shown so last; an empty one takes it away. Only on a terminal. */
  overwrite(text: string): void
  /** A line beside the answer: stderr. */
  note(text: string): void
  /** The answer for programs: one line of JSON on stdout. */
  value(value: unknown): void
  /** Colours `text`, where the stream shows colours; `NO_COLOR` is honoured. */
  paint(tone: Tone, text: string): string
}

const DEFAULT_COLUMNS = 80
/** More is no terminal. */
const MOST_COLUMNS = 1_000

function columnsOf({ COLUMNS = '' }: Readonly<Record<string, string | undefined>>): number | undefined {
  const columns = /^\d{2,4}$/.test(COLUMNS) ? Number(COLUMNS) : 0
  return columns > 0 && columns <= MOST_COLUMNS ? columns : undefined
}

/** @param environment for `NO_COLOR` (https://no-color.org: any value but the empty one) */
export function createTerminal(options: {
  stdout: Sink
  stderr: Sink
  json: boolean
  environment: Readonly<Record<string, string | undefined>>
}): Terminal {
  const { stdout, stderr, json, environment } = options
  const interactive = stdout.isTTY === true
  const colours = interactive && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
  return {
    json,
    interactive,
    columns: (interactive && stdout.columns) || columnsOf(environment) || DEFAULT_COLUMNS,
    write: async (text) => {
      if (stdout.write(text) === false) await new Promise<void>((resolve) => stdout.once?.('drain', resolve))
    },
    print: (text) => void stdout.write(`${text}\n`),
    overwrite: (text) => void stdout.write(`\r\u001b[K${text.slice(0, Math.max(1, (stdout.columns || DEFAULT_COLUMNS) - 1))}`),
    note: (text) => void stderr.write(`${text}\n`),
    value: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    paint: (tone, text) => (colours ? styleText(STYLES[tone], text, { validateStream: false }) : text),
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Untrusted text, such as a log line: control sequences are escaped. Tabs and line ends stay. */
export function harmless(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
