/** Letters of a line at most: three bytes each fit the 8 KiB of a log line. What is longer goes on in the next line. */
const MAX_LETTERS = 2_700

/** Makes lines of text that comes in pieces: they end at `\n`, `\r\n` or, as progress bars write, `\r`. Keeps less than one line. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    const all = this.#rest + text
    // A \r at the end may be the first half of \r\n.
    const end = all.endsWith('\r') ? all.length - 1 : all.length
    const lines = all.slice(0, end).split(/\r\n|[\r\n]/)
    const last = lines.pop() as string
    for (const line of lines) this.#emit(line)
    let from = 0
    for (; last.length - from > MAX_LETTERS; from += MAX_LETTERS) this.#onLine(last.slice(from, from + MAX_LETTERS))
    this.#rest = last.slice(from) + all.slice(end)
  }

  /** Nothing more comes: a last line without an end is one, too. */
  end(): void {
    if (this.#rest !== '') this.#emit(this.#rest.replace(/\r$/, ''))
    this.#rest = ''
  }

  #emit(line: string): void {
    for (let from = 0; from === 0 || from < line.length; from += MAX_LETTERS) this.#onLine(line.slice(from, from + MAX_LETTERS))
  }
}
