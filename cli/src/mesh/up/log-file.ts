import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** A log of this size is put aside as `.1`; the one before that goes. */
const MAX_BYTES = 10_000_000
/** pino's number of the level *warn*. */
const WARN = 40
const LEVEL = /^\{"level":(\d+)/

interface LogEntry {
  readonly level: number
  readonly name?: string
  readonly msg?: string
  readonly err?: { readonly message?: string }
}

/** Where the services' lines go: all of them to a file of limited size, those from *warn* on shortly to `warn` as well. */
export class LogFile {
  readonly path: string
  readonly #warn: (line: string) => void
  #file: number
  #bytes: number
  #lastWarning = ''

  constructor(path: string, warn: (line: string) => void) {
    this.path = path
    this.#warn = warn
    this.#file = openSync(path, 'a')
    this.#bytes = fstatSync(this.#file).size
  }

  /** Takes one line of JSON, as a pino destination does. */
  write(line: string): void {
    if (Number(LEVEL.exec(line)?.[1] ?? 0) >= WARN) this.#report(line)
    try {
      if (this.#bytes > MAX_BYTES) this.#rotate()
      this.#bytes += writeSync(this.#file, line)
    } catch (error) {
      // A full disk must not end the mesh: the store reports it in its own errors.
      this.#sayOnce(`the log ${this.path} cannot be written: ${(error as Error).message}`)
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #rotate(): void {
    renameSync(this.path, `${this.path}.1`)
    closeSync(this.#file)
    this.#file = openSync(this.path, 'a')
    this.#bytes = 0
  }

  #report(line: string): void {
    const { level, name, msg, err } = JSON.parse(line) as LogEntry
    const cause = err?.message && !msg?.includes(err.message) ? `: ${err.message}` : ''
    this.#sayOnce(`${level > WARN ? 'error' : 'warning'}: ${name}: ${msg}${cause}`)
  }

  /** A repeated message is printed once. */
  #sayOnce(text: string): void {
    if (text !== this.#lastWarning) this.#warn(text)
    this.#lastWarning = text
  }
}
